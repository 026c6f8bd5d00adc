"""What tests of several verbs play through."""

from __future__ import annotations

from pathlib import Path

import pytest
from tonerig.export.files import save_model

from tests.models import random_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file."""
    path = tmp_path_factory.mktemp("models") / "amp.nam"
    save_model(random_model("lstm_1x16", 0), path)
    return path
