"""The two-oscillator synth's patches for tests, and what its sound is measured and compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import bilinear, freqz, get_window, lfilter
from tonerig.realtime.synths.two import TwoOscillators

from .play import RATE, control, note_on, play

FULL = control(0, 7, 127)
"""A channel at its full level."""
MIX = np.sqrt(0.5)
"""Of an oscillator at full volume."""
Array = NDArray[np.float64]


def two(**values: float | str) -> TwoOscillators:
    """An open saw at full level that begins and ends in a millisecond; or as stated.

    So quiet an oscillator that the filter does not damp itself; velocity does not count.
    """
    plain: dict[str, float | str] = {
        "osc_1_volume": 0.01,
        "osc_2_cents": 0.0,
        "cutoff_hz": 20000.0,
        "resonance": 0.0,
        "filter_envelope_octaves": 0.0,
        "amp_attack_s": 0.001,
        "amp_decay_s": 0.001,
        "amp_sustain": 1.0,
        "amp_release_s": 0.001,
        "lfo_2_cents": 0.0,
        "volume_db": 0.0,
        "velocity": 0.0,
    }
    return TwoOscillators({**plain, **values})


def second(wave: str, **values: float | str) -> TwoOscillators:
    """The same with the second oscillator alone."""
    return two(**{"osc_1_volume": 0.0, "osc_2_volume": 0.01, "osc_2_wave": wave, **values})


def held(synth: TwoOscillators, key: int, seconds: float) -> Array:
    """The left side of a held note."""
    return play(synth, [FULL, note_on(0, key)], seconds)[0].astype(np.float64)


def partials(signal: Array, frequencies_hz: ArrayLike) -> Array:
    """Peak amplitudes of partials in a long steady sound."""
    window = get_window("blackmanharris", signal.size, fftbins=True)
    x = signal * window / window.sum()
    time = np.arange(signal.size) / RATE
    return np.array([2 * np.abs(x @ np.exp(-2j * np.pi * f * time)) for f in np.atleast_1d(frequencies_hz)])


def low_pass(cutoff_hz: float, resonance: float) -> list[tuple[Array, Array]]:
    """Two second-order low-passes by SciPy's bilinear transform: Butterworth of order 4, the second one's Q
    raised from 1.31 to 50.
    """
    w = 2 * RATE * np.tan(np.pi * cutoff_hz / RATE)
    butterworth = [2 * np.cos(np.pi / 8), 2 * np.sin(np.pi / 8)]
    damping = [butterworth[0], butterworth[1] ** (1 - resonance) * 0.02**resonance]
    return [bilinear([w * w], [1, k * w, w * w], RATE) for k in damping]


def through(filters: list[tuple[Array, Array]], signal: Array) -> Array:
    for b, a in filters:
        signal = lfilter(b, a, signal)
    return signal


def gain_db(filters: list[tuple[Array, Array]], frequencies_hz: ArrayLike) -> Array:
    responses = [freqz(b, a, np.atleast_1d(frequencies_hz), fs=RATE)[1] for b, a in filters]
    return np.asarray(20 * np.log10(np.abs(np.prod(responses, axis=0))))


def fall(x: Array) -> Array:
    """An envelope's way down, from 1 at 0 to 0 at 1: an exponential that ends."""
    return np.where(x < 1, 1.001 * (1 / 1001) ** np.clip(x, 0, 1) - 0.001, 0)


def envelope(frames: int, attack: float, decay: float, sustain: float, release: float, up: int) -> Array:
    """The level for times in samples, the key up from sample ``up`` on."""
    n = np.arange(frames, dtype=np.float64)
    level = np.minimum(n / attack, sustain + (1 - sustain) * fall((n - attack) / decay))
    return np.where(n < up, level, level[up] * fall((n - up) / release))


def frequency_near(signal: Array, near_hz: float) -> float:
    """Of the partial next to some frequency, from how its phase moves between two halves."""
    half = signal.size // 2
    window = get_window("blackmanharris", half)
    time = np.arange(signal.size) / RATE
    turning = signal * np.exp(-2j * np.pi * near_hz * time)
    first, last = (turning[:half] * window).sum(), (turning[half : 2 * half] * window).sum()
    return near_hz + float(np.angle(last / first)) / (2 * np.pi * half / RATE)
