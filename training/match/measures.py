"""How well parameters are told and sounds are made again: the measures of the paper's section 6, and ours.

O. Barkan and D. Tsiris, *Deep Synthesizer Parameter Estimation* (ICASSP 2019). Scores are what a model says
of each level of each parameter, in any unit that grows with its belief: a sequence of arrays of shape
(sounds, levels), one for each parameter. ``truth`` holds the right levels, shape (sounds, parameters).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from ...realtime.match.spectrogram import HOP, WINDOW, magnitudes
from ...realtime.parameters import Parameter

Scores: TypeAlias = Sequence[NDArray[Any]]
Floats: TypeAlias = NDArray[np.float64]

TOP = 5
"""Figure 5 counts the right level among the first 1 … 5."""
BINS = 15
BATCH = 64
CONSTANT = 1e-9
"""A signal that leaves its mean by less than this share of itself counts as constant."""
KNOB_SCALE = 10.0


class MeasureError(ValueError):
    """Numbers that cannot be compared with each other."""


def ranks(scores: NDArray[Any], truth: NDArray[Any]) -> Floats:
    """Where the right level stands among all of one parameter, from 0 for the first; ties get the mean rank.

    Parameters
    ----------
    scores : shape (sounds, levels)
    truth : shape (sounds,)
    """
    before, equal = _placed(scores, truth)
    return before + (equal - 1) / 2


def percentile_ranks(scores: Scores, truth: NDArray[Any]) -> Floats:
    """Mean percentile rank of each parameter (section 6.1.1): 100 is the optimum, 50 chance.

    ``100 * (1 - mean(rank) / (levels - 1))`` with ranks counted from 0.

    Returns
    -------
    ndarray, shape (parameters,)
    """
    _check(scores, truth)
    columns = zip(scores, truth.T, strict=True)
    return np.array([100 * (1 - ranks(s, t).mean() / (s.shape[1] - 1)) for s, t in columns])


def top_accuracies(scores: Scores, truth: NDArray[Any], top: int = TOP) -> Floats:
    """How often the right level is among a parameter's first 1 … ``top`` (section 6.1.2), 0 to 1.

    Levels of equal score count as often as they would be among the first in any of their orders.

    Returns
    -------
    ndarray, shape (parameters, top)
    """
    _check(scores, truth)
    first = np.arange(1, top + 1)
    found = []
    for column, right in zip(scores, truth.T, strict=True):
        before, equal = _placed(column, right)
        found.append(np.clip((first - before[:, None]) / equal[:, None], 0, 1).mean(axis=0))
    return np.array(found)


GROUP_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "Filter": ("cutoff_hz", "resonance"),
    "Notes": ("_frequency_hz",),
    "Amplitude LFO": ("_depth_hz",),
    "Frequency LFO": ("_modulation_hz",),
    "Oscillators Amplitude": ("_amplitude",),
    "Amplitude ADSR": ("attack_s", "decay_s", "sustain", "release_s"),
}
"""The paper's groups of the four-oscillator synthesizer's parameters, by how their names end."""
ALL = "All"


def groups(synth: str, parameters: Sequence[Parameter]) -> dict[str, tuple[int, ...]]:
    """Which parameters belong to each group of Figure 5; of a synth other than ``four`` only `ALL`."""
    found = {}
    if synth == "four":
        for name, endings in GROUP_ENDINGS.items():
            found[name] = tuple(k for k, p in enumerate(parameters) if p.name.endswith(endings))
    return found | {ALL: tuple(range(len(parameters)))}


def grouped(accuracies: Floats, members: Mapping[str, Sequence[int]]) -> dict[str, tuple[float, ...]]:
    """Mean of `top_accuracies` over the parameters of each group."""
    return {name: tuple(accuracies[list(some)].mean(axis=0).tolist()) for name, some in members.items()}


def calibration_error(confidences: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1: how far confidence is from how often it is right.

    The mean difference of both over bins of equal width, weighted by how much is in each: C. Guo and others,
    *On Calibration of Modern Neural Networks* (ICML 2017), equation 3.

    Parameters
    ----------
    confidences : probabilities of what was answered, 0 to 1, any shape
    right : whether it was right, the same shape

    Raises
    ------
    MeasureError
        when there is none, or one is no probability.
    """
    sure, hits = np.ravel(np.asarray(confidences, np.float64)), np.ravel(np.asarray(right, np.float64))
    if sure.shape != hits.shape or not sure.size:
        raise MeasureError(f"{sure.size} confidences of {hits.size} answers cannot be compared")
    if not np.all((sure >= 0) & (sure <= 1 + 1e-6)):
        raise MeasureError("confidences lie between 0 and 1")
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = np.bincount(place, sure - hits, bins)
    return float(np.abs(gaps).sum() / sure.size)


