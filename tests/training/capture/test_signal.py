"""The test signal: its level, its layout, and that it is the same again."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.training.capture.markers import find_markers
from tonerig.training.capture.signal import test_signal as make_signal


def test_layout() -> None:
    """Silence at both ends, peaks at -1 dBFS, markers at the beginning, every 15 s or so, and at the end."""
    rate = 16000
    sound = make_signal(1.0, rate)
    assert not sound[: 3 * rate].any() and not sound[-2 * rate :].any()
    assert np.abs(sound).max() == pytest.approx(10 ** (-1 / 20), abs=1e-6)
    places = np.array([window.place for window in find_markers(sound, rate)]) / rate
    assert len(places) == 9 and places[0] == 3.0
    assert np.all(np.diff(places) < 26) and len(sound) / rate - places[-1] < 5


def test_same_again() -> None:
    """The same arguments give the same samples, another seed others."""
    assert np.array_equal(make_signal(0.25, 8000, 1), make_signal(0.25, 8000, 1))
    assert not np.array_equal(make_signal(0.25, 8000, 1), make_signal(0.25, 8000, 2))


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), 61.0])
def test_lengths_that_are_refused(minutes: float) -> None:
    """Too short, too long and no number at all."""
    with pytest.raises(ValueError, match=r"0\.25 to 60 minutes"):
        make_signal(minutes, 48000)
