"""VST3 files as pedalboard loads them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.inside import native


def test_a_path_that_is_no_utf_8_is_a_sentence(tmp_path: Path) -> None:
    """Linux takes any bytes as a name, pedalboard only UTF-8: not its own words on C++ types."""
    path = tmp_path / os.fsdecode(b"Caf\xe9.vst3")
    path.mkdir()
    for load in (native.load, native.names):
        with pytest.raises(PluginError, match=r"Caf\\\S+\.vst3: is no path in UTF-8; rename") as caught:
            load(path)
        assert str(caught.value).isprintable()
