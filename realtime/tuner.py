"""The pitch of a guitar string, to a fraction of a cent.

First a rough pitch from the normalised square difference (P. McLeod and G. Wyvill, "A smarter way to
find pitch", ICMC 2005). Then the frequencies of its partials from the phase they gain between two
windows (J. Flanagan and R. Golden, "Phase vocoder", Bell System Technical Journal 45, 1966), and of
these, weighted by how well each is heard, a stiff string: partial n sounds at
``n f sqrt(1 + B n²)`` (H. Fletcher, "Normal vibration frequencies of a stiff piano string", JASA 36,
1964). A string's upper partials are sharp by many cents, so that a mean over them would be too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import resample_poly

Samples = NDArray[np.float32] | NDArray[np.float64]

NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
LOWEST_HZ, HIGHEST_HZ = 27.0, 1400.0
WINDOW_S = 0.17
HOP = 0.5  # between the two windows, in windows
MOST_PARTIALS = 12
CLEAR = 0.8
"""Least value of the normalised square difference at the period; 1 for a periodic sound, 0 for noise."""
QUIET_DB = -75.0
UNSTEADY = 0.003
"""Disturbance of a partial by others near it, against the strongest one: strings beat, and ring along."""
STIFFEST = 1e-3
"""Greatest inharmonicity B that is taken for a string's."""


@dataclass(frozen=True)
class Pitch:
    """A reading.

    Attributes
    ----------
    frequency_hz : of the first partial
    note : the nearest one, in twelve equal steps, with its octave: ``"E2"``
    cents : above it, -50 to 50
    clarity : of the rough pitch, up to 1
    inharmonicity : B of the stiff string
    level_db : of the window, RMS in dB over full scale
    time_s : of the window's middle, from the start of the sound
    """

    frequency_hz: float
    note: str
    cents: float
    clarity: float
    inharmonicity: float
    level_db: float
    time_s: float = 0.0


def note_of(frequency_hz: float, reference_hz: float = 440.0) -> tuple[str, float]:
    """The nearest note and the cents above it, where A4 sounds at ``reference_hz``."""
    steps = 12 * math.log2(frequency_hz / reference_hz) + 69
    nearest = round(steps)
    return f"{NOTES[nearest % 12]}{nearest // 12 - 1}", 100 * (steps - nearest)


def frames_needed(rate: float) -> int:
    """How much sound `pitch` needs for its full precision, in samples."""
    return _window(rate) + round(HOP * _window(rate))


def _window(rate: float) -> int:
    return round(WINDOW_S * rate / 2) * 2


def pitch(sound: Samples, rate: float, reference_hz: float = 440.0) -> Pitch | None:
    """The pitch of one string, or None where there is none to hear.

    Parameters
    ----------
    sound : shape (frames,); the last `frames_needed` samples are used, and no fewer will do
    rate : in Hz
    reference_hz : of A4
    """
    needed = frames_needed(rate)
    if len(sound) < needed:
        return None
    x = np.asarray(sound[-needed:], np.float64)
    x = x - np.mean(x)
    level = float(np.sqrt(np.mean(x**2)))
    if not level > 10 ** (QUIET_DB / 20):
        return None
    rough, clarity = _rough(x, rate)
    if clarity < CLEAR:
        return None
    frequency, stiffness = _refined(x, rate, rough)
    note, cents = note_of(frequency, reference_hz)
    return Pitch(frequency, note, cents, clarity, stiffness, 20 * math.log10(level))


def pitches(sound: Samples, rate: float, step_s: float = 0.1, reference_hz: float = 440.0) -> Iterator[Pitch]:
    """Readings along a sound of shape (frames,), wherever there is a pitch."""
    needed = frames_needed(rate)
    for end in range(needed, len(sound) + 1, max(1, round(step_s * rate))):
        found = pitch(sound[end - needed : end], rate, reference_hz)
        if found is not None:
            yield Pitch(**{**vars(found), "time_s": (end - needed / 2) / rate})


