"""What learners of modulated and dynamic effects share: pairs that fit together, and fitted FIR filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import fft, linalg, signal

from .config import TrainingError
from .data import Pair

Samples: TypeAlias = NDArray[np.float64]
Sound: TypeAlias = tuple[Samples, Samples]
"""Dry and wet sound of one pair, in double precision."""
Progress: TypeAlias = Callable[[float], None]
"""Called with the part that is done, 0 to 1."""

LEAST_SECONDS = 1.0
LEAST_FRAMES = 4096
"""Of one sound; shorter ones are left out."""
RIDGE = 1e-9
"""Of a fitted filter's mean input energy: it keeps bands that the dry sound lacks quiet."""


def no_progress(part: float) -> None:
    """For those who do not watch."""


def sounds_of(pairs: Sequence[Pair], seconds: float = float("inf")) -> tuple[list[Sound], float]:
    """The sounds of pairs and their rate, when an effect can be learnt from them.

    Parameters
    ----------
    pairs : dry and wet sound from rest
    seconds : of them all together; what is longer is cut

    Raises
    ------
    TrainingError
        If there is none, a rate differs from the others, dry and wet differ in length, a sample is not
        finite, one side is silent, or all is shorter than a second.
    """
    if not pairs:
        raise TrainingError("there is no pair of dry and wet sound to learn from; give at least one")
    rate = pairs[0].rate
    sounds, room = [], seconds * rate
    for pair in pairs:
        if pair.rate != rate:
            raise TrainingError(
                f"{pair.name} is at {pair.rate:g} Hz and {pairs[0].name} at {rate:g} Hz; resample to one rate"
            )
        if pair.dry.shape != pair.wet.shape or pair.dry.ndim != 1:
            raise TrainingError(
                f"{pair.name}: dry has the shape {pair.dry.shape} and wet {pair.wet.shape}; "
                "both must be mono and of one length"
            )
        for side, samples in (("dry", pair.dry), ("wet", pair.wet)):
            if not np.isfinite(samples).all():
                raise TrainingError(f"{pair.name}: the {side} sound has NaN or infinity; record it again")
        frames = int(min(room, len(pair.dry)))
        if frames >= LEAST_FRAMES:
            room -= frames
            sounds.append((pair.dry[:frames].astype(np.float64), pair.wet[:frames].astype(np.float64)))
    frames = sum(len(dry) for dry, _ in sounds)
    if frames < LEAST_SECONDS * rate:
        raise TrainingError(
            f"{frames / rate:.2f} s of sound are too short to learn an effect from; "
            f"give {LEAST_SECONDS:g} s or more"
        )
    for index, side in enumerate(("dry", "wet")):
        if not any(sound[index].any() for sound in sounds):
            raise TrainingError(f"the {side} sound of {pairs[0].name} is silent; check the recording")
    return sounds, rate


def start_of(sounds: Sequence[Sound], frames: float) -> list[Sound]:
    """As much of the sounds as ``frames``, the loudest of them first."""
    loudest = sorted(sounds, key=lambda sound: -float(np.mean(sound[1] ** 2)))
    room, parts = int(frames), []
    for dry, wet in loudest:
        if room > 0:
            parts.append((dry[:room], wet[:room]))
            room -= len(dry)
    return parts


def esr(outputs: Sequence[Samples], wets: Sequence[Samples]) -> float:
    """Error-to-signal ratio over all sounds together."""
    error = sum(float(np.sum((y - wet) ** 2)) for y, wet in zip(outputs, wets, strict=True))
    return error / max(sum(float(np.sum(wet**2)) for wet in wets), 1e-12)


def fit_responses(
    inputs: Sequence[Sequence[Samples]], targets: Sequence[Samples], lengths: Sequence[int]
) -> list[Samples]:
    """FIR filters, one for each input, whose outputs add up to the targets as nearly as they can.

    Least squares by the normal equations: their first rows are correlations (by FFT), and each diagonal
    follows from its first entry by what leaves at the sound's end (the covariance method; J. Makhoul,
    "Linear Prediction: A Tutorial Review", Proc. IEEE 63, 1975).

    Parameters
    ----------
    inputs : for each sound the signals to filter, each of shape (frames,)
    targets : for each sound, shape (frames,)
    lengths : taps of the filter of each signal

    Returns
    -------
    list of ndarray, shape (taps,) each
        Tap 0 meets the newest sample.
    """
    ends = np.cumsum([0, *lengths])
    matrix, right = np.zeros((ends[-1], ends[-1])), np.zeros(ends[-1])
    for signals, target in zip(inputs, targets, strict=True):
        size = fft.next_fast_len(len(target) + max(lengths), real=True)
        spectra = [fft.rfft(sound, size) for sound in signals]
        goal = fft.rfft(target, size)
        for i, first in enumerate(signals):
            rows = slice(ends[i], ends[i + 1])
            right[rows] += fft.irfft(goal * spectra[i].conj(), size)[: lengths[i]]
            for j in range(i, len(signals)):
                block = fft.irfft(spectra[j] * spectra[i].conj(), size)
                part = _diagonals(block, first, signals[j], lengths[i], lengths[j])
                columns = slice(ends[j], ends[j + 1])
                matrix[rows, columns] += part
                if i != j:
                    matrix[columns, rows] += part.T
    matrix.flat[:: len(matrix) + 1] += RIDGE * max(float(np.trace(matrix)) / len(matrix), 1e-30)
    taps = linalg.solve(matrix, right, assume_a="pos")
    return [taps[ends[i] : ends[i + 1]] for i in range(len(lengths))]


def _diagonals(correlation: Samples, first: Samples, second: Samples, rows: int, columns: int) -> Samples:
    """``M[k, l] = Σ_n first(n - k) second(n - l)`` over the n of the sound, zero before it.

    ``correlation[m]`` is ``Σ_n first(n) second(n + m)``, its negative m at the end.
    """
    matrix = np.empty((rows, columns))
    matrix[0] = correlation[-np.arange(columns)]
    matrix[:, 0] = correlation[:rows]
    # The whole correlation also counts products past the end: those of the earlier samples of one signal
    # with later ones of the other are complete in row 0 and column 0, and go one by one down a diagonal.
    for k in range(1, rows):
        leaving = first[-k] * second[len(second) - np.arange(1, columns)]
        matrix[k, 1:] = matrix[k - 1, :-1] - leaving
    return matrix


def filtered(taps: Samples, sounds: Samples) -> Samples:
    """FIR-filtered along the last axis, from rest."""
    return taps[0] * sounds if len(taps) == 1 else np.asarray(signal.lfilter(taps, [1.0], sounds))


def float32(values: Samples) -> NDArray[np.float32]:
    """As models hold their arrays."""
    return np.ascontiguousarray(values, np.float32)
