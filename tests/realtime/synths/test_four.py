"""The synthesizer of four oscillators as an instrument: its waves, filter, modulation and gater."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import freqz, lfilter
from tonerig.realtime.synths.four import ESTIMATED, FourOscillators
from tonerig.realtime.synths.four_voice import WAVES
from tonerig.realtime.synths.wavetables import amplitudes

from .play import RATE, control, four, note_on, play, semitones

FULL_VOLUME = control(0, 7, 127)
SILENT = {f"{wave}_amplitude": 0.001 for wave in WAVES}
LENGTH = 1 << 16


def _steady(key: int, **values: float | str) -> NDArray[np.float64]:
    """The left side of a held note after half a second."""
    sound = play(four(**values), [FULL_VOLUME, note_on(0, key)], 2.0)
    return sound[0, 24000 : 24000 + LENGTH].astype(np.float64)


def _spectrum(sound: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and amplitudes of sines, with side lobes under -120 dB."""
    window = np.hanning(sound.size) ** 4
    spectrum = np.abs(np.fft.rfft(sound * window)) * 2 / window.sum()
    return np.fft.rfftfreq(sound.size, 1 / RATE), spectrum


def _amplitude(sound: NDArray[np.float64], frequency: float) -> float:
    """Of the sine of a known frequency in a sound of sines."""
    window = np.hanning(sound.size) ** 4
    turning = np.exp(-2j * np.pi * frequency / RATE * np.arange(sound.size))
    return float(2 * np.abs(np.sum(sound * window * turning)) / window.sum())


