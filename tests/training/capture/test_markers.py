"""Markers: sharp against themselves, found in a dry sound, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.training.capture.markers import find_markers, marker
from tonerig.training.signals import dry_signal


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_chirp_falls_over_the_band(rate: int) -> None:
    """The chirp begins near 0.45 of the rate (20 kHz at most) and ends at 40 Hz, by its phase's slope."""
    chirp = marker(rate)[round(0.06 * rate) : round(0.31 * rate)]
    crossings = np.flatnonzero(np.diff(np.signbit(chirp)))
    last = rate / (2 * np.mean(np.diff(crossings[-3:])))
    assert 40 <= last < 65
    spectrum = np.abs(np.fft.rfft(chirp))
    loud = np.flatnonzero(spectrum > 0.02 * spectrum.max()) * rate / len(chirp)
    assert loud[-1] == pytest.approx(min(0.45 * rate, 20000), rel=0.2)


def test_found_at_any_level_and_in_24_bits() -> None:
    """Markers are found to the sample at -40 dB, rounded to 24 bits, on other sound at -50 dB."""
    rate = 16000
    sound = 0.003 * dry_signal(10.0, rate, 1)
    places = [1000, 40000, 100000]
    for place in places:
        sound[place : place + len(marker(rate))] += 0.1 * marker(rate)
    sound = np.rint(sound * 2**23).astype(np.float32) / np.float32(2**23)
    assert [window.place for window in find_markers(sound, rate)] == places


def test_none_where_there_are_none() -> None:
    """The dry signal, silence and a click have no markers, nor has what is shorter than one."""
    click = np.zeros(16000, np.float32)
    click[5000] = 1.0
    for sound in (dry_signal(20.0, 16000, 2), np.zeros(16000, np.float32), click, click[:10]):
        assert find_markers(sound, 16000) == []
