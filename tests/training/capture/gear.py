"""Gear for the tests: delays, distortion, clocks and faults, each a formula of its own or pedalboard's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Array = NDArray[np.float32]


def delayed(sound: Array, samples: float) -> Array:
    """A delay by a whole or fractional number of samples, by a turn of the spectrum's phases."""
    frames = len(sound) + int(np.ceil(samples)) + 64
    points = 1 << frames.bit_length()
    phases = np.exp(-2j * np.pi * np.fft.rfftfreq(points) * samples)
    return np.fft.irfft(np.fft.rfft(sound, points) * phases, points)[:frames].astype(np.float32)


def stretched(sound: Array, ppm: float) -> Array:
    """As recorded by a clock that is fast by so many millionths: more samples, by cubic interpolation."""
    places = np.arange(int(len(sound) * (1 + 1e-6 * ppm))) / (1 + 1e-6 * ppm)
    spline = CubicSpline(np.arange(len(sound)), sound)
    return spline(np.minimum(places, len(sound) - 1)).astype(np.float32)


def noise(frames: int, level_db: float) -> Array:
    """White noise of this root mean square."""
    return (10 ** (level_db / 20) * np.random.default_rng(3).standard_normal(frames)).astype(np.float32)
