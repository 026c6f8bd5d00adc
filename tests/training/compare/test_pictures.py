"""The pictures: where the onset is found, and that each is drawn in both themes."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from tonerig.training.compare.pictures import SIZES, draw_all, loudest_onset
from tonerig.training.compare.sounds import read_three

from .files import RATE, dry_sound, three_files


def test_the_loudest_onset_is_where_the_louder_of_two_notes_begins() -> None:
    """Not the first one, nor the highest sample, which comes later."""
    sound = np.zeros(48000, np.float32)
    sound[5000:9000] = 0.1
    sound[20000:30000] = 0.5
    sound[25000] = 0.6
    assert loudest_onset([sound], RATE) == 20000


def test_each_sound_counts_the_same_for_the_onset() -> None:
    """A soft dry sound with one onset is not drowned by a loud wet one that has none."""
    pluck = 0.01 * dry_sound(48000) * (np.arange(48000) > 12000)
    drone = 0.9 * np.sign(np.sin(np.arange(48000) * 0.05)).astype(np.float32)
    assert loudest_onset([pluck.astype(np.float32), drone], RATE) == pytest.approx(12000, abs=20)


def test_every_picture_is_drawn_for_light_and_for_dark(tmp_path: Path) -> None:
    """The paper around the axes has the theme's colour; the size is that of `SIZES` at 110 dots an inch."""
    done: list[float] = []
    pictures = draw_all(read_three(*three_files(tmp_path)), done.append)
    assert set(pictures) == {f"{name}{theme}.png" for name in SIZES for theme in ("", "-dark")}
    assert done == sorted(done) and done[-1] == 1.0
    for name, (width, height) in SIZES.items():
        light, dark = (
            matplotlib.image.imread(io.BytesIO(pictures[f"{name}{theme}.png"])) for theme in ("", "-dark")
        )
        assert light.shape[:2] == dark.shape[:2] == (round(110 * height), round(110 * width))
        assert light[0, 0, :3].min() > 0.9 and dark[0, 0, :3].max() < 0.2
        assert light[..., :3].std() > 0.05
