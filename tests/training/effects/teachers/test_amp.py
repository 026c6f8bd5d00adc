"""The built-in amp: its tone controls, its cabinet, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from tonerig.realtime.library import shipped_library
from tonerig.realtime.processors.impulse_response import read_impulse
from tonerig.training.effects.teachers import find_teacher, wet_signal
from tonerig.training.signals import dry_signal

RATE = 48000.0


def _band(kind: str, hz: float, gain_db: float) -> tuple[np.ndarray, np.ndarray]:
    """R. Bristow-Johnson's shelves and peak with Q = 1/sqrt(2)."""
    a, w = 10.0 ** (gain_db / 40), 2 * np.pi * hz / RATE
    cosine, alpha = np.cos(w), np.sin(w) / np.sqrt(2)
    if kind == "peak":
        return np.array((1 + alpha * a, -2 * cosine, 1 - alpha * a)), np.array(
            (1 + alpha / a, -2 * cosine, 1 - alpha / a)
        )
    sign = 1.0 if kind == "low" else -1.0
    root = 2 * np.sqrt(a) * alpha
    b = a * np.array(
        (
            (a + 1) - sign * (a - 1) * cosine + root,
            sign * 2 * ((a - 1) - sign * (a + 1) * cosine),
            (a + 1) - sign * (a - 1) * cosine - root,
        )
    )
    return b, np.array(
        (
            (a + 1) + sign * (a - 1) * cosine + root,
            -sign * 2 * ((a - 1) + sign * (a + 1) * cosine),
            (a + 1) + sign * (a - 1) * cosine - root,
        )
    )


@pytest.mark.parametrize(
    ("knob", "kind", "hz"), [("bass", "low", 150.0), ("middle", "peak", 600.0), ("treble", "high", 2500.0)]
)
@pytest.mark.parametrize("turned", [0.0, 8.0, 10.0])
def test_a_tone_control_is_a_filter_after_the_stages(knob: str, kind: str, hz: float, turned: float) -> None:
    """Turned, it is the neutral sound through that band of ±6 dB: all after the stages is linear."""
    dry = dry_signal(2.0, RATE, 3)
    amp = find_teacher("amp")
    neutral = wet_signal(amp, dry, RATE, {}).astype(np.float64)
    b, a = _band(kind, hz, 1.2 * (turned - 5.0))
    expected = signal.lfilter(b, a, neutral)
    np.testing.assert_allclose(wet_signal(amp, dry, RATE, {knob: turned}), expected, atol=2e-3)


def test_the_cabinet_is_the_shipped_impulse_response() -> None:
    """A soft impulse, which the stages leave nearly alone, divided by the cabinet's spectrum is smooth."""
    impulse = np.zeros(16384, np.float32)
    impulse[0] = 1e-4
    response = np.fft.rfft(wet_signal(find_teacher("amp"), impulse, RATE, {"drive": 0.0}).astype(np.float64))
    cabinet = read_impulse(shipped_library() / "impulses" / "1x12.wav").samples[0]
    frequencies = np.fft.rfftfreq(16384, 1 / RATE)
    heard = (frequencies > 200) & (frequencies < 8000)
    before = 20 * np.log10(np.abs(response / np.fft.rfft(cabinet, 16384)))[heard]
    with_it = 20 * np.log10(np.abs(response))[heard]
    assert np.ptp(before) < 4.0
    assert np.ptp(with_it) > 15.0


def test_built_in_amp_does_not_alias() -> None:
    """A loud 5 kHz tone leaves nothing above -60 dB at the mirror of its overtones."""
    dry = (0.5 * np.sin(2 * np.pi * 5000 * np.arange(48000) / RATE)).astype(np.float32)
    wet = wet_signal(find_teacher("amp"), dry, RATE, {"drive": 4.0})
    spectrum = np.abs(np.fft.rfft(wet * np.blackman(48000)))
    mirrors = [48000 - 5000 * n for n in (6, 7, 8)]
    assert max(spectrum[m - 5 : m + 6].max() for m in mirrors if m % 5000) < 1e-3 * spectrum[5000]
