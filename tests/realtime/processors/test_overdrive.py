"""The overdrive: its latency, its small-signal response, its curve, and how little it aliases."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, upfirdn
from tonerig.realtime.processors.overdrive import LATENCY, Overdrive, oversampling_filter

from tests.realtime.run import RATE, noise, prepared, run, sine

BRIGHT = {"drive_db": 0.0, "tone": 10.0, "level_db": 0.0}


def _first_order(kind: str, frequency: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sosfilt(butter(1, frequency, kind, fs=RATE, output="sos"), x))


def _reference(x: NDArray[np.float64], drive_db: float, tone: float, level_db: float) -> NDArray[np.float64]:
    """The whole of it by SciPy and numpy, in float64."""
    driven = x + (10 ** (drive_db / 20) - 1) * _first_order("highpass", 720, x)
    taps = oversampling_filter()
    up = upfirdn(4 * taps, driven, up=4)[: 4 * x.size]
    clipped = np.where(up > 0, np.tanh(up), 0.7 * np.tanh(up / 0.7))
    down = np.convolve(clipped, taps)[: 4 * x.size : 4]
    wet = _first_order("highpass", 10, down)
    return 10 ** (level_db / 20) * _first_order("lowpass", 700 * 2 ** (0.4 * tone), wet)


@pytest.mark.parametrize(
    "values", [(0.0, 10.0, 0.0), (20.0, 5.0, -6.0), (50.0, 2.0, 3.0)], ids=["clean", "default", "hot"]
)
def test_it_is_what_scipy_makes_of_its_description(values: tuple[float, float, float]) -> None:
    """Noise through it equals filters, upfirdn, numpy's tanh and filters within 1e-5."""
    signal = noise(0.3, 2, level=0.3)
    overdrive = Overdrive(dict(zip(("drive_db", "tone", "level_db"), values, strict=True)))
    expected = [_reference(row.astype(np.float64), *values) for row in signal]
    np.testing.assert_allclose(run(prepared(overdrive, 2), signal), expected, atol=1e-5)


def test_the_latency_is_the_stated_one() -> None:
    """A soft sound below 12 kHz comes out filtered, undistorted and exactly `LATENCY` samples late."""
    overdrive = prepared(Overdrive(BRIGHT))
    assert overdrive.latency == LATENCY == 16
    band = butter(10, 12000, fs=RATE, output="sos")
    signal = sosfilt(band, noise(0.2, level=1e-3)[0])
    output = run(overdrive, signal)[0]
    expected = _first_order("lowpass", 700 * 2**4, _first_order("highpass", 10, signal))
    error = output[LATENCY:] - expected[:-LATENCY]
    assert np.std(error) < 1e-3 * np.std(expected)


def test_it_makes_even_harmonics_and_no_offset() -> None:
    """A driven sine gets a second and a third harmonic; its mean stays 0."""
    output = run(prepared(Overdrive({"drive_db": 30})), sine(480, 1.0, level=0.3))[0][-24000:]
    spectrum = np.abs(np.fft.rfft(output * np.hanning(output.size)))
    fundamental, second, third = (spectrum[240 * k] for k in (1, 2, 3))
    assert second > 0.02 * fundamental
    assert third > 0.1 * fundamental
    assert abs(output.mean()) < 1e-4


def test_aliases_lie_70_db_below_the_tone() -> None:
    """A 4.1 kHz sine driven by 30 dB: all between its harmonics, up to 15 kHz, is 70 dB below it."""
    frequency = 4100.0
    output = run(prepared(Overdrive({"drive_db": 30, "tone": 10})), sine(frequency, 1.0, level=0.1))[0]
    spectrum = np.abs(np.fft.rfft(output * np.blackman(output.size)))
    hertz = np.arange(spectrum.size)
    away = np.abs(hertz - frequency * np.round(hertz / frequency)) > 10
    assert spectrum[away & (hertz < 15000)].max() < 10 ** (-70 / 20) * spectrum.max()


def test_moved_level_makes_no_zipper_noise() -> None:
    """A level turned up by 26 dB under a soft 100 Hz sine stays 80 dB down above 3 kHz (a jump: 27)."""
    values = {"drive_db": 0.0, "tone": 10.0, "level_db": -20.0}
    signal = sine(100, 0.4, level=0.01)
    output = run(prepared(Overdrive(values)), signal, changes={9600: {"level_db": 6.0}})[0]
    high = sosfilt(butter(8, 3000, "highpass", fs=RATE, output="sos"), output)[9000:]
    assert np.abs(high).max() < 1e-4 * np.abs(output).max()
