"""Learning a linear effect (filter, cabinet, reverb) from dry and wet sound: one long FIR filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from ...export.model import Convolution, Metadata, NeuralModel, Stack
from .config import TrainingError
from .data import Pair
from .evaluate import loudness_db
from .least_squares import NormalEquations

Samples: TypeAlias = NDArray[np.float64]

HELD_BACK = 0.1
"""The last part of each sound that only says when to stop."""
RIDGES = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12)
"""Strengths of the regularisation, tried downwards for as long as the held-back sound gains."""
SHORTEST = 64
LONGEST_S = 4.0
UNRELATED_ESR = 0.9
LINEAR_DB, MOSTLY_LINEAR_DB = 30.0, 10.0


@dataclass(frozen=True)
class Estimate:
    """An impulse response, and how well it explains sound that was kept from it.

    Attributes
    ----------
    taps : shape (taps,); tap 0 meets the newest sample
    esr : error-to-signal ratio on the held-back sound
    """

    taps: Samples
    esr: float

    @property
    def linearity_db(self) -> float:
        """The wet sound against what the filter leaves unexplained."""
        return -10 * math.log10(max(self.esr, 1e-15))


def learn_linear(
    pairs: Sequence[Pair],
    *,
    name: str | None = None,
    gear_type: str | None = None,
    longest_s: float = LONGEST_S,
    progress: Callable[[float], None] = lambda _: None,
) -> NeuralModel:
    """A model of an effect that is linear and does not change with time: `Stack` of one `Convolution`.

    The response is estimated at full length, cut where longer ones explain the held-back sound no better,
    and estimated again at that length.

    Parameters
    ----------
    pairs : see `check_pairs`
    name, gear_type : for the metadata
    longest_s : the longest response; a quarter of the sound is the limit in any case
    progress : called with the part that is done, 0 to 1

    Returns
    -------
    NeuralModel
        Its metadata says how linear the effect is: ``extra["linearity_db"]`` and, in words,
        ``extra["linearity"]``.

    Raises
    ------
    TrainingError
        If nothing of the wet sound is a linear function of the dry sound, or the pairs are unfit.
    """
    rate = check_pairs(pairs)
    frames = sum(len(pair.dry) for pair in pairs)
    taps = max(1, min(round(longest_s * rate), frames // 4))
    whole = fit_response(pairs, taps, progress=lambda part: progress(0.6 * part))
    if whole.esr > UNRELATED_ESR:
        raise TrainingError(
            f"{pairs[0].name}: a linear effect explains {max(0.0, 100 * (1 - whole.esr)):.0f} % of the wet "
            "sound; check that dry and wet belong together and are aligned, or learn another kind of network"
        )
    progress(0.8)
    best = fit_response(pairs, _needed(whole, pairs), progress=lambda part: progress(0.8 + 0.2 * part))
    metadata = Metadata(
        name=name,
        gear_type=gear_type,
        loudness_db=loudness_db(lambda dry: convolve(best.taps, dry).astype(np.float32), rate),
        validation_esr=best.esr,
        extra={
            "linearity_db": round(best.linearity_db, 1),
            "linearity": describe_linearity(best.linearity_db),
        },
    )
    progress(1.0)
    weight = best.taps[::-1].astype(np.float32)[None, None]
    return NeuralModel(Stack((Convolution(weight),)), rate, metadata)


def learn_response(
    pairs: Sequence[Pair], taps: int, *, progress: Callable[[float], None] = lambda _: None
) -> Samples:
    """The impulse response that makes the wet sounds of the dry ones, by regularised least squares.

    Parameters
    ----------
    pairs : see `check_pairs`
    taps : 1 or more

    Returns
    -------
    ndarray, shape (taps,)
        Tap 0 meets the newest sample.

    Raises
    ------
    TrainingError
        If the pairs are unfit.
    """
    return fit_response(pairs, taps, progress=progress).taps


def fit_response(
    pairs: Sequence[Pair],
    taps: int,
    *,
    ridges: Sequence[float] = RIDGES,
    progress: Callable[[float], None] = lambda _: None,
) -> Estimate:
    """`learn_response` with the error on each sound's held-back end; fewer ``ridges`` are a quick look."""
    check_pairs(pairs)
    splits = [held_out_start(pair) for pair in pairs]
    heard = [(pair.dry[:end], pair.wet[:end]) for pair, end in zip(pairs, splits, strict=True)]
    equations = NormalEquations.of(heard, taps)
    best = Estimate(np.zeros(taps), math.inf)
    response = None
    for index, ridge in enumerate(ridges):
        response = equations.solve(ridge, response)
        esr = _held_back_esr(response, pairs, splits)
        progress((index + 1) / len(ridges))
        if not esr < 0.99 * best.esr:
            break
        best = Estimate(response, esr)
    return best


