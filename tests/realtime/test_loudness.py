"""Loudness and true peak against the standard's own examples and another program."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from tonerig.realtime.loudness import LoudnessMeter, k_weighting


def test_filters_are_the_standards_at_48_khz() -> None:
    """BS.1770's tables 1 and 2, all coefficients to the eight digits that both filters' designs agree on."""
    shelf, high_pass = k_weighting(48000)
    np.testing.assert_allclose(shelf[:3], [1.53512485958697, -2.69169618940638, 1.19839281085285], atol=1e-8)
    np.testing.assert_allclose(shelf[3:], [1.0, -1.69065929318241, 0.73248077421585], atol=1e-8)
    np.testing.assert_allclose(high_pass[3:], [1.0, -1.99004745483398, 0.99007225036621], atol=1e-8)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_full_scale_sine_is_at_minus_three(rate: int) -> None:
    """The standard's calibration: 997 Hz at 0 dBFS in one channel is at -3.01 LKFS."""
    meter = LoudnessMeter(rate, 1)
    meter.add(np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate)[None].astype(np.float32))
    assert meter.integrated() == pytest.approx(-3.01, abs=0.02)
    assert meter.true_peak_db() == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("block", [1, 997, 4096])
def test_gated_loudness_agrees_with_pyloudnorm(block: int) -> None:
    """Noise with loud, soft and silent stretches, in two channels, in blocks of any size."""
    rate, rng = 8000, np.random.default_rng(1)
    level = np.repeat([0.3, 0.001, 0.0, 0.05, 0.2], rate)
    sound = (level * rng.normal(0, 0.3, (2, len(level)))).astype(np.float32)
    meter = LoudnessMeter(rate, 2)
    for start in range(0, sound.shape[1], block):
        meter.add(sound[:, start : start + block])
    expected = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(sound.T.astype(np.float64))
    assert meter.integrated() == pytest.approx(expected, abs=1e-6)


def test_the_peak_between_samples_is_found() -> None:
    """A sine at a quarter of the rate whose samples all miss its crest by 3 dB (BS.1770, annex 2)."""
    n = np.arange(48000)
    fade = np.minimum(1, np.minimum(n, n[::-1]) / 2000)
    sound = (0.5 * fade * np.sin(np.pi / 2 * n + np.pi / 4)).astype(np.float32)
    meter = LoudnessMeter(48000, 1)
    meter.add(sound[None])
    assert 20 * math.log10(np.max(np.abs(sound))) == pytest.approx(-9.03, abs=0.01)
    assert meter.true_peak_db() == pytest.approx(-6.02, abs=0.1)


def test_silence_has_no_loudness() -> None:
    """Digital silence and a sound shorter than one gating block are at minus infinity."""
    for sound in (np.zeros((1, 48000), np.float32), np.ones((1, 100), np.float32)):
        meter = LoudnessMeter(48000, 1)
        meter.add(sound)
        assert meter.integrated() == -math.inf