def _low_pass(frequencies: NDArray[np.float64], cutoff: float, q: float) -> NDArray[np.float64]:
    """Gain of R. Bristow-Johnson's low-pass, by SciPy."""
    w = 2 * np.pi * cutoff / RATE
    alpha, c = np.sin(w) / 2 / q, np.cos(w)
    b, a = [(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]
    return np.abs(freqz(b, a, 2 * np.pi * frequencies / RATE)[1])


def _hertz(key: float) -> float:
    return 440 * 2 ** ((key - 69) / 12)


def test_the_papers_parameters_and_their_grid() -> None:
    """23 parameters of 16 levels: carriers a semitone apart from A4 to C6, the rest even."""
    assert len(ESTIMATED) == 23
    by_name = {parameter.name: parameter.grid() for parameter in ESTIMATED}
    for wave in WAVES:
        assert np.allclose(by_name[f"{wave}_frequency_hz"], 440 * 2 ** (np.arange(16) / 12))
        assert np.allclose(by_name[f"{wave}_modulation_hz"], np.linspace(1, 30, 16))
        assert np.allclose(by_name[f"{wave}_amplitude"], np.linspace(0.001, 1, 16))
        assert np.allclose(by_name[f"{wave}_depth_hz"], np.linspace(0, 1500, 16))
    for name in ("attack_s", "decay_s", "sustain", "release_s"):
        assert np.allclose(by_name[name], np.linspace(0.001, 1, 16))
    assert np.allclose(by_name["cutoff_hz"], np.linspace(200, 4000, 16))
    assert np.allclose(by_name["resonance"], np.linspace(0.01, 10, 16))
    assert np.allclose(by_name["gate_hz"], np.linspace(0.5, 30, 16))


@pytest.mark.parametrize("key", [28, 45, 69, 93, 108])
@pytest.mark.parametrize("wave", WAVES)
def test_level_and_tuning(wave: str, key: int) -> None:
    """Each partial under 10 kHz is where it belongs, within 1 cent, at the series' level, within 0.1 dB."""
    sound = _steady(key, **{**SILENT, f"{wave}_amplitude": 1.0}, cutoff_hz=4000, resonance=0.7071)
    series = np.array([1.0]) if wave == "sine" else amplitudes(wave, 20)
    n = 1 + np.flatnonzero(np.abs(series) > 0.02)
    n = n[n * _hertz(key) < 10000]
    if key >= 45:  # in a second and a third a lower note's phase tells too little
        assert abs(semitones(np.float32(sound)) - key) < 0.01 or wave != "sine"
    expected = np.abs(series[n - 1]) * _low_pass(n * _hertz(key), 4000, 0.7071)
    measured = np.array([_amplitude(sound, k * _hertz(key)) for k in n])
    others = 0.001 * 3
    assert np.all(np.abs(20 * np.log10(measured / expected)) < 0.1 + 20 * np.log10(1 + others / expected))
    frequencies, spectrum = _spectrum(sound)
    near = np.abs(frequencies - _hertz(key)) < 8
    peak = np.average(frequencies[near], weights=spectrum[near] ** 2)
    assert abs(1200 * np.log2(peak / _hertz(key))) < 1.0


@pytest.mark.parametrize(("cutoff", "q"), [(200, 0.5), (1000, 0.01), (1000, 5), (4000, 10)])
def test_the_filter_is_scipys(cutoff: float, q: float) -> None:
    """Against an all but open filter a saw's partials are as SciPy's low-pass has them, within 0.1 dB."""
    saw = {**SILENT, "saw_amplitude": 1.0}
    sound = _steady(45, **saw, cutoff_hz=cutoff, resonance=q)
    n = np.arange(1, 40)
    expected = np.abs(amplitudes("saw", 39)) * _low_pass(n * _hertz(45), cutoff, q)
    measured = np.array([_amplitude(sound, k * _hertz(45)) for k in n])
    audible = expected > 1e-3 * expected.max()
    error = 20 * np.log10(measured / expected)[audible]
    assert np.all(np.abs(error) < 0.15)


@pytest.mark.parametrize("wave", WAVES)
def test_no_false_partial_is_heard(wave: str) -> None:
    """Of a 4 186 Hz tone at 48 kHz nothing but its own partials is above -60 dB of the strongest."""
    key = 108
    sound = _steady(key, **{**SILENT, f"{wave}_amplitude": 1.0}, cutoff_hz=4000, resonance=0.7071)
    frequencies, spectrum = _spectrum(sound)
    own = np.zeros(frequencies.size, bool)
    for n in range(6):
        own |= np.abs(frequencies - n * _hertz(key)) < 15
    # Relative to what the filter lets through at each place, not to what is left of it there.
    open_filter = spectrum / np.maximum(_low_pass(frequencies, 4000, 0.7071), 1e-3)
    assert 20 * np.log10(open_filter[~own].max() / open_filter.max()) < -60


def _modulated(f: float, v: float, b: float, series: NDArray[np.float64]) -> NDArray[np.float64]:
    """A second of the general family in double precision, filtered at 4 kHz, no partial too high."""
    t = np.arange(48000) / RATE
    phase = 2 * np.pi * f * t + b / v * (1 - np.cos(2 * np.pi * v * t))
    moving = np.abs(f + b * np.sin(2 * np.pi * v * t))
    sound = np.zeros(t.size)
    for k, amplitude in enumerate(series, 1):
        sound += np.where(k * moving < RATE / 2, amplitude * np.sin(k * phase), 0)
    w = 2 * np.pi * 4000 / RATE
    alpha, c = np.sin(w) / 2 / 0.7071, np.cos(w)
    return lfilter(
        [(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha], sound * np.minimum(1, t / 0.001)
    )


@pytest.mark.parametrize(
    ("wave", "depth"), [("sine", 300.0), ("sine", 1500.0), ("saw", 200.0), ("saw", 700.0)]
)
def test_a_modulator_moves_the_frequency_and_nothing_folds_back(wave: str, depth: float) -> None:
    """A second at the key A4 is the general family summed from partials in NumPy, through zero too."""
    values = {**SILENT, f"{wave}_amplitude": 1.0, f"{wave}_depth_hz": depth, f"{wave}_modulation_hz": 7.0}
    sound = play(four(**values, cutoff_hz=4000, resonance=0.7071), [FULL_VOLUME, note_on(0, 69)], 1.0)[0]
    series = np.array([1.0]) if wave == "sine" else amplitudes(wave, 640)
    expected = _modulated(440.0, 7.0, depth, series)
    others = 3 * 0.001
    assert np.sqrt(np.mean((sound - expected) ** 2)) < 0.004 * np.sqrt(np.mean(expected**2)) + others


def test_the_gater_opens_and_closes() -> None:
    """At 10 Hz it is open for 50 ms and closed for 50 ms, with edges of a millisecond that do not click."""
    values = {**SILENT, "sine_amplitude": 1.0, "gate_hz": 10.0, "gater": "on"}
    sound = play(four(**values), [FULL_VOLUME, note_on(0, 81)], 0.5)[0]
    period = sound[4800:9600]
    closed, opened = period[2400 + 48 : 4800 - 48], period[48 : 2400 - 48]
    assert not closed.any()
    assert np.abs(opened).max() > 0.9
    assert np.abs(np.diff(sound)).max() < 0.2


def test_switching_what_modulators_move_needs_a_new_program() -> None:
    """The other reading of B is other code, chosen when the synth is built."""
    frequency, phase = FourOscillators(), FourOscillators({"modulation": "phase"})
    assert "modulation" in FourOscillators.fixed
    assert frequency.units() != phase.units()