def confidences(probabilities: Scores, truth: NDArray[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    """The probability of each parameter's likeliest level and whether it is the right one, for
    `calibration_error`; both of shape (sounds, parameters)."""
    _check(probabilities, truth)
    sure = np.stack([column.max(axis=1) for column in probabilities], axis=1).astype(np.float64)
    return sure, likeliest(probabilities) == truth


def likeliest(scores: Scores) -> NDArray[np.int64]:
    """The level of the highest score of each parameter, shape (sounds, parameters)."""
    return np.stack([np.argmax(column, axis=1) for column in scores], axis=1).astype(np.int64)


def middle_turns(parameters: Sequence[Parameter], probabilities: Scores) -> Floats:
    """The median of what is believed of each parameter, as turns of a knob; a switch's likeliest position.

    Of all answers the median has the least mean absolute error if the probabilities are right.

    Returns
    -------
    ndarray, shape (sounds, parameters)
    """
    columns = []
    for parameter, column in zip(parameters, probabilities, strict=True):
        below = np.cumsum(column, axis=1, dtype=np.float64)
        middle = np.argmax(below >= 0.5 * below[:, -1:], axis=1)
        level = np.argmax(column, axis=1) if parameter.choices else middle
        columns.append(level / (parameter.levels - 1))
    return np.stack(columns, axis=1)


def switch_accuracies(parameters: Sequence[Parameter], turns: Floats, truth: Floats) -> dict[str, float]:
    """How often each switch is in its right position, 0 to 1, by name.

    Parameters
    ----------
    turns, truth : turns from 0 to 1, shape (sounds, parameters)
    """
    right = np.abs(turns - truth) < 1e-6
    return {p.name: float(right[:, k].mean()) for k, p in enumerate(parameters) if p.choices}


def knob_errors(parameters: Sequence[Parameter], turns: Floats, truth: Floats) -> dict[str, float]:
    """Mean absolute error of each knob on a scale from 0 to 10 (T. Sellam, *Secret Sauce*, 2018), by name.

    Parameters
    ----------
    turns, truth : turns from 0 to 1, shape (sounds, parameters)
    """
    error = KNOB_SCALE * np.abs(turns - truth)
    return {p.name: float(error[:, k].mean()) for k, p in enumerate(parameters) if not p.choices}


def correlations(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Pearson's correlation × 100 of each of the first with each of the second, flattened.

    It is undefined where one of them is constant, as silence is. Then two that are the same count as 100,
    and any others as 0: silence in answer to a sound has nothing of it.

    Parameters
    ----------
    first, second : shape (sounds, …), the same

    Returns
    -------
    ndarray, shape (sounds,)
    """
    if first.shape != second.shape:
        raise MeasureError(f"{first.shape} and {second.shape} numbers cannot be correlated")
    pair = [np.asarray(each, np.float64).reshape(len(each), -1) for each in (first, second)]
    centred = [each - each.mean(axis=1, keepdims=True) for each in pair]
    spread = [np.linalg.norm(each, axis=1) for each in centred]
    constant = np.zeros(len(first), bool)
    for each, width in zip(pair, spread, strict=True):
        constant |= width <= CONSTANT * np.linalg.norm(each, axis=1)
    same = np.all(pair[0] == pair[1], axis=1)
    product = np.where(constant, 1.0, spread[0] * spread[1])
    found = np.clip(np.einsum("ij,ij->i", *centred) / product, -1, 1)
    return 100 * np.where(constant, same.astype(np.float64), found)


@dataclass(frozen=True)
class Reconstruction:
    """How near sounds made again come to the originals (section 6.1.3), each of shape (sounds,).

    Attributes
    ----------
    stft, fourier, time : `correlations` of short-time spectra, of the whole sounds' spectra, of samples
    frobenius : Frobenius norm of the difference of the short-time spectra; it grows with the level
    """

    stft: Floats
    fourier: Floats
    time: Floats
    frobenius: Floats


def reconstruction(
    originals: NDArray[np.float32], made: NDArray[np.float32], window: int = WINDOW
) -> Reconstruction:
    """Compare sounds one by one.

    Parameters
    ----------
    originals, made : shape (sounds, frames)
    window : of the short-time spectra, in frames; the hop is `spectrogram.HOP`
    """
    if originals.shape != made.shape:
        raise MeasureError(f"sounds of shape {made.shape} cannot be compared with {originals.shape}")
    starts = range(0, len(originals), BATCH)
    return joined(_compared(originals[i : i + BATCH], made[i : i + BATCH], window) for i in starts)


def joined(parts: Iterable[Reconstruction]) -> Reconstruction:
    """Of batches one after another, all together."""
    some = list(parts)
    columns = ("stft", "fourier", "time", "frobenius")
    return Reconstruction(*(np.concatenate([getattr(part, name) for part in some]) for name in columns))


def _compared(originals: NDArray[np.float32], made: NDArray[np.float32], window: int) -> Reconstruction:
    spectra = [magnitudes(sounds, window, HOP) for sounds in (originals, made)]
    whole = [np.abs(scipy.fft.rfft(sounds, axis=1)) for sounds in (originals, made)]
    difference = spectra[0].astype(np.float64) - spectra[1]
    return Reconstruction(
        correlations(*spectra),
        correlations(*whole),
        correlations(originals, made),
        np.linalg.norm(difference, axis=(1, 2)),
    )


def _placed(scores: NDArray[Any], truth: NDArray[Any]) -> tuple[Floats, Floats]:
    """How many levels stand before the right one, and how many beside it, itself counted."""
    if np.isnan(scores).any():
        raise MeasureError("scores that are no numbers cannot be ranked")
    right = np.take_along_axis(scores, np.asarray(truth, np.int64)[:, None], axis=1)
    return (scores > right).sum(axis=1).astype(np.float64), (scores == right).sum(axis=1).astype(np.float64)


def _check(scores: Scores, truth: NDArray[Any]) -> None:
    sounds, parameters = truth.shape if truth.ndim == 2 else (0, 0)
    if not sounds or [len(column) for column in scores] != [sounds] * parameters:
        shapes = ", ".join(str(column.shape) for column in scores)
        raise MeasureError(f"scores of shapes {shapes:.100} do not belong to levels of shape {truth.shape}")
