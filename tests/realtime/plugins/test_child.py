"""Processes in which plugins are touched: all ended at once, and their words fit to be printed."""

from __future__ import annotations

import os
from functools import partial

import pytest
from tonerig.realtime.plugins.child import Child, Children
from tonerig.realtime.plugins.errors import PluginError

from .hosts import wait_until
from .test_worker_process import there


def test_a_child_ends_with_its_context() -> None:
    """However the context is left."""
    with pytest.raises(ValueError, match="on the way"), Children().start(partial(Child, "worker")) as child:
        assert there(child.pid)
        raise ValueError("on the way")
    assert not there(child.pid)


def test_all_are_ended_at_once_and_no_more_are_started() -> None:
    """Those in other contexts see that theirs was killed; the next one is refused."""
    children = Children()
    with children.start(partial(Child, "worker")) as one, children.start(partial(Child, "probe")) as other:
        children.close()
        wait_until(lambda: not there(one.pid) and not there(other.pid))
        assert (one.how_it_ended(60.0), other.how_it_ended(60.0)) == ("was killed", "was killed")
    with pytest.raises(PluginError, match="broken off"), children.start(partial(Child, "worker")):
        pass


def test_last_words_obey_no_terminal() -> None:
    """What a plugin prints may hold escape sequences; the sentence about it does not."""
    child = Child("worker")
    os.write(child._log, b"first\nall is \x1b[2J well\n\n")
    assert child.last_words() == "all is \\x1b[2J well"
    child.kill()
