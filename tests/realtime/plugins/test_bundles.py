"""Where plugins are found, and which file of a bundle is loaded."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from tonerig.realtime.plugins.bundles import binary, installed_bundles, search_folders
from tonerig.realtime.plugins.errors import PluginError


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of VST3_PATH come first, in order; a maker's folder is looked into, a bundle is not."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (two / "b.vst3" / "inner.vst3", one / "maker" / "A.VST3", one / "not a plugin"):
        folder.mkdir(parents=True)
    monkeypatch.setenv("VST3_PATH", f"{two}:{one}:{tmp_path / 'missing'}:")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert search_folders()[2:4] == [tmp_path / "missing", tmp_path / ".vst3"]
    assert installed_bundles()[:2] == [two / "b.vst3", one / "maker" / "A.VST3"]


def test_circle_of_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that links lead to again and again is looked into once."""
    for name in ("self", "twin"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "a.vst3").mkdir()
    monkeypatch.setenv("VST3_PATH", f"{tmp_path}:{tmp_path / 'self'}")
    assert [path for path in installed_bundles() if path.name == "a.vst3"] == [tmp_path / "a.vst3"]


def test_binary(tmp_path: Path) -> None:
    """The library of this system that has the bundle's name, or else the first."""
    folder = tmp_path / f"P.vst3/Contents/{platform.machine()}-linux"
    folder.mkdir(parents=True)
    (folder / "A.so").touch()
    assert binary(tmp_path / "P.vst3") == folder / "A.so"
    (folder / "P.so").touch()
    assert binary(tmp_path / "P.vst3") == folder / "P.so"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Empty", "nothing inside that Linux could load"),
        ("Windows", "is for Windows; get the one for Linux"),
        ("Mac", "is for macOS; get the one for Linux"),
        ("Text", "is a file"),
        ("Nothing", "is not there; check the path"),
        ("Gone", "is a link to nothing"),
    ],
)
def test_what_has_none(broken_plugins: Path, name: str, reason: str) -> None:
    """A sentence on what the bundle is instead."""
    with pytest.raises(PluginError, match=f"^{name}.vst3: .*{reason}"):
        binary(broken_plugins / f"{name}.vst3")
