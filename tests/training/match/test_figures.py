"""The pictures are drawn, and show what they are given."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from tonerig.realtime.match.synths import FOUR
from tonerig.training.match import figures as pictures
from tonerig.training.match import paper

from .rows import figures


def pixels(path: Path) -> np.ndarray:
    """Red, green and blue from 0 to 1, on white."""
    picture = matplotlib.image.imread(path)
    assert picture.shape[2] == 4 and (picture[..., 3] == 1).all()
    np.testing.assert_array_equal(picture[[0, 0, -1, -1], [0, -1, 0, -1], :3], 1)
    return np.asarray(picture[..., :3])


def has(picture: np.ndarray, colour: str) -> bool:
    """Whether some pixels have just this colour."""
    wanted = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return bool((np.abs(picture - wanted).max(axis=2) < 2 / 255).sum() > 20)


def test_losses(tmp_path: Path) -> None:
    """Ours is red, the deepest of the paper's dark blue; a model of one epoch or none is drawn, too."""
    losses = {
        "conv1": {"train": [0.3, 0.2], "validation": [0.3, 0.25]},
        "conv6xl": {"train": [0.3, 0.1], "validation": [0.3, 0.15]},
        "fc1": {"train": [0.3], "validation": []},
        "ours": {"train": [0.3, 0.05], "validation": [0.3, 0.1]},
    }
    picture = pixels(pictures.draw_losses(losses, tmp_path / "losses.png"))
    assert has(picture, "#d62728") and has(picture, "#08306b") and has(picture, "#9ecae1")
    del losses["ours"]
    assert not has(pixels(pictures.draw_losses(losses, tmp_path / "losses.png")), "#d62728")


def test_top_accuracies(tmp_path: Path) -> None:
    """All fourteen and ours, in seven graphs and a legend."""
    models = {name: figures(name) for name in [*paper.MODELS, "ours"]}
    path = pictures.draw_top_accuracies(models, tmp_path / "top.png")
    picture = pixels(path)
    assert has(picture, "#d62728") and has(picture, "#5b2a86")
    assert picture.shape[1] > picture.shape[0] > 500


def test_top_accuracies_of_one_group(tmp_path: Path) -> None:
    """Another synth has only one."""
    found = figures("ours", synth="two", top={"All": (0.5, 0.6, 0.7, 0.8, 0.9)})
    assert has(pixels(pictures.draw_top_accuracies({"ours": found}, tmp_path / "top.png")), "#d62728")


def test_examples(tmp_path: Path) -> None:
    """The same sounds look the same, and silence is empty paper."""
    sounds = FOUR.render(FOUR.values(FOUR.drawn(0, "test", 0, 2)), threads=1)
    made = {"conv6": sounds, "fc1": 0 * sounds}
    path = pictures.draw_examples(sounds, made, FOUR.rate, tmp_path / "examples.png", numbers=range(2))
    picture = pixels(path)
    width = picture.shape[1]
    inked = (picture.min(axis=2) < 0.9).sum(axis=0)
    dark = [
        int(inked[int(a * width) : int(b * width)].sum())
        for a, b in ((0.06, 0.3), (0.33, 0.58), (0.62, 0.86))
    ]
    assert dark[0] > 3 * dark[2] and dark[1] > 3 * dark[2]


def test_as_many_numbers_as_sounds(tmp_path: Path) -> None:
    """Sounds are said by their numbers, all of them."""
    sounds = np.zeros((2, 16384), np.float32)
    with pytest.raises(ValueError, match="zip"):
        pictures.draw_examples(sounds, {}, 16384.0, tmp_path / "none.png", numbers=[1])
    assert not list(tmp_path.iterdir())
