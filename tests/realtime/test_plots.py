"""What the pictures show is what the chain does."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.signal import butter, sosfreqz
from tonerig.realtime import plots
from tonerig.realtime.presets import Link, Preset

from .wav_bytes import tone


def chain(*links: Link) -> Preset:
    return Preset("test", links)


@pytest.mark.parametrize("level_db", [-50.0, -10.0])
def test_a_flat_chain_is_flat(level_db: float) -> None:
    """A gain of -6 dB is at -6 dB at every frequency and level."""
    frequencies, gain = plots._sweep_response(chain(Link("gain", {"gain_db": -6.0})), 48000.0, level_db)
    np.testing.assert_allclose(gain[frequencies < 15000], -6.0, atol=0.15)


def test_a_filter_shows_its_response() -> None:
    """The DC blocker at 100 Hz is the Butterworth high-pass of first order that it is made of."""
    frequencies, gain = plots._sweep_response(chain(Link("dc_blocker", {"cutoff_hz": 100.0})), 48000.0, -20.0)
    _, response = sosfreqz(butter(1, 100, "highpass", fs=48000, output="sos"), frequencies, fs=48000)
    below = frequencies < 15000
    np.testing.assert_allclose(gain[below], 20 * np.log10(np.abs(response[below])), atol=0.3)


def test_the_level_curve_of_a_compressor() -> None:
    """Below the threshold nothing happens; 20 dB above it, 4:1 leaves 5 (tolerance for the ripple)."""
    settings = {"threshold_db": -40.0, "ratio": 4.0, "knee_db": 0.0, "attack_ms": 1.0, "release_ms": 500.0}
    levels_in, levels_out = plots._level_curve(chain(Link("compressor", settings)), 48000.0)
    quiet = levels_in < -44
    np.testing.assert_allclose(levels_out[quiet], levels_in[quiet], atol=0.1)
    assert levels_out[levels_in == -20.0][0] == pytest.approx(-35.0, abs=1.0)


def test_before_and_after(tmp_path: Path) -> None:
    """Two sounds of different length make one picture; a silent one does as well."""
    sound = tone(20_000)[0]
    for number, after in enumerate((np.concatenate([sound, sound]), np.zeros(5000, np.float32))):
        path = plots.draw_before_after(sound, after, 48000.0, "title", tmp_path / f"{number}.png")
        assert matplotlib.image.imread(path).shape[1] > 1000
    assert len(list(tmp_path.iterdir())) == 2


def test_the_spectrum_of_a_sine_is_a_peak_at_its_level() -> None:
    """A sine of amplitude 0.5, close to 1 kHz, peaks there at -6.02 dB."""
    axis, frequency_hz = Figure().subplots(), 48000 * 1365 / 65536
    sound = 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(16000) / 48000).astype(np.float32)
    plots._draw_spectrum(axis, sound, 48000.0)
    frequencies, level = map(np.asarray, axis.lines[0].get_data())
    assert frequencies[np.argmax(level)] == pytest.approx(frequency_hz, abs=0.1)
    assert level.max() == pytest.approx(20 * np.log10(0.5), abs=0.001)


def test_the_waveform_of_a_mono_note_is_one_line() -> None:
    """Left and right are drawn apart only where they differ, from the frame that is given."""
    sound = tone(500)[0]
    for right, count in ((sound, 1), (-sound, 2)):
        axis = Figure().subplots()
        plots._draw_periods(axis, np.stack([sound, right]), 480, 48000.0)
        assert len(axis.lines) == count
        milliseconds, left = map(np.asarray, axis.lines[0].get_data())
        assert np.array_equal(left, sound) and milliseconds[0] == pytest.approx(10.0)
