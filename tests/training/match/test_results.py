"""A model's figures as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tonerig.training.match import results
from tonerig.training.match.measures import Reconstruction
from tonerig.training.match.results import Figures, Losses, Reconstructed

from .rows import figures


def test_there_and_back(tmp_path: Path) -> None:
    """A file holds all of it, as plain JSON."""
    written = figures("conv6")
    path = results.write_figures(written, tmp_path / "conv6.json")
    assert results.read_figures(path) == written
    document = json.loads(path.read_text())
    assert document["model"] == "conv6" and document["losses"]["train"] == [0.3, 0.25, 0.2]
    assert Figures.from_json(written.as_json()) == written
    assert [found.name for found in tmp_path.iterdir()] == ["conv6.json"]


def test_the_mean_of_the_ranks() -> None:
    """Over all parameters."""
    found = figures("conv6", ranks={"a": 50.0, "b": 75.0, "c": 100.0})
    assert found.mpr == 75


def test_means_and_medians() -> None:
    """Of each measure over the sounds."""
    stft, fourier = np.array([1.0, 2.0, 6.0]), np.array([0.0, -3.0, 3.0])
    found = Reconstructed.of(Reconstruction(stft, fourier, stft / 2, 10 * stft))
    assert (found.stft.mean, found.stft.median) == (3, 2)
    assert (found.fourier.mean, found.fourier.median) == (0, 0)
    assert (found.time.mean, found.frobenius.median) == (1.5, 20)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x00\xff", "is no JSON"),
        (b"[1, 2]", "holds a list"),
        (b"[" * 100_000, "is no JSON"),
        (b"{}", "model: Field required"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, content: bytes, expected: str) -> None:
    """A sentence that names the file and says what it holds."""
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(results.FiguresError, match=expected) as raised:
        results.read_figures(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("format", 2, "format: "),
        ("ranks", {"cutoff_hz": 101.0}, "ranks.cutoff_hz: "),
        ("ranks", {"cutoff_hz": "high"}, "ranks.cutoff_hz: "),
        ("top", {"All": [2.0]}, "top.All.0: "),
        ("seconds", float("nan"), "seconds: "),
        ("sounds", 3, "sounds: "),
    ],
)
def test_values_of_another_kind(key: str, value: object, expected: str) -> None:
    """The key that is wrong is named."""
    with pytest.raises(results.FiguresError, match=expected):
        Figures.from_json(figures("conv6").as_json() | {key: value})


def test_no_file(tmp_path: Path) -> None:
    """Says so."""
    with pytest.raises(results.FiguresError, match=r"none\.json: cannot be read"):
        results.read_figures(tmp_path / "none.json")


def test_losses_may_be_missing() -> None:
    """A model that was not trained here has none."""
    assert figures("conv6", losses=Losses()).losses.train == ()
