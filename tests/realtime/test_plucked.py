"""The plucked guitar that stands in for a recording."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tonerig.realtime.plucked import pluck, riff


@pytest.mark.parametrize("note", [40.0, 45.5, 64.0, 76.0])
@pytest.mark.parametrize("rate", [44100.0, 96000.0])
def test_a_string_sounds_at_its_note(note: float, rate: float) -> None:
    """The strongest of the spectrum's peaks near the fundamental is within two cents of equal temperament."""
    sound = pluck(note, 2.0, rate)
    expected = 440 * 2 ** ((note - 69) / 12)
    points = 1 << 21
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), points))
    low, high = (round(expected * ratio * points / rate) for ratio in (0.8, 1.25))
    found = (low + int(np.argmax(spectrum[low:high]))) * rate / points
    assert abs(1200 * math.log2(found / expected)) < 2


def test_it_decays() -> None:
    """The second half of a note is softer than the first, and nothing is out of range."""
    sound = pluck(52, 2.0, 48000)
    first, second = np.split(sound, 2)
    assert np.sum(second**2) < 0.5 * np.sum(first**2)
    assert np.max(np.abs(sound)) == 1.0


def test_the_riff_is_the_same_every_time() -> None:
    """Six seconds at -6 dBFS, finite, the same samples at every call."""
    one, two = riff(), riff()
    np.testing.assert_array_equal(one, two)
    assert one.shape == (288000,) and one.dtype == np.float32
    assert np.max(np.abs(one)) == 0.5
