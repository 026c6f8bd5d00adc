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
