"""How a verb ends when some of several files failed."""

from __future__ import annotations

import pytest
from tonerig.realtime.cli.failures import raise_failed
from tonerig.realtime.render import RenderError


def test_none_is_no_error() -> None:
    """Nothing is raised where nothing failed."""
    raise_failed([], 3, "songs")


def test_one_stays_what_it_is() -> None:
    """The very error that one file failed of is raised."""
    error = OSError("disk full")
    with pytest.raises(OSError, match="disk full") as found:
        raise_failed([("a.mid", error)], 1, "songs")
    assert found.value is error
    error = OSError("a.mid: disk full")
    with pytest.raises(OSError, match="disk full") as found:
        raise_failed([("a.mid", error)], 3, "songs")
    assert found.value is error


def test_one_of_several_says_which() -> None:
    """An error that names a plugin, and not the file, gets the file's name, legible."""
    with pytest.raises(RenderError, match=r"^a\\x1b\.wav: Trouble crashed$"):
        raise_failed([("a\x1b.wav", ValueError("Trouble crashed"))], 3, "files")


def test_several_become_one_sentence() -> None:
    """How many of how many, and what each said."""
    with pytest.raises(RenderError, match=r"^2 of 3 songs failed: a: empty; b: cut off$"):
        raise_failed([("a", ValueError("a: empty")), ("b", OSError("cut off"))], 3, "songs")
