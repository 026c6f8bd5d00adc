"""The aliasing measure, against functions whose aliases can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tonerig.training.compare.aliasing import LEVEL_DB, TONES_HZ, WINDOW, measure_aliasing

RATE = 48000.0


def test_what_is_linear_does_not_alias() -> None:
    """A gain leaves rounding to 32 bits between the harmonics, and no more."""
    found = measure_aliasing(lambda sine: np.float32(0.5) * sine, RATE)
    assert found.aliasing_db is not None and found.aliasing_db < -120
    assert [tone.frequency_hz for tone in found.tones] == pytest.approx(TONES_HZ, abs=RATE / WINDOW)


def test_a_tone_between_the_harmonics_is_what_is_measured() -> None:
    """A tenth of the sine's amplitude at another frequency is -20 dB, for every sine and all together."""
    amplitude = 0.1 * 10 ** (LEVEL_DB / 20)
    stranger = amplitude * np.sin(2 * np.pi * 9000 * np.arange(2 * WINDOW) / WINDOW)
    found = measure_aliasing(lambda sine: (sine + stranger).astype(np.float32), RATE)
    assert found.aliasing_db == pytest.approx(-20, abs=0.01)
    assert [tone.aliasing_db for tone in found.tones] == pytest.approx([-20] * len(TONES_HZ), abs=0.01)


def test_the_third_harmonic_of_a_cube_folds_back_where_the_rate_is_low() -> None:
    """sin³ = 3/4 sin - 1/4 sin 3x; 3 x 5280 Hz is below half of 48 kHz and over half of 22.05 kHz."""
    high, low = (measure_aliasing(lambda sine: sine**3, rate).tones[-1] for rate in (RATE, 22050.0))
    assert high.aliasing_db is not None and high.aliasing_db < -100
    assert low.aliasing_db == pytest.approx(20 * math.log10(1 / 3), abs=0.01)


def test_silence_has_no_aliasing() -> None:
    """Nothing over nothing is no number."""
    found = measure_aliasing(np.zeros_like, RATE)
    assert found.aliasing_db is None and all(tone.aliasing_db is None for tone in found.tones)


def test_tones_near_half_the_rate_are_left_out() -> None:
    """They would have no harmonics to compare with."""
    found = measure_aliasing(lambda sine: sine, 8000.0)
    assert [round(tone.frequency_hz) for tone in found.tones] == [330, 660, 1320]
