"""Rows of the tables: trained within a budget, measured, kept, put side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.match.estimator import load_estimator
from tonerig.training.match import rows, train
from tonerig.training.match.plan import MatchTrainingError
from tonerig.training.match.results import read_figures
from tonerig.training.match.rows import Budget, run_row, write_tables

BUDGET = Budget(sounds=64, epochs=2, test_sounds=16, seed=0, device="cpu")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three rows: a network on spectrograms, one on words, and ours; few sounds where they do."""
    folder = tmp_path_factory.mktemp("table")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "VALIDATION_SOUNDS", 32)
        patch.setattr(train, "AT_ONCE", 32)
        patch.setattr(rows, "FITTED_ON", 64)
        for model in ("conv1", "fc1", "tonerig"):
            run_row(model, BUDGET, "four", folder / model)
    return folder


def test_a_row_says_what_it_had(table: Path) -> None:
    """Sounds, epochs, weights, precision and curves stand in its figures."""
    figures = read_figures(table / "conv1" / "figures.json")
    assert (figures.sounds_seen, figures.epochs, figures.test_sounds) == (128, 2, 16)
    assert figures.precision == "float32"
    assert len(figures.losses.train) == len(figures.losses.validation) == 8
    assert 30 < figures.mpr < 70  # after 128 sounds it knows little
    assert read_figures(table / "tonerig" / "figures.json").precision == "bfloat16"


def test_what_hears_spectrograms_is_an_estimator(table: Path) -> None:
    """The paper's convolutional networks and ours are; those on words are not."""
    for model in ("conv1", "tonerig"):
        estimator = load_estimator(table / model / "estimator.onnx")
        assert estimator.training["model"] == model
        assert np.isfinite(estimator.logits(np.ones((2, 64, 257), np.float32))).all()
    assert not (table / "fc1" / "estimator.onnx").exists()


def test_tables_have_a_column_for_each_row(table: Path) -> None:
    """Table 3's mean row holds what the figures say, beside the paper's."""
    text = write_tables(table, "four").read_text()
    mpr = read_figures(table / "fc1" / "figures.json").mpr
    assert f"{mpr:.2f} (66.85)" in text
    for picture in ("losses.png", "top.png", "examples.png"):
        assert (table / picture).read_bytes().startswith(b"\x89PNG")


def test_a_row_that_is_there_is_not_made_again(table: Path) -> None:
    """Its figures are measured anew from the weights that are kept, without a step."""
    before = json.loads((table / "conv1" / "figures.json").read_text())
    steps: list[object] = []
    run_row("conv1", BUDGET, "four", table / "conv1", progress=lambda *step: steps.append(step))
    assert not steps
    assert json.loads((table / "conv1" / "figures.json").read_text()) == before


def test_an_unknown_precision_is_named(tmp_path: Path) -> None:
    """Both that there are stand in the sentence."""
    with pytest.raises(MatchTrainingError, match="precision is '16', expected 32-true or bf16-mixed"):
        run_row("conv1", Budget(64, 1, 16, 0, precision="16"), "four", tmp_path / "conv1")
