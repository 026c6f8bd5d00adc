"""Sounds drawn by number and rendered when they are needed."""

from __future__ import annotations

import numpy as np
from tonerig.realtime.match.synths import FOUR
from tonerig.training.match.data import DRAWN_AT_ONCE, Sounds, order


def test_levels_are_those_of_the_numbers() -> None:
    """Numbers in any order, from several blocks and twice, give what is drawn for each by itself."""
    numbers = np.array([DRAWN_AT_ONCE + 5, 3, 2 * DRAWN_AT_ONCE, 3])
    found = Sounds(FOUR, "train", 4).levels(numbers)
    for number, row in zip(numbers, found, strict=True):
        assert (FOUR.drawn(4, "train", int(number), 1)[0] == row).all()


def test_sounds_are_those_of_the_levels() -> None:
    """A sound is the same whatever stands beside it."""
    sounds = Sounds(FOUR, "validation", 0, threads=1)
    levels = sounds.levels(np.arange(20))
    assert (sounds.rendered(levels)[7:9] == sounds.rendered(levels[7:9])).all()


def test_every_epoch_hears_each_sound_once_in_an_order_of_its_own() -> None:
    """Three epochs of 64 sounds in batches of 16."""
    epochs = np.array(list(order(0, 64, 3, 16, 0))).reshape(3, 64)
    for epoch in epochs:
        assert (np.sort(epoch) == np.arange(64)).all()
    assert (epochs[0] != epochs[1]).any()


def test_one_epoch_goes_through_the_numbers() -> None:
    """Where no sound is heard twice nothing is drawn again, and a batch that is not full is left out."""
    assert (np.concatenate(list(order(3, 70, 1, 16, 0))) == np.arange(64)).all()


def test_going_on_at_a_step_gives_the_rest() -> None:
    """What is left after any number of steps is the end of the whole."""
    whole = list(order(1, 48, 3, 16, 0))
    for step in range(len(whole)):
        rest = list(order(1, 48, 3, 16, step))
        assert len(rest) == len(whole) - step
        assert all((a == b).all() for a, b in zip(rest, whole[step:], strict=True))
