"""The DC blocker against SciPy's high-pass."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from tonerig.realtime.processors.dc_blocker import DcBlocker

from tests.realtime.run import noise, prepared, run


@pytest.mark.parametrize(("cutoff_hz", "rate"), [(10.0, 48000.0), (1.0, 44100.0), (100.0, 96000.0)])
def test_it_is_a_first_order_butterworth(cutoff_hz: float, rate: float) -> None:
    """Noise with an offset comes out as from SciPy's bilinear high-pass of first order, on both channels."""
    signal = noise(0.5, 2) + np.array([[0.25], [-0.5]], np.float32)
    expected = sosfilt(butter(1, cutoff_hz, "highpass", fs=rate, output="sos"), signal.astype(np.float64))
    blocker = prepared(DcBlocker({"cutoff_hz": cutoff_hz}), 2, rate)
    np.testing.assert_allclose(run(blocker, signal, rate=rate), expected, atol=1e-6)


def test_a_constant_goes_away() -> None:
    """Two seconds into a constant input less than -100 dB of it is left."""
    assert np.abs(run(prepared(DcBlocker()), np.ones(96000))[0, -1]) < 1e-5
