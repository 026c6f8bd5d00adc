"""A library of its own for each test that reads or writes presets."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def user_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user's library in the test's folder."""
    folder = tmp_path / "library"
    monkeypatch.setenv("TONERIG_LIBRARY", str(folder))
    return folder


@pytest.fixture(scope="session")
def plugin_folder(test_plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with those of the plugins made for the tests that load: two effects and an instrument."""
    folder = tmp_path_factory.mktemp("vst3")
    for name in ("Trouble", "TroubleMono", "Pipe"):
        (folder / f"{name}.vst3").symlink_to(test_plugins / f"{name}.vst3")
    return folder


@pytest.fixture
def installed(plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where plugins are looked for."""
    monkeypatch.setenv("VST3_PATH", str(plugin_folder))
    return plugin_folder
