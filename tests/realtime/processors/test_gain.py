"""Gain: the level, and the way from one to another."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.processors.gain import SMOOTHING_S, Gain

from tests.realtime.run import RATE, noise, prepared, run


@pytest.mark.parametrize("gain_db", [-60.0, -6.0, 0.0, 12.0, 40.0])
def test_samples_are_multiplied_by_the_level(gain_db: float) -> None:
    """From the first sample on, 20 dB are a factor of 10, on both channels."""
    signal = noise(0.05, 2)
    expected = signal * np.float32(10 ** (gain_db / 20))
    np.testing.assert_allclose(run(prepared(Gain({"gain_db": gain_db}), 2), signal), expected, rtol=1e-6)


def test_a_new_level_is_reached_exponentially() -> None:
    """A step from 0 to -20 dB follows its time constant, on both channels alike."""
    output = run(prepared(Gain(), 2), np.ones((2, 4800)), changes={1000: {"gain_db": -20.0}})
    time = np.arange(1, 3801) / RATE
    expected = 0.1 + 0.9 * np.exp(-time / SMOOTHING_S)
    np.testing.assert_allclose(output[:, :1000], 1.0)
    np.testing.assert_allclose(output[:, 1000:], np.stack([expected, expected]), atol=1e-4)