def linearity_db(pairs: Sequence[Pair], taps: int) -> float:
    """How much of the wet sound a filter of so many taps explains: sound against remainder, in dB.

    Above 30 dB the effect is linear as far as the ear goes; at 0 dB nothing of it is.
    """
    return fit_response(pairs, taps).linearity_db


def describe_linearity(linearity: float) -> str:
    """What a linearity in dB means, as a sentence."""
    figure = f"A linear filter explains the wet sound up to {linearity:.0f} dB"
    if linearity >= LINEAR_DB:
        return f"{figure}: the effect is linear."
    if linearity >= MOSTLY_LINEAR_DB:
        return (
            f"{figure}: some of the effect distorts, moves, follows the level or is noise, and is not learnt."
        )
    return f"{figure}: most of the effect is not linear; another kind of network will come closer."


def check_pairs(pairs: Sequence[Pair]) -> float:
    """The rate in Hz of pairs that can be learnt from.

    Raises
    ------
    TrainingError
        Where there are none, where rates or lengths differ, and for silence or samples that are not finite.
    """
    if not pairs:
        raise TrainingError("there is no sound to learn from; give at least one pair of dry and wet sound")
    rate = pairs[0].rate
    for pair in pairs:
        if pair.rate != rate:
            raise TrainingError(
                f"{pair.name}: the rate is {pair.rate:g} Hz, that of {pairs[0].name} is {rate:g} Hz; "
                "give pairs of one rate"
            )
        if pair.dry.ndim != 1 or pair.dry.shape != pair.wet.shape:
            raise TrainingError(
                f"{pair.name}: dry and wet have the shapes {pair.dry.shape} and {pair.wet.shape}, "
                "expected mono of equal length; align them first"
            )
        for kind, sound in (("dry", pair.dry), ("wet", pair.wet)):
            if not np.isfinite(sound).all():
                raise TrainingError(f"{pair.name}: the {kind} sound has NaN or infinity; record it again")
            if not sound.any():
                raise TrainingError(f"{pair.name}: the {kind} sound is silent; check how it was recorded")
    return rate


def convolve(taps: NDArray[np.floating], dry: NDArray[np.floating]) -> Samples:
    """``dry`` through an FIR filter, shape (frames,), computed with FFTs in float64."""
    return np.asarray(oaconvolve(dry.astype(np.float64), taps.astype(np.float64)))[: len(dry)]


def held_out_start(pair: Pair) -> int:
    """The frame where the held-back part begins: before the last tenth, or where little energy is left."""
    energy = np.cumsum(pair.wet.astype(np.float64) ** 2)
    loud = int(np.searchsorted(energy, (1 - HELD_BACK / 2) * energy[-1]))
    return max(1, min(round((1 - HELD_BACK) * len(energy)), loud))


def _held_back_esr(taps: Samples, pairs: Sequence[Pair], splits: Sequence[int]) -> float:
    error = signal = 0.0
    for pair, start in zip(pairs, splits, strict=True):
        first = max(0, start - len(taps) + 1)
        output = convolve(taps, pair.dry[first:])[start - first :]
        wet = pair.wet[start:].astype(np.float64)
        error += float(((output - wet) ** 2).sum())
        signal += float((wet**2).sum())
    return error / max(signal, 1e-30)


def _needed(whole: Estimate, pairs: Sequence[Pair]) -> int:
    """The shortest length, in steps of half an octave, that explains the held-back sound as well."""
    splits = [held_out_start(pair) for pair in pairs]
    full = len(whole.taps)
    steps = round(2 * math.log2(max(full / SHORTEST, 1)))
    lengths = [*(round(SHORTEST * 2 ** (step / 2)) for step in range(steps)), full]
    scores = [_held_back_esr(whole.taps[:length], pairs, splits) for length in lengths]
    enough = 1.01 * min(scores) + 1e-9
    return next(length for length, esr in zip(lengths, scores, strict=True) if esr <= enough)