def _rough(x: NDArray[np.float64], rate: float) -> tuple[float, float]:
    """Frequency to about one percent, and clarity, from the first strong peak of McLeod's function."""
    divisor = max(1, int(rate // 16000))
    if divisor > 1:
        x, rate = resample_poly(x, 1, divisor), rate / divisor
    size = len(x)
    longest = min(size // 2, int(rate / LOWEST_HZ) + 2)
    spectrum = fft.rfft(x, fft.next_fast_len(2 * size, real=True))
    correlation = fft.irfft(np.abs(spectrum) ** 2)[:longest]
    squares = np.concatenate([[0.0], np.cumsum(x**2)])
    lags = np.arange(longest)
    energy = squares[size - lags] + squares[size] - squares[lags]
    likeness = 2 * correlation / np.maximum(energy, 1e-30)
    shortest = max(2, int(rate / HIGHEST_HZ))
    below = np.flatnonzero(likeness < 0)
    start = max(shortest, int(below[0])) if below.size else longest
    peaks = [
        k
        for k in range(start, longest - 1)
        if likeness[k] > 0 and likeness[k - 1] < likeness[k] >= likeness[k + 1]
    ]
    if not peaks:
        return 0.0, 0.0
    best = max(likeness[k] for k in peaks)
    k = next(k for k in peaks if likeness[k] >= 0.93 * best)
    left, middle, right = likeness[k - 1 : k + 2]
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return rate / (k + shift), float(middle)


def _refined(x: NDArray[np.float64], rate: float, rough: float) -> tuple[float, float]:
    """Frequency of the first partial, and inharmonicity."""
    frequency, stiffness = rough, 0.0
    for count in (4, MOST_PARTIALS):  # a few give a stiffness with which to find the others
        numbers, measured, weights = _partials(x, rate, frequency, stiffness, count)
        if numbers.size == 0:
            return frequency, stiffness
        frequency, stiffness, step = _stiff_string(numbers, measured, weights)
        if step > 1:  # only every second partial, say: the rough pitch was that much too low
            frequency, stiffness = step * frequency, step * step * stiffness
    return frequency * math.sqrt(1 + stiffness), stiffness


def _partials(
    x: NDArray[np.float64], rate: float, frequency: float, stiffness: float, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Numbers, frequencies and weights of the partials that stand out of the noise."""
    size = _window(rate)
    hop = len(x) - size
    window = np.hanning(size + 1)[:-1]
    first, second = fft.rfft(window * x[:size]), fft.rfft(window * x[hop:])
    magnitude = np.abs(first) + np.abs(second)
    floor = np.median(magnitude[: max(8, int((count + 2) * frequency * size / rate))])
    numbers, measured, found = [], [], []
    for n in range(1, count + 1):
        expected = n * frequency * math.sqrt(1 + stiffness * n * n)
        reach = max(2, round(0.25 * frequency * size / rate))
        middle = round(expected * size / rate)
        low, high = max(2, middle - reach), min(len(magnitude) - 2, middle + reach + 1)
        if expected > 0.45 * rate or high - low < 3:
            break
        k = low + int(np.argmax(magnitude[low:high]))
        if magnitude[k] < 6 * floor or not magnitude[k - 1] <= magnitude[k] >= magnitude[k + 1]:
            continue
        turn = float(np.angle(second[k] * np.conj(first[k]))) / (2 * math.pi)
        near = _interpolated(magnitude, k) * hop / size
        numbers.append(n)
        measured.append((turn + round(near - turn)) * rate / hop)
        found.append(magnitude[k])
    heights = np.array(found)
    tallest = np.max(heights, initial=0.0)
    kept = heights > 1e-3 * tallest
    numbered = np.array(numbers, float)[kept]
    weights = heights[kept] / np.hypot(floor / numbered, UNSTEADY * tallest)
    return numbered, np.array(measured)[kept], weights


def _interpolated(magnitude: NDArray[np.float64], k: int) -> float:
    """The peak's place in bins: a parabola through the logarithms."""
    left, middle, right = np.log(np.maximum(magnitude[k - 1 : k + 2], 1e-30))
    bend = left - 2 * middle + right
    return k + (0.5 * float((left - right) / bend) if bend < 0 else 0.0)


def _stiff_string(
    numbers: NDArray[np.float64], measured: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float, int]:
    """f and B of the string, and the greatest divisor that the numbers of its partials have in common.

    By weighted least squares, which put aside what does not belong to it:
    ``(f_n / n)² = f² + f² B n²`` is a line over n². ``weights`` go with the ratio ``f_n / n``.
    """
    kept = np.ones(len(numbers), bool)
    squares, ordinates = numbers**2, (measured / numbers) ** 2
    intercept, slope = float(np.average(ordinates, weights=weights**2)), 0.0
    for _ in range(4):
        columns = np.stack([np.ones(kept.sum()), squares[kept]], axis=1)
        if kept.sum() >= 3:
            scale = weights[kept, None]
            solved = np.linalg.lstsq(columns * scale, ordinates[kept] * scale[:, 0], rcond=None)[0]
            intercept, slope = float(solved[0]), float(solved[1])
        if kept.sum() < 3 or not 0 <= slope <= STIFFEST * intercept:
            slope = min(max(slope, 0.0), STIFFEST * intercept)
            intercept = float(np.average(ordinates[kept] - slope * squares[kept], weights=weights[kept] ** 2))
        cents = 600 / math.log(2) * np.log(np.maximum(ordinates, 1e-9) / (intercept + slope * squares))
        spread = max(0.5, 2.5 * float(np.median(np.abs(cents[kept]))))
        agreeing = np.abs(cents) <= spread
        if agreeing.sum() < max(1, len(numbers) // 2) or (agreeing == kept).all():
            break
        kept = agreeing
    return math.sqrt(intercept), slope / intercept, math.gcd(*numbers[kept].astype(int))
