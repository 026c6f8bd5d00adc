"""Refinement: seconds of search over real renders, from what a look found.

First on the grid: the waveform where it tells anything, then a population of settings whose children inherit
whole groups of parameters (an oscillator's carrier, modulator, amplitude and depth belong together), with
sweeps over every level of each parameter of the best. Then, for sounds that lie off the grid, CMA-ES on
knobs' turns. Every candidate that is given back has been rendered and compared.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .distance import Heard
from .look import Candidate, Looked, sweep
from .trials import Levels, Trials, trials
from .waveform import PROMISING, by_waveform

ON_GRID = 0.6
"""Part of the time that is spent on the grid."""
IMPORT_S = 3.0
"""Less time than this is not enough for CMA-ES, which takes a second or two to import."""
CHILDREN = 128
PARENTS = 24
COMPARED = 24
"""Of the nearest by the quick measure, all measures compare so many."""
KEPT = 5
EQUAL = 1e-4
"""A distance at which nothing is left to improve."""
FAR = 0.05
"""In turns, root mean square: settings nearer than this are the same candidate."""


class _Clock:
    """How much of the time is gone; or of the renders, so that tests are not timed."""

    def __init__(self, tried: Trials, seconds: float, renders: int | None) -> None:
        self.tried, self.seconds, self.renders = tried, seconds, renders
        self.start = time.monotonic()

    def gone(self) -> float:
        if self.renders is not None:
            return min(1.0, self.tried.renders / max(1, self.renders))
        return min(1.0, (time.monotonic() - self.start) / self.seconds) if self.seconds > 0 else 1.0


def refine(
    heard: Heard,
    looked: Looked,
    *,
    seconds: float,
    threads: int = 1,
    seed: int = 0,
    progress: Callable[[float, float], None] = lambda gone, distance: None,
    _renders: int | None = None,
) -> list[Candidate]:
    """Improve what a look found for so many seconds.

    Parameters
    ----------
    seconds : ends sooner where the sound is met
    threads : on which candidates are rendered and compared
    progress : told what part of the time is gone, from 0 to 1, and the best distance so far

    Returns
    -------
    list of Candidate
        Best first, up to five that differ; the first is no farther than the look's best.
    """
    with trials(heard, threads) as tried:
        clock = _Clock(tried, seconds, _renders)
        search = _Search(tried, looked, clock, progress, np.random.default_rng(seed))
        search.on_grid()
        search.off_grid()
        return search.answer()


class _Search:
    def __init__(
        self,
        tried: Trials,
        looked: Looked,
        clock: _Clock,
        progress: Callable[[float, float], None],
        generator: np.random.Generator,
    ) -> None:
        self.tried, self.clock, self.generator = tried, clock, generator
        self.synth, self.told = tried.heard.synth, looked.probabilities
        self.found = list(looked.candidates)
        self.progress = progress
        enough = "cma" in sys.modules or clock.seconds * (1 - ON_GRID) > IMPORT_S
        self.until = ON_GRID if enough else 1.0
        self.groups = _groups([parameter.name for parameter in self.synth.parameters])
        self.tell()

    def tell(self) -> None:
        self.progress(self.clock.gone(), min(candidate.distance for candidate in self.found))

    def best(self) -> Candidate:
        return min(self.found, key=lambda candidate: candidate.distance)

    def going(self, until: float) -> bool:
        return self.clock.gone() < until and self.best().distance > EQUAL

    def take(self, levels: Levels) -> None:
        """Compare rows of levels by all measures, and keep them."""
        distances = self.tried.full(levels)
        values = self.tried.values(levels)
        self.found += [Candidate(v, float(d)) for v, d in zip(values, distances, strict=True)]
        self.tell()

    def on_grid(self) -> None:
        """Waveform, then sweeps and children in turn."""
        rows = np.array([self.levels_of(candidate.values) for candidate in self.found])
        self.tried.quick(rows)
        own = self.going(self.until) and self.by_waveform(rows[0])
        swept: set[bytes] = set()
        while self.going(self.until):
            if own:
                self.by_waveform(self.children()[0], rounds=3)
            for row in self.tried.nearest(PARENTS):
                if row.tobytes() not in swept:
                    swept.add(row.tobytes())
                    self.descend(row)
                    break
            for _ in range(3):
                if self.going(self.until):
                    self.tried.quick(self.children())
                    self.tell()
            self.take(self.tried.nearest(COMPARED))

    def by_waveform(self, start: Levels, rounds: int = 6) -> bool:
        """Seek the waveform from a start; whether it came near."""
        met = by_waveform(self.tried, start, lambda: self.going(self.until), rounds=rounds)
        if met is not None:
            self.tried.quick(met.levels[None])
            self.take(met.levels[None])
        return met is not None and met.left < PROMISING

    def descend(self, levels: Levels) -> None:
        """Each parameter to its best level, in chance order."""
        for k in self.generator.permutation(len(levels)):
            if not self.going(self.until):
                return
            rows, distances = sweep(self.tried, levels, int(k))
            levels = rows[int(distances.argmin())]

    def children(self) -> Levels:
        """Groups of parameters from two of the nearest, a few of them at other levels."""
        parents = self.tried.nearest(PARENTS)
        first, second = parents[self.generator.integers(0, len(parents), (2, CHILDREN))]
        inherits = self.generator.random((CHILDREN, self.groups.max() + 1))[:, self.groups] < 0.3
        rows = np.where(inherits, second, first)
        changes = self.generator.random(rows.shape) < self.generator.choice([1, 2, 4], (CHILDREN, 1)) / len(
            self.told
        )
        for k, part in enumerate(self.told):
            drawn = self.generator.choice(len(part), CHILDREN, p=0.8 * part + 0.2 / len(part))
            near = rows[:, k] + self.generator.choice([-1, 1], CHILDREN)
            anew = np.where(self.generator.random(CHILDREN) < 0.5, drawn, near)
            rows[:, k] = np.where(changes[:, k], np.clip(anew, 0, len(part) - 1), rows[:, k])
        return rows

    def off_grid(self) -> None:
        """CMA-ES on turns, from the best; then as many as possible back to the grid."""
        if not self.going(1.0):
            return
        import cma

        start = self.best()
        turns = self.synth.turns(start.values[None])[0]
        free = np.array([not parameter.choices for parameter in self.synth.parameters])
        options = cma.CMAOptions()
        options.update(
            {"bounds": [0, 1], "popsize": 32, "verbose": -9, "seed": int(self.generator.integers(1, 2**31))}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strategy = cma.CMAEvolutionStrategy(turns[free], 0.03, options)
            while self.going(0.97) and not strategy.stop():
                asked = strategy.ask()
                rows = np.repeat(turns[None], len(asked), axis=0)
                rows[:, free] = asked
                values = self.synth.from_turns(rows)
                distances = self.tried.of_values(values)
                strategy.tell(asked, list(distances))
                nearest = int(distances.argmin())
                if distances[nearest] < self.best().distance:
                    self.found.append(Candidate(values[nearest], float(distances[nearest])))
                self.tell()
        self.snap()

    def snap(self) -> None:
        """Each parameter of the best to its nearest level, where that is not worse."""
        best = self.best()
        on_grid = self.tried.values(self.levels_of(best.values)[None])[0]
        rows = np.repeat(best.values[None], len(on_grid), axis=0)
        np.fill_diagonal(rows, on_grid)
        distances = self.tried.of_values(rows)
        better = np.where(distances <= best.distance, on_grid, best.values)
        both = np.stack([better, on_grid])
        for values, distance in zip(both, self.tried.of_values(both), strict=True):
            self.found.append(Candidate(values, float(distance)))

    def levels_of(self, values: NDArray[np.float64]) -> Levels:
        columns = zip(self.synth.parameters, values, strict=True)
        return np.array([int(parameter.encode([value])[0]) for parameter, value in columns])

    def answer(self) -> list[Candidate]:
        """The best, then others that differ from all before them."""
        chosen: list[Candidate] = []
        turns: list[NDArray[np.float64]] = []
        for candidate in sorted(self.found, key=lambda candidate: candidate.distance):
            own = self.synth.turns(candidate.values[None])[0]
            if all(np.sqrt(np.mean((own - other) ** 2)) > FAR for other in turns):
                chosen.append(candidate)
                turns.append(own)
            if len(chosen) == KEPT:
                break
        self.progress(1.0, chosen[0].distance)
        return chosen


def _groups(names: Sequence[str]) -> NDArray[np.int64]:
    """A number for each parameter, the same for those whose names begin alike."""
    first = [name.split("_")[0] for name in names]
    return np.array([first.index(name) for name in first])
