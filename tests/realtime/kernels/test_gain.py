"""The gain's kernel, against the formula."""

from __future__ import annotations

import ctypes

import numpy as np
from tonerig.export.model import Gain, NeuralModel
from tonerig.realtime.compiler.layout import CONTEXT, State
from tonerig.realtime.compiler.unit import load
from tonerig.realtime.kernels import gain, kernel_for

from .play import BLOCKS, Player

SOUND = np.random.default_rng(1).normal(0, 0.3, 3000).astype(np.float32)
MODEL = NeuralModel(Gain(np.array([-0.7, 0.4], np.float32)))


def test_it_multiplies_from_the_first_sample_on() -> None:
    """The exponential of the constant term, at every block size the same bits."""
    assert kernel_for(MODEL) is gain
    player = Player(MODEL)
    output = player.play(SOUND, 64)
    np.testing.assert_allclose(output, SOUND * np.exp(-0.7), atol=1e-6)
    for block in BLOCKS:
        assert np.array_equal(player.play(SOUND, block), output)


def test_a_new_gain_is_reached_on_a_straight_line_of_sixteen_samples() -> None:
    """Written in the middle of a stretch, it begins with the next one and is wholly there after it."""
    state = gain.make_state(MODEL)
    process = load(gain.units(MODEL)[0]).function("process", *[ctypes.c_int64] * 5)
    context, ones, output = State(CONTEXT), np.ones(64, np.float32), np.zeros(64, np.float32)
    for start, stop in ((0, 5), (5, 64)):
        addresses = (ones.ctypes.data + 4 * start, output.ctypes.data + 4 * start)
        process(context.address, state.address, *addresses, stop - start)
        state.record["goal"] = 2.0
    old = np.exp(-0.7)
    line = old + (2.0 - old) * np.arange(1, 17) / 16
    np.testing.assert_allclose(output, np.concatenate([np.full(16, old), line, np.full(32, 2.0)]), atol=1e-6)


def test_an_absurd_exponent_stays_finite() -> None:
    """What float32 does not hold becomes the largest or the smallest gain that it does."""
    for exponent in (1e30, -1e30):
        state = gain.make_state(NeuralModel(Gain(np.array([exponent], np.float32))))
        assert 0.0 < state.record["goal"] < np.inf
