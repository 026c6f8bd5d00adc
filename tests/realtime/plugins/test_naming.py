"""Plugins by name and by path, as presets say them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.naming import absolute, relative


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which plugins are installed, with one for presets in it."""
    monkeypatch.setenv("VST3_PATH", str(tmp_path))
    return tmp_path / "presets"


def test_a_name_is_no_path(folder: Path) -> None:
    """It stays as it is, both ways."""
    assert absolute("ZamComp", folder) == relative("ZamComp", folder) == "ZamComp"


@pytest.mark.parametrize("text", ["ZamComp.vst3", "Zam/ZamComp.VST3"])
def test_a_path_counts_from_the_presets_folder(folder: Path, text: str) -> None:
    """It becomes absolute, and is written as it was."""
    assert absolute(text, folder) == str(folder / text)
    assert relative(absolute(text, folder), folder) == text


def test_an_absolute_path_into_an_installed_plugin_stays(folder: Path, tmp_path: Path) -> None:
    """One beside the preset's folder cannot be written in another way."""
    text = str(tmp_path / "ZamComp.vst3")
    assert absolute(text, folder) == relative(text, folder) == text


@pytest.mark.parametrize("text", ["/tmp/Evil.vst3", "../../Evil.vst3", "a/../Evil.vst3"])
def test_a_path_to_elsewhere_is_refused(folder: Path, text: str) -> None:
    """A stranger's preset loads no program that its person has not installed."""
    with pytest.raises(PluginError, match=r"Evil\.vst3', which is no place for plugins; if you trust"):
        absolute(text, folder)
