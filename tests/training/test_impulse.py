"""The cabinet's impulse response against the magnitude it was designed to have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import minimum_phase
from tonerig.training.impulse import cabinet_impulse, cabinet_response, write_impulse

SHIPPED = Path(__file__).resolve().parents[2] / "presets" / "impulses" / "1x12.wav"


@pytest.mark.parametrize("rate", [44100.0, 48000.0, 96000.0])
def test_magnitude_is_the_designed_one(rate: float) -> None:
    """From 70 Hz to 10 kHz the spectrum is the design, up to one gain, within half a decibel."""
    spectrum = np.fft.rfft(cabinet_impulse(rate).astype(np.float64), 1 << 16)
    frequency = np.arange(len(spectrum)) * rate / (1 << 16)
    band = (frequency > 70) & (frequency < 10000)
    difference = 20 * np.log10(np.abs(spectrum[band])) - cabinet_response(frequency[band])
    assert np.ptp(difference) < 0.5


def test_response_is_that_of_a_guitar_speaker() -> None:
    """Presence stands above the middle, bass and treble fall, and the roll-off is steep."""
    at = {hz: float(cabinet_response(hz)) for hz in (30, 100, 420, 3000, 5000, 10000)}
    assert at[3000] - at[420] > 6
    assert at[100] > at[420]
    assert at[30] < at[100] - 15
    assert at[5000] - at[10000] > 24


def test_phase_is_minimum() -> None:
    """It is what SciPy's homomorphic method makes of a linear-phase filter of the same magnitude."""
    points = 1 << 14
    magnitude = 10 ** (cabinet_response(np.arange(points // 2 + 1) * 48000.0 / points) / 20)
    linear_phase = np.roll(np.fft.irfft(magnitude), points // 2)
    reference = minimum_phase(linear_phase, method="homomorphic", n_fft=points, half=False)[:1024]
    impulse = cabinet_impulse()[:1024].astype(np.float64)
    gain = impulse @ reference / (reference @ reference)
    np.testing.assert_allclose(impulse, gain * reference, atol=2e-3 * np.abs(impulse).max())


def test_loudness_is_kept() -> None:
    """Sound with equal energy in each octave from 80 Hz to 5 kHz is as loud after as before."""
    spectrum = np.abs(np.fft.rfft(cabinet_impulse().astype(np.float64), 1 << 17)) ** 2
    frequency = np.arange(1, len(spectrum)) * 48000 / (1 << 17)
    band = (frequency >= 80) & (frequency <= 5000)
    pink = 1 / frequency[band]
    assert (spectrum[1:][band] * pink).sum() / pink.sum() == pytest.approx(1.0, abs=0.02)


def test_the_shipped_file_is_what_the_function_makes(tmp_path: Path) -> None:
    """The preset's WAV is float32, mono, 48 kHz, and equal to a fresh one."""
    write_impulse(tmp_path / "new.wav")
    rate, new = wavfile.read(tmp_path / "new.wav")
    shipped_rate, shipped = wavfile.read(SHIPPED)
    assert (rate, shipped_rate, shipped.dtype, shipped.shape) == (48000, 48000, np.float32, (2048,))
    np.testing.assert_allclose(shipped, new, atol=1e-7)
    assert [path.name for path in tmp_path.iterdir()] == ["new.wav"]


def test_bad_sizes_are_refused() -> None:
    """Too few taps or too low a rate raise an error that states both limits."""
    for rate, taps in ((8000.0, 2048), (48000.0, 10)):
        with pytest.raises(ValueError, match="256 taps and 16000 Hz"):
            cabinet_impulse(rate, taps)
