"""Distortion and fuzz against the same filters and tangents in SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from tonerig.training.effects.teachers import find_teacher, wet_signal
from tonerig.training.signals import dry_signal

RATE = 48000.0


def _filtered(x: np.ndarray, kind: str, hz: float) -> np.ndarray:
    return np.asarray(signal.sosfilt(signal.butter(1, hz, kind, fs=RATE, output="sos"), x))


def _peak(x: np.ndarray, hz: float, gain_db: float, q: float) -> np.ndarray:
    """R. Bristow-Johnson's peaking equaliser."""
    w, a = 2 * np.pi * hz / RATE, 10.0 ** (gain_db / 40)
    alpha = np.sin(w) / (2 * q)
    b = (1 + alpha * a, -2 * np.cos(w), 1 - alpha * a)
    return np.asarray(signal.lfilter(b, (1 + alpha / a, -2 * np.cos(w), 1 - alpha / a), x))


@pytest.mark.parametrize(("drive", "tone"), [(0.0, 8000.0), (6.0, 3000.0), (10.0, 600.0)])
def test_distortion_is_a_tangent_between_filters(drive: float, tone: float) -> None:
    """30 Hz high-pass, 4 dB of gain a step, tanh, low-pass, and 1.3 dB less a step after it."""
    dry = dry_signal(2.0, RATE, 3)
    wet = wet_signal(find_teacher("distortion"), dry, RATE, {"drive": drive, "tone": tone, "output_db": 0.0})
    driven = np.tanh(10 ** (4 * drive / 20) * _filtered(dry, "highpass", 30.0))
    expected = 10 ** (-1.3 * drive / 20) * _filtered(driven, "lowpass", tone)
    np.testing.assert_allclose(wet, expected, atol=2e-4)


def test_fuzz_is_two_tangents_with_a_bias_between_them() -> None:
    """80 Hz high-pass, 41 dB, tanh, bias, 9 dB, tanh, then high-pass, low-pass and a dip at 700 Hz."""
    dry = dry_signal(2.0, RATE, 3)
    wet = wet_signal(find_teacher("fuzz"), dry, RATE, {"drive": 7.0, "output_db": 0.0})
    first = np.tanh(10 ** (41 / 20) * _filtered(dry, "highpass", 80.0))
    gain = 10 ** (9 / 20)
    second = np.tanh(gain * (first + 0.3)) - np.tanh(gain * 0.3)
    expected = _peak(_filtered(_filtered(second, "highpass", 30.0), "lowpass", 4000.0), 700.0, -6.0, 0.7)
    np.testing.assert_allclose(wet, expected, atol=2e-3)


def test_fuzz_is_asymmetric_and_without_dc() -> None:
    """A sine gets even overtones of more than a hundredth, which tanh alone would not give, and no offset."""
    dry = (0.2 * np.sin(2 * np.pi * 200 * np.arange(48000) / RATE)).astype(np.float32)
    for name, even in (("fuzz", True), ("distortion", False)):
        wet = wet_signal(find_teacher(name), dry, RATE, {})[24000:]
        spectrum = np.abs(np.fft.rfft(wet))
        assert (spectrum[200] / spectrum[100] > 0.01) == even, name
        assert spectrum[0] < 0.01 * spectrum[100]


@pytest.mark.parametrize("name", ["distortion", "fuzz"])
def test_loudness_stays_in_reason_over_the_whole_drive(name: str) -> None:
    """A note of -12 dBFS varies by less than 12 dB from one end of the knob to the other."""
    dry = (0.25 * np.sin(2 * np.pi * 200 * np.arange(24000) / RATE)).astype(np.float32)
    teacher = find_teacher(name)
    levels = [
        20 * np.log10(np.sqrt((wet_signal(teacher, dry, RATE, {"drive": drive}) ** 2).mean()))
        for drive in np.linspace(0, 10, 6)
    ]
    assert max(levels) - min(levels) < 12.0
