"""Filters against SciPy's of first order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from tonerig.training.effects.teachers import find_teacher, wet_signal
from tonerig.training.signals import dry_signal


@pytest.mark.parametrize("rate", [44100.0, 48000.0, 96000.0])
@pytest.mark.parametrize(
    ("kind", "settings", "hz"),
    [("lowpass", {}, 1200.0), ("highpass", {}, 400.0), ("highpass", {"cutoff_hz": 3000}, 3000.0)],
)
def test_filters_are_of_first_order(kind: str, settings: dict[str, float], hz: float, rate: float) -> None:
    """The same samples as SciPy's Butterworth filter of order one, 1200 Hz and 400 Hz by default."""
    dry = dry_signal(1.0, rate, 2)
    expected = signal.sosfilt(signal.butter(1, hz, kind, fs=rate, output="sos"), dry)
    np.testing.assert_allclose(wet_signal(find_teacher(kind), dry, rate, settings), expected, atol=1e-4)
