"""A look: a few hundred candidates rendered around what an estimator says, and the best by comparing.

An estimator is sure of some parameters and guesses others. Rendering is cheap: candidates drawn from its
probabilities find a start, and from there each parameter in turn tries its levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .distance import Heard
from .synths import MatchedSynth
from .trials import Distances, Levels, Trials, trials
from .waveform import by_waveform

RENDERS = 432
DRAWN = 0.15
"""Part of the renders that are drawn; the rest tries levels."""
COMPARED = 12
"""Candidates that all measures compare in the end."""
KEPT = 8
TEMPERATURE = 0.02
"""By how much farther a level is e times less likely."""
MET = 1e-3
"""Part of the energy left over, below which the waveform is met."""
UNHEARD = 2e-3
"""Distances that differ by less sound alike: what cannot be heard is as the estimator believes it."""
NOISE = 1e-4
"""The same, by how much more of it a level is e times less likely where the waveform is met."""


@dataclass(frozen=True)
class Candidate:
    """A setting and how far its sound is.

    Attributes
    ----------
    values : of the synth's estimated parameters, in their units, shape (parameters,)
    distance : as `Heard.distances` measures
    """

    values: NDArray[np.float64]
    distance: float


@dataclass(frozen=True)
class Looked:
    """What a look found.

    Attributes
    ----------
    levels : the best, shape (parameters,)
    candidates : best first, no two alike; the first may be farther than the second by `UNHEARD`
    probabilities : for each parameter those of its levels, the estimator's and the renders' together
    """

    levels: Levels
    candidates: list[Candidate]
    probabilities: list[NDArray[np.float64]]


def look(
    heard: Heard,
    probabilities: Sequence[NDArray[np.floating]],
    *,
    seed: int = 0,
    renders: int = RENDERS,
    threads: int = 1,
) -> Looked:
    """Render and compare so many candidates.

    Parameters
    ----------
    probabilities : for each parameter of the synth those of its levels, shape (levels,)
    seed : of the draws; the same seed gives the same answer on any number of threads
    renders : about how many; the estimator's own answer is always among them
    """
    told = [np.asarray(part, np.float64) for part in probabilities]
    with trials(heard, threads) as tried:
        best = tried_draws(tried, told, np.random.default_rng(seed), round(renders * DRAWN))
        begun = tried.renders
        met = by_waveform(tried, best, lambda: True, rounds=1, thorough=False)
        renders += tried.renders - begun
        left = np.inf if met is None else met.left
        if met is not None and tried.quick(np.stack([met.levels, best])).argmin() == 0:
            best = met.levels
        evidence = [np.full(len(part), np.inf) for part in told]
        for k in sweep_order(told):
            if tried.renders >= renders:
                break
            if left < MET:
                rows = every_level(heard.synth, best, k)
                distances = tried.left(rows) * (TEMPERATURE / NOISE)
            else:
                rows, distances = sweep(tried, best, k)
            evidence[k] = distances
            best = rows[believed(told[k], distances, bool(heard.synth.parameters[k].choices))]
        return answer(tried, told, evidence, best)


def tried_draws(
    tried: Trials, told: Sequence[NDArray[np.float64]], generator: np.random.Generator, count: int
) -> Levels:
    """The nearest of the leading levels and others drawn, shape (parameters,)."""
    leading = np.array([part.argmax() for part in told])
    draws = [generator.choice(len(part), max(1, count - 1), p=part / part.sum()) for part in told]
    rows = np.concatenate([leading[None], np.stack(draws, axis=1)])
    return np.asarray(rows[int(tried.quick(rows).argmin())], np.int64)


def sweep(tried: Trials, levels: Levels, k: int) -> tuple[Levels, Distances]:
    """Every level of parameter ``k``: the rows, shape (levels, parameters), and their quick distances."""
    rows = every_level(tried.heard.synth, levels, k)
    return rows, tried.quick(rows)


def every_level(synth: MatchedSynth, levels: Levels, k: int) -> Levels:
    """A row for each level of parameter ``k``, shape (levels, parameters)."""
    rows = np.repeat(levels[None], synth.levels[k], axis=0)
    rows[:, k] = np.arange(len(rows))
    return rows


def believed(told: NDArray[np.float64], distances: Distances, is_switch: bool) -> int:
    """The level to take: of those that sound nearest the likeliest position, or the middle of a knob's."""
    alike = np.where(distances <= distances.min() + UNHEARD, told + 1e-9, 0.0)
    if is_switch:
        return int(alike.argmax())
    shares = alike.cumsum() / alike.sum()
    middle = int(np.searchsorted(shares, 0.5))
    places = np.flatnonzero(alike)
    return int(places[np.abs(places - middle).argmin()])


def sweep_order(told: Sequence[NDArray[np.float64]]) -> list[int]:
    """Parameters from the surest to the least sure."""
    entropies = [float(-(p * np.log(np.maximum(p, 1e-12))).sum() / np.log(len(p))) for p in told]
    return [int(k) for k in np.argsort(entropies, kind="stable")]


def answer(
    tried: Trials,
    told: Sequence[NDArray[np.float64]],
    evidence: Sequence[Distances],
    best: Levels,
) -> Looked:
    leading = np.array([part.argmax() for part in told])
    rows = np.unique(np.concatenate([tried.nearest(COMPARED), best[None], leading[None]]), axis=0)
    distances = tried.full(rows)
    is_first = (rows == best).all(axis=1) & (distances <= distances.min() + UNHEARD)
    order = np.lexsort((distances, ~is_first))[:KEPT]
    values = tried.heard.synth.values(rows[order])
    candidates = [Candidate(v, float(d)) for v, d in zip(values, distances[order], strict=True)]
    return Looked(rows[order[0]], candidates, updated(told, evidence))


def updated(told: Sequence[NDArray[np.float64]], evidence: Sequence[Distances]) -> list[NDArray[np.float64]]:
    """The estimator's probabilities times ``exp(-(distance - smallest) / TEMPERATURE)``; inf: not tried."""
    found = []
    for part, distances in zip(told, evidence, strict=True):
        if np.isfinite(distances).all():
            part = (part + 1e-4) * np.exp(-(distances - distances.min()) / TEMPERATURE)
        found.append(part / part.sum())
    return found
