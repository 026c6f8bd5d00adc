"""Candidates rendered and compared, each only once, on as many cores as are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .distance import Heard

AT_ONCE = 64
"""Candidates that one thread renders and compares before it takes others."""

Levels = NDArray[np.int64]
Distances = NDArray[np.float64]


class Trials:
    """What was tried on the grid of levels, with `Heard.quick` distances.

    Attributes
    ----------
    heard : what candidates are compared with
    renders : how many sounds were rendered so far
    """

    def __init__(self, heard: Heard, pool: ThreadPoolExecutor | None = None) -> None:
        self.heard, self.renders = heard, 0
        self._pool = pool
        self._grids = [parameter.grid() for parameter in heard.synth.parameters]
        self._quick: dict[bytes, float] = {}
        self._full: dict[bytes, float] = {}

    def values(self, levels: ArrayLike) -> NDArray[np.float64]:
        """As `MatchedSynth.values`."""
        columns = zip(self._grids, np.asarray(levels).T, strict=True)
        return np.stack([grid[column] for grid, column in columns], axis=1)

    def quick(self, levels: ArrayLike) -> Distances:
        """`Heard.quick` of each row of levels, shape (sounds, parameters)."""
        return self._known(np.asarray(levels, np.uint8), self._quick, self.heard.quick)

    def full(self, levels: ArrayLike) -> Distances:
        """`Heard.distances` of each row of levels, shape (sounds, parameters)."""
        return self._known(np.asarray(levels, np.uint8), self._full, self.heard.distances)

    def of_values(self, values: NDArray[np.float64], quick: bool = False) -> Distances:
        """Distances of each row of values, on the grid or off it; not remembered."""
        measure = self.heard.quick if quick else self.heard.distances
        self.renders += len(values)
        synth, semitones = self.heard.synth, self.heard.semitones

        def some(first: int) -> Distances:
            return measure(synth.render(values[first : first + AT_ONCE], semitones=semitones, threads=1))

        starts = range(0, len(values), AT_ONCE)
        parts = map(some, starts) if self._pool is None else self._pool.map(some, starts)
        return np.concatenate([np.empty(0), *parts])

    def left(self, levels: ArrayLike) -> Distances:
        """Energy of each row's difference from the heard sound, over that of the heard sound."""
        away = self.sounds(self.values(levels)) - self.heard.sound
        energy = max(float(np.dot(self.heard.sound, self.heard.sound)), 1e-12)
        return np.einsum("ij,ij->i", away, away).astype(np.float64) / energy

    def sounds(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """The sounds themselves, shape (sounds, frames)."""
        self.renders += len(values)
        synth, semitones = self.heard.synth, self.heard.semitones
        found = np.empty((len(values), synth.frames), np.float32)

        def some(first: int) -> None:
            rows = slice(first, first + AT_ONCE)
            found[rows] = synth.render(values[rows], semitones=semitones, threads=1)

        starts = range(0, len(values), AT_ONCE)
        list(map(some, starts) if self._pool is None else self._pool.map(some, starts))
        return found

    def nearest(self, count: int) -> Levels:
        """Those of the smallest quick distances so far, best first, shape (up to ``count``, parameters)."""
        order = sorted(self._quick, key=lambda key: (self._quick[key], key))[:count]
        return np.array([np.frombuffer(key, np.uint8) for key in order]).astype(np.int64)

    def _known(
        self,
        levels: NDArray[np.uint8],
        known: dict[bytes, float],
        measure: Callable[[NDArray[np.float32]], Distances],
    ) -> Distances:
        keys = [row.tobytes() for row in levels]
        new = {key: k for k, key in enumerate(keys) if key not in known}
        if new:
            rows = levels[list(new.values())].astype(np.int64)
            found = self.of_values(self.values(rows), measure == self.heard.quick)
            known.update(zip(new, map(float, found), strict=True))
        return np.array([known[key] for key in keys])


@contextmanager
def trials(heard: Heard, threads: int = 1) -> Iterator[Trials]:
    """Trials on so many threads: rendering and transforms hold no lock of Python's."""
    if threads == 1:
        yield Trials(heard)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield Trials(heard, pool)
