"""The hand-crafted features of a sound: what its frames' features do over time, told in 319 200 numbers.

After section 5.1 of O. Barkan and D. Tsiris, *Deep Synthesizer Parameter Estimation* (ICASSP 2019), who
follow K. Itoyama and H. G. Okuno, *Parameter Estimation of Virtual Musical Instrument Synthesizers* (ICMC
2014). The 32 features of every frame (`frame_features`) become 224 with six kinds of time derivatives, and
statistics of these over 25 segments of the sound make 319 200 numbers, which `projection` reduces to 1000.

The paper names 24 statistics of each feature in each segment: sum, mean, variance, skewness; minimum,
maximum, median, 10th and 90th percentile with their positions; ten coefficients of a discrete cosine
transform. But 319 200 = 25 × 224 × 57. Ours are 57 that have all the named ones among them: the first four,
percentiles in steps of five from the minimum to the maximum with their positions (42), and eleven
coefficients, with the constant one. Which derivatives and which segments it takes is not told either: see
`SLOPES` and `SEGMENTS`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray

from ...realtime.synths.dataset import FRAMES
from .frame_features import HOP, NAMES, frame_features

Floats = NDArray[np.float32]

WINDOWS = FRAMES // HOP
SLOPES = (1, 2, 4)
"""Derivatives are slopes of lines through so many frames on both sides, and slopes of these slopes."""
SERIES = len(NAMES) * (1 + 2 * len(SLOPES))
"""224: the features, then each kind of derivative of all of them."""
SEGMENTS: tuple[tuple[int, int], ...] = tuple(
    (first, WINDOWS // share)
    for share in (2, 4, 8)
    for first in range(0, WINDOWS - WINDOWS // share + 1, WINDOWS // share // 2)
)
"""First window and length: 3 halves, 7 quarters and 15 eighths of the sound, each overlapping half."""
QUANTILES = np.arange(21) / 20
COEFFICIENTS = 11
STATISTICS = 4 + 2 * len(QUANTILES) + COEFFICIENTS
"""57."""
SIZE = len(SEGMENTS) * SERIES * STATISTICS
"""319 200."""
CONSTANT = 1e-6
"""A deviation below this share of the largest value is rounding: the skewness is 0."""


def handcrafted(sounds: Floats) -> Floats:
    """All features of sounds.

    Parameters
    ----------
    sounds : shape (sounds, 16384)

    Returns
    -------
    ndarray, shape (sounds, 319200)
        By segment, then by feature, then by statistic, see `statistics`.

    Raises
    ------
    ValueError
        If sounds have another length: the compiled code reads by the frame.
    """
    if sounds.ndim != 2 or sounds.shape[1] != FRAMES:
        raise ValueError(f"sounds have shape {sounds.shape}, expected (sounds, {FRAMES})")
    series = with_slopes(frame_features(sounds))
    found = np.empty((len(sounds), len(SEGMENTS), SERIES, STATISTICS), np.float32)
    for place, (first, length) in enumerate(SEGMENTS):
        _accumulate(series, first, _ranks(length), _cosines(length), found, place)
    return found.reshape(len(sounds), SIZE)


def with_slopes(features: Floats) -> Floats:
    """Features with their derivatives, from (sounds, windows, 32) to (sounds, 224, windows).

    A slope at frame t is ``sum(k * (x[t + k] - x[t - k])) / (2 * sum(k * k))`` over k = 1 … width, as speech
    recognition has it; the first and last frame are repeated at the ends.
    """
    sounds, windows, kinds = features.shape
    found = features.transpose(0, 2, 1).reshape(-1, windows) @ _slopes(windows)
    by_derivative = found.reshape(sounds, kinds, -1, windows).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(by_derivative.reshape(sounds, -1, windows))


def statistics(series: Floats) -> Floats:
    """Statistics over the last axis.

    Parameters
    ----------
    series : shape (rows, windows)

    Returns
    -------
    ndarray, shape (rows, 57)
        Sum, mean, variance, skewness (both of the population); the values nearest to each of `QUANTILES`, all
        from minimum to maximum; where they are, from 0 for the first window to 1 for the last, the first one
        of equals; eleven coefficients of the orthonormal DCT-II.
    """
    found = np.empty((1, 1, len(series), STATISTICS), np.float32)
    _accumulate(series[None], 0, _ranks(series.shape[1]), _cosines(series.shape[1]), found, 0)
    return found[0, 0]


@cache
def _slopes(windows: int) -> Floats:
    """From a row of frames to itself and all its derivatives, shape (windows, 7 * windows)."""
    first = []
    for width in SLOPES:
        matrix = np.zeros((windows, windows))
        scale = 2 * sum(k * k for k in range(1, width + 1))
        for t in range(windows):
            for k in range(1, width + 1):
                matrix[min(t + k, windows - 1), t] += k / scale
                matrix[max(t - k, 0), t] -= k / scale
        first.append(matrix)
    return np.hstack([np.eye(windows), *first, *(m @ m for m in first)]).astype(np.float32)


@cache
def _ranks(length: int) -> NDArray[np.int64]:
    """Place of each quantile among sorted values."""
    return np.floor(QUANTILES * (length - 1) + 0.5).astype(np.int64)


@cache
def _cosines(length: int) -> NDArray[np.float64]:
    """The transform as a matrix, shape (length, 11)."""
    rows = scipy.fft.dct(np.eye(max(length, COEFFICIENTS))[:length], norm="ortho", axis=1)
    return np.ascontiguousarray(rows[:, :COEFFICIENTS])


@njit(error_model="numpy", nogil=True)
def _accumulate(series: Any, first: Any, ranks: Any, cosines: Any, found: Any, place: Any) -> None:
    """Statistics of one segment of all series into ``found[:, place]``."""
    length = cosines.shape[0]
    quantiles, coefficients = ranks.shape[0], cosines.shape[1]
    values = np.empty(length, np.float32)
    positions = np.empty(length, np.int64)
    transformed = np.empty(coefficients, np.float64)
    last = max(length - 1, 1)
    for sound in range(series.shape[0]):
        for row in range(series.shape[1]):
            x = series[sound, row, first : first + length]
            told = found[sound, place, row]
            total = 0.0
            transformed[:] = 0.0
            for t in range(length):
                total += x[t]
                for k in range(coefficients):
                    transformed[k] += x[t] * cosines[t, k]
            mean = total / length
            second, third = 0.0, 0.0
            for t in range(length):
                away = x[t] - mean
                second += away * away
                third += away * away * away
                at = t
                while at > 0 and values[at - 1] > x[t]:
                    values[at], positions[at] = values[at - 1], positions[at - 1]
                    at -= 1
                values[at], positions[at] = x[t], t
            second, third = second / length, third / length
            largest = max(abs(values[0]), abs(values[length - 1]))
            told[0], told[1], told[2], told[3] = total, mean, second, 0.0
            if second > (CONSTANT * largest) ** 2:
                told[3] = third / (second * np.sqrt(second))
            for k in range(quantiles):
                told[4 + k] = values[ranks[k]]
                told[4 + quantiles + k] = positions[ranks[k]] / last
            for k in range(coefficients):
                told[4 + 2 * quantiles + k] = transformed[k]
