"""The limiter: nothing passes the ceiling, and what is below it is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import minimum_filter1d
from tonerig.realtime.processors.limiter import Limiter

from tests.realtime.run import noise, prepared, run, sine


@pytest.mark.parametrize("ceiling_db", [0.0, -1.0, -17.3])
@pytest.mark.parametrize("level", [0.1, 1.0, 1e4])
def test_no_sample_passes_the_ceiling(ceiling_db: float, level: float) -> None:
    """Noise, bursts and single spikes come out at most as high as the ceiling."""
    signal = noise(1.0, 2, level)
    signal[:, ::997] *= 30
    signal[:, 10000:20000] = 0
    output = run(prepared(Limiter({"ceiling_db": ceiling_db}), 2), signal)
    assert float(np.abs(output).max()) <= 10 ** (float(np.float32(ceiling_db)) / 20)


def test_below_the_ceiling_it_only_delays() -> None:
    """A signal that never reaches the ceiling comes out after ``latency`` samples, bit for bit."""
    limiter = prepared(Limiter())
    signal = np.clip(noise(0.5), -0.89, 0.89)
    output = run(limiter, signal)
    assert not output[:, : limiter.latency].any()
    assert np.array_equal(output[:, limiter.latency :], signal[:, : -limiter.latency])


def test_the_look_ahead_is_the_latency() -> None:
    """5 ms at 48 kHz are 240 samples, at 44.1 kHz 220 (to the nearest)."""
    assert prepared(Limiter({"look_ahead_ms": 5})).latency == 240
    assert prepared(Limiter({"look_ahead_ms": 5}), rate=44100.0).latency == 220


def test_the_gain_is_the_formulas() -> None:
    """The gain equals running minimum, exponential release and mean, as numpy and SciPy give them."""
    limiter = prepared(Limiter({"ceiling_db": -12, "release_ms": 30, "look_ahead_ms": 1}))
    signal = (sine(300, 0.3) * np.linspace(0, 2, 14400)).astype(np.float32)
    length, ceiling = limiter.latency, 10 ** (-12 / 20)
    needed = np.minimum(1, ceiling / np.maximum(np.abs(signal.astype(np.float64)), 1e-9))
    padded = np.concatenate([np.ones(length), needed])
    held = minimum_filter1d(padded, length + 1, origin=(length + 1) // 2)[length:]
    share = 1 - np.exp(-1 / (0.030 * 48000))
    gain, now = np.ones_like(held), 1.0
    for t, value in enumerate(held):
        now = min(value, now + share * (value - now)) if value > now else value
        gain[t] = now
    mean = np.convolve(np.concatenate([np.ones(length - 1), gain]), np.ones(length) / length, "valid")
    expected = np.concatenate([np.zeros(length), signal[:-length]]) * mean
    np.testing.assert_allclose(run(limiter, signal)[0], np.clip(expected, -ceiling, ceiling), atol=2e-6)


def test_both_channels_are_turned_down_alike() -> None:
    """A spike on the left takes the right down by the same factor."""
    limiter = prepared(Limiter(), 2)
    signal = np.full((2, 4000), 0.25, np.float32)
    signal[0] *= 2
    signal[0, 2000] = 5.0
    left, right = run(limiter, signal)
    settled = np.r_[limiter.latency : 2000 + limiter.latency, 2001 + limiter.latency : 4000]
    np.testing.assert_allclose(right[settled], left[settled] / 2, rtol=1e-6)
    assert right[2000 + limiter.latency] < 0.25 * 0.9 / 5


def test_a_lowered_ceiling_holds_once_it_has_come() -> None:
    """150 ms after the ceiling fell to -20 dB nothing is above it, and never anything above the old one."""
    signal = sine(500, 0.5, level=2.0)
    output = run(prepared(Limiter({"ceiling_db": 0})), signal, changes={9600: {"ceiling_db": -20.0}})[0]
    assert np.abs(output).max() <= 1.0
    assert np.abs(output[9600 + 7200 :]).max() <= 0.1
