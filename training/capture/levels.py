"""Figures of one recording's level: peak, clipping, noise floor and hum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alignment import Array, Samples

RUN = 3
"""Equal samples in a row, at the greatest level, that make a clipped peak."""
HUM_HARMONICS = 6


def decibels(value: float) -> float:
    """A level in dB, 0 dB = full scale; -200 for silence."""
    return float(20 * np.log10(max(value, 1e-10)))


def loud_rms(sound: Array, rate: float) -> float:
    """Root mean square of the louder half of a sound's tenths of a second."""
    return float(np.sqrt(np.mean(np.sort(_powers(sound, round(0.1 * rate)))[-_half(sound, rate) :])))


def _half(sound: Array, rate: float) -> int:
    return max(1, len(sound) // round(0.1 * rate) // 2)


def _powers(sound: Array, frames: int) -> Samples:
    """Mean square of each ``frames``."""
    if len(sound) < frames:
        return np.array([np.mean(sound.astype(np.float64) ** 2)])
    whole = len(sound) // frames * frames
    return np.asarray(np.mean(sound[:whole].astype(np.float64).reshape(-1, frames) ** 2, axis=1))


def clipped_peaks(sound: Array, dry: Array, shift: int | None) -> int:
    """How many times a sound stays at its greatest or least sample for `RUN` samples or more.

    Where the dry sound, ``shift`` frames earlier, stands still as well, as in a square wave, that is right;
    None where they do not belong together.
    """
    count = 0
    still = _standing(dry, shift, len(sound))
    for edge in (float(sound.max()), float(sound.min())):
        if edge == 0.0:
            continue
        at_edge = np.abs(sound - np.float32(edge)) <= 2e-5 * abs(edge)
        changes = np.flatnonzero(np.diff(np.concatenate([[False], at_edge, [False]]).astype(np.int8)))
        firsts, ends = changes[::2], changes[1::2]
        count += int(np.count_nonzero((ends - firsts >= RUN) & ~still[(firsts + ends) // 2]))
    return count


def _standing(dry: Array, shift: int | None, frames: int) -> NDArray[np.bool_]:
    """For each frame of the wet sound, whether the dry one does not move around there."""
    still = np.zeros(frames, bool)
    if shift is None:
        return still
    equal = np.concatenate([[True], np.diff(dry) == 0.0])
    both = equal[:-1] | equal[1:]
    first, end = max(0, shift), min(frames, len(both) + shift)
    if end > first:
        still[first:end] = both[first - shift : end - shift]
    return still


@dataclass(frozen=True)
class Floor:
    """What is heard while nothing is played.

    Attributes
    ----------
    noise : root mean square
    hum_hz : 50 or 60, the mains frequency that is stronger in it
    hum : root mean square of that and its harmonics above the noise beside them
    seconds : that were listened to
    """

    noise: float
    hum_hz: float
    hum: float
    seconds: float


def floor_of(silence: Array, rate: float) -> Floor:
    """Noise and hum of a stretch of silence, shape (frames,); hum needs half a second to be told."""
    quiet = (
        silence.astype(np.float64) - float(silence.mean(dtype=np.float64)) if len(silence) else np.zeros(1)
    )
    noise = float(np.sqrt(np.mean(quiet**2)))
    if len(silence) < 0.5 * rate:
        return Floor(noise, 50.0, 0.0, len(silence) / rate)
    shape = np.hanning(len(quiet))
    power = np.abs(np.fft.rfft(quiet * shape)) ** 2 / (np.sum(shape**2) * len(quiet) / 2)
    step = rate / len(quiet)
    hums = {mains: _hum(power, step, mains) for mains in (50.0, 60.0)}
    mains = max(hums, key=lambda hz: hums[hz])
    return Floor(noise, mains, float(np.sqrt(hums[mains])), len(silence) / rate)


def _hum(power: Samples, step: float, mains: float) -> float:
    """Power of a mains frequency and its harmonics, less that of what lies beside them."""
    total = 0.0
    width = int(np.ceil(2.5 / step)) if step < 2.5 else 1
    for harmonic in range(1, HUM_HARMONICS + 1):
        k = round(harmonic * mains / step)
        around = power[max(0, k - 4 * width) : k + 4 * width + 1]
        line = power[max(0, k - width) : k + width + 1]
        total += max(0.0, float(line.sum() - len(line) * np.median(around) * 1.5))
    return total
