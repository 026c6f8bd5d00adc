"""The pitch of a sound of any instrument and length, and how sure it is; none for drums and noise.

Many short windows each tell a period by the normalised square difference (P. McLeod and G. Wyvill, "A
smarter way to find pitch", ICMC 2005), measured more finely over as many periods as stay alike. The loud
ones vote, and what most of them agree on is the pitch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from ..synths.zones import key_name

LOWEST_HZ, HIGHEST_HZ = 25.0, 5000.0
WINDOWS_S = (0.1, 0.025)
"""Long ones hear low notes; short ones those that move."""
SEARCHED_S = 1.0
"""From the sound's start."""
MOST_WINDOWS = 12
FIRST_PEAK = 0.9
"""Of the highest peak: the first one of this height is the period."""
CLEAR = 0.75
"""Least normalised square difference at a window's period that counts as one."""
ALIKE = 0.85
"""Of the value at the period: multiples of it that are still this much alike measure it more finely."""
NEAR_CENTS = 50.0
QUIET = 0.03
"""Of the loudest window's level: what is softer does not vote."""
SURE = 0.5
"""Least part of the votes that a pitch needs."""
RATES = (64000.0, 128000.0)
"""Between which a sound is heard: enough samples in a period of high notes, and few of low ones."""
A4_HZ, A4_KEY = 440.0, 69


@dataclass(frozen=True)
class Pitch:
    """A pitch.

    Attributes
    ----------
    frequency_hz : of the first partial
    key : the nearest of MIDI's keys
    cents : above it, -50 to 50
    sureness : part of the sound's loud windows that agree on it, times how periodic they are; 0 to 1
    """

    frequency_hz: float
    key: int
    cents: float
    sureness: float

    @property
    def note(self) -> str:
        """Name of the key: ``"A4"``."""
        return key_name(self.key)


def key_frequency(key: float) -> float:
    """Frequency of a key in Hz, in twelve equal steps with A4 at 440 Hz."""
    return float(A4_HZ * 2 ** ((key - A4_KEY) / 12))


def pitch_at(frequency_hz: float, sureness: float = 1.0) -> Pitch:
    """The reading of a frequency; keys end at 0 and 127."""
    place = A4_KEY + 12 * math.log2(frequency_hz / A4_HZ)
    key = min(127, max(0, round(place)))
    return Pitch(frequency_hz, key, 100 * (place - key), sureness)


def find_pitch(sound: NDArray[np.floating], rate: float) -> Pitch | None:
    """The pitch of a sound, or None where most of it has none.

    Parameters
    ----------
    sound : shape (frames,), from where it starts
    rate : in Hz
    """
    heard = np.asarray(sound[: round(SEARCHED_S * rate)], np.float64)
    up, down = max(1, math.ceil(RATES[0] / rate)), max(1, math.ceil(rate / RATES[1]))
    if up != down:
        heard, rate = scipy.signal.resample_poly(heard, up, down), rate * up / down
    found = [_vote(heard, rate, seconds) for seconds in WINDOWS_S]
    readings = [reading for reading in found if reading is not None]
    return max(readings, key=lambda reading: reading.sureness, default=None)


def _vote(sound: NDArray[np.float64], rate: float, window_s: float) -> Pitch | None:
    """What most windows of one length agree on."""
    size = min(round(window_s * rate), len(sound))
    if size < 32:
        return None
    places = np.unique(
        np.linspace(0, len(sound) - size, min(MOST_WINDOWS, 4 * len(sound) // size)).astype(int)
    )
    parts = np.stack([sound[place : place + size] for place in places])
    parts = parts - parts.mean(axis=1, keepdims=True)
    levels = np.sqrt(np.mean(parts**2, axis=1))
    loud = levels > QUIET * levels.max()
    if not levels.max() > 0 or not loud.any():
        return None
    parts, levels = parts[loud], levels[loud]
    likeness = _likeness(parts, min(size * 3 // 4, int(2 * rate / LOWEST_HZ)))
    readings = [_period(row, rate) for row in likeness]
    weights = np.sqrt(levels)
    clear = np.array([reading is not None and reading[1] >= CLEAR for reading in readings])
    if not clear.any():
        return None
    kept = [reading for reading in readings if reading is not None and reading[1] >= CLEAR]
    octaves = np.log2([frequency for frequency, _ in kept])
    clarity, votes = np.array([c for _, c in kept]), weights[clear]
    near = np.abs(octaves[:, None] - octaves) * 1200 < NEAR_CENTS
    middle = int(np.argmax(near @ (votes * clarity**2)))
    agreed = near[middle]
    sureness = float((votes * clarity)[agreed].sum() / weights.sum())
    if sureness < SURE:
        return None
    order = np.argsort(octaves[agreed])
    running = np.cumsum((votes * clarity**8)[agreed][order])
    median = octaves[agreed][order][int(np.searchsorted(running, running[-1] / 2))]
    return pitch_at(float(2**median), min(1.0, sureness))


def _likeness(parts: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """McLeod's normalised square difference of each row, shape (rows, lags): 1 at a period, 0 for noise."""
    size = parts.shape[1]
    spectra = scipy.fft.rfft(parts, scipy.fft.next_fast_len(2 * size, real=True))
    correlation = scipy.fft.irfft(np.abs(spectra) ** 2)[:, :lags]
    squares = np.concatenate([np.zeros((len(parts), 1)), np.cumsum(parts**2, axis=1)], axis=1)
    lag = np.arange(lags)
    energy = squares[:, size - lag] + squares[:, size, None] - squares[:, lag]
    return np.asarray(2 * correlation / np.maximum(energy, 1e-30))


def _period(likeness: NDArray[np.float64], rate: float) -> tuple[float, float] | None:
    """Frequency and clarity from the first strong peak; None where that lies above or below all pitches."""
    below = np.flatnonzero(likeness < 0)
    if not below.size:
        return None
    inner = likeness[1:-1]
    peaks = np.flatnonzero((inner > likeness[:-2]) & (inner >= likeness[2:]) & (inner > 0)) + 1
    peaks = peaks[(peaks > int(below[0])) & (peaks < rate / LOWEST_HZ)]
    if not peaks.size:
        return None
    first = int(peaks[likeness[peaks] >= FIRST_PEAK * likeness[peaks].max()][0])
    if first <= int(rate / HIGHEST_HZ):
        return None
    period, clarity = _top(likeness, first)
    multiple = 2
    while True:  # longer and longer, so that the place of a multiple's peak is never in doubt
        place = round(multiple * period)
        reach = max(1, round(period / 6))
        if place + reach + 1 >= len(likeness):
            break
        nearby = place - reach + int(np.argmax(likeness[place - reach : place + reach + 1]))
        if not 0 < nearby < len(likeness) - 1 or likeness[nearby] < ALIKE * clarity:
            break
        period = _top(likeness, nearby)[0] / multiple
        multiple += 1
    return rate / period, min(1.0, clarity)


def _top(values: NDArray[np.float64], k: int) -> tuple[float, float]:
    """Place and height of the peak at ``k``: a parabola through three points."""
    left, middle, right = values[k - 1 : k + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(k + shift), float(middle - 0.25 * (left - right) * shift)
