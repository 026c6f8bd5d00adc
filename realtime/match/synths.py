"""The synthesizers that sounds are matched with, as their estimators know them.

Each has a grid of levels for its parameters, and renders one note for any point on or off the grid. Sounds
for learning are drawn from the grid by numbers: sound ``i`` of a seed is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..parameters import Parameter
from ..synths import dataset, dataset_two
from ..synths.four import ESTIMATED as FOUR_ESTIMATED
from ..synths.two import ESTIMATED as TWO_ESTIMATED

Part: TypeAlias = Literal["train", "validation", "test"]
PARTS: dict[Part, tuple[int, ...]] = {"test": (0,), "validation": (1,), "train": tuple(range(2, 16))}
"""Which of sixteen classes of settings a part of the data has: by their levels, so that none is in two."""

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = 2**64 - 1


class UnknownSynthError(ValueError):
    """A synthesizer that sounds cannot be matched with."""


@dataclass(frozen=True)
class MatchedSynth:
    """A synthesizer as estimators know it: one note of given length on a given key.

    Attributes
    ----------
    name : as patches name it
    parameters : what is estimated, in order; each has ``levels``
    rate : of its rendered sounds, in Hz
    frames : of each sound
    key : MIDI key that is pressed
    key_up_s : when it is let go, in seconds
    window : of the spectrogram that its estimator hears, in frames; its hop is `spectrogram.HOP`
    fixed : values of parameters that are not estimated, where they are not the defaults; a patch of these and
        the estimated ones has the level of the rendered sound at full velocity on a channel at full volume
    """

    name: str
    parameters: tuple[Parameter, ...]
    rate: float
    frames: int
    key: int
    key_up_s: float
    window: int
    fixed: Mapping[str, float]
    _render: Callable[..., NDArray[np.float32]]

    @property
    def levels(self) -> tuple[int, ...]:
        """How many levels each parameter has."""
        return tuple(parameter.levels for parameter in self.parameters)

    def values(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Levels of the grid as values in the parameters' units, shape (sounds, parameters) both."""
        chosen = np.asarray(levels)
        return np.stack([p.decode(chosen[:, k]) for k, p in enumerate(self.parameters)], axis=1)

    def turns(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values as turns from 0 to 1, shape (sounds, parameters) both."""
        table = np.asarray(values, np.float64)
        columns = [[p.to_turn(value) for value in table[:, k]] for k, p in enumerate(self.parameters)]
        return np.array(columns).T.reshape(table.shape)

    def from_turns(self, turns: ArrayLike) -> NDArray[np.float64]:
        """Turns (clipped to 0 … 1) as values, shape (sounds, parameters) both; switches take a position."""
        table = np.asarray(turns, np.float64)
        columns = [[p.from_turn(turn) for turn in table[:, k]] for k, p in enumerate(self.parameters)]
        return np.array(columns).T.reshape(table.shape)

    def render(
        self, values: ArrayLike, *, semitones: float = 0.0, threads: int | None = None
    ) -> NDArray[np.float32]:
        """One note for each row of values, its key so many semitones above `key`.

        Returns
        -------
        ndarray, shape (sounds, frames)
        """
        return self._render(values, semitones=semitones, threads=threads)

    def drawn(self, seed: int, part: Part, first: int, count: int) -> NDArray[np.int64]:
        """Levels of sounds ``first`` … ``first + count - 1`` of a part, evenly drawn.

        Returns
        -------
        ndarray, shape (count, parameters)
        """
        number = np.arange(first, first + count, dtype=np.uint64)
        chosen = np.zeros((count, len(self.parameters)), np.int64)
        missing = np.arange(count)
        attempt = 0
        while len(missing):
            drawn = self._attempt(seed, part, number[missing], attempt)
            fits = np.isin(_content(drawn), PARTS[part])
            chosen[missing[fits]] = drawn[fits]
            missing = missing[~fits]
            attempt += 1
        return chosen

    def _attempt(self, seed: int, part: Part, number: NDArray[np.uint64], attempt: int) -> NDArray[np.int64]:
        start = _mixed(np.array([(seed * 64 + list(PARTS).index(part)) & _WORD], np.uint64))
        start = _mixed(_mixed(start + number) + np.uint64(attempt))
        with np.errstate(over="ignore"):
            steps = np.uint64(_GOLDEN) * np.arange(1, len(self.parameters) + 1, dtype=np.uint64)
            words = _mixed(start[:, None] + steps) >> np.uint64(32)
        scaled = (words * np.array(self.levels, np.uint64)) >> np.uint64(32)
        return scaled.astype(np.int64)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finalizer (G. L. Steele and others, *Fast splittable pseudorandom number generators*)."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(_GOLDEN)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _content(levels: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A class from 0 to 15 that depends on nothing but the levels, shape (sounds,)."""
    found = np.zeros(len(levels), np.uint64)
    for column in levels.T:
        found = _mixed(found ^ column.astype(np.uint64))
    return found >> np.uint64(60)


def _render_four(
    values: ArrayLike, *, semitones: float = 0.0, threads: int | None = None
) -> NDArray[np.float32]:
    table = np.array(values, np.float64)
    pitched = [k for k, p in enumerate(FOUR_ESTIMATED) if p.name.endswith(("_frequency_hz", "_depth_hz"))]
    table[:, pitched] *= 2.0 ** (semitones / 12)
    return dataset.render_values(table, threads=threads)


FOUR = MatchedSynth(
    "four",
    FOUR_ESTIMATED,
    dataset.RATE,
    dataset.FRAMES,
    69,
    dataset.KEY_UP_S,
    512,
    {"gater": 1.0, "volume_db": 0.0},
    _render_four,
)

TWO_RATE, TWO_FRAMES, TWO_KEY_UP_S = 22050.0, 22050, 1.0
TWO_KEY = 57
TWO_FIXED = {
    "osc_2_semitones": 7.0,  # a fifth: which of the two oscillators has which wave and volume can be heard
    "osc_2_cents": 0.0,
    "lfo_2_cents": 30.0,  # enough vibrato that LFO 1 can be heard to move its rate
    "volume_db": 0.0,
}
"""The other values stay at their defaults: the filter's envelope moves the cutoff by three octaves, frequency
modulation is none but what LFO 1 makes, nothing is driven."""


def _render_two(
    values: ArrayLike, *, semitones: float = 0.0, threads: int | None = None
) -> NDArray[np.float32]:
    return dataset_two.render_values(
        values,
        fixed=TWO_FIXED,
        key=TWO_KEY + semitones,
        rate=TWO_RATE,
        frames=TWO_FRAMES,
        key_up_s=TWO_KEY_UP_S,
        threads=threads,
    )


TWO = MatchedSynth(
    "two",
    TWO_ESTIMATED,
    TWO_RATE,
    TWO_FRAMES,
    TWO_KEY,
    TWO_KEY_UP_S,
    512,
    TWO_FIXED,
    _render_two,
)
SYNTHS = {synth.name: synth for synth in (FOUR, TWO)}
"""Those that can be matched, by name."""


def matched_synth(name: str) -> MatchedSynth:
    """One of them by name.

    Raises
    ------
    UnknownSynthError
    """
    if name not in SYNTHS:
        raise UnknownSynthError(f"there is no estimator for a synth {name!r}, only for {', '.join(SYNTHS)}")
    return SYNTHS[name]
