"""The stand that checks of a plugin are made on: plays it as a worker would, and takes down what is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .slot import Slot

Sound: TypeAlias = NDArray[np.float32]

RATE = 48_000
BLOCK = 512
SECONDS = 0.25
LEVEL = 0.25
"""Peak of the noise that goes in: -12 dBFS."""
QUIET = 1e-5
"""-100 dBFS."""
NAMED = 5
"""Most stages that a sentence names."""
NOTE_ON, NOTE_OFF, KEY = 0x90, 0x80, 60


class Report:
    """What a check found.

    Attributes
    ----------
    rows : verdict and sentence, for JSON
    speeds : times real time, by frames of a block
    carried : what the second half of the check, in another process, is to know
    """

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.speeds: dict[str, float] = {}
        self.carried: dict[str, Any] = {}
        self._where: dict[tuple[str, str], list[str]] = {}

    def good(self, sentence: str) -> Report:
        self.rows.append(["good", sentence])
        return self

    def remark(self, sentence: str) -> Report:
        self.rows.append(["remark", sentence])
        return self

    def fault(self, sentence: str) -> Report:
        self.rows.append(["fault", sentence])
        return self

    def collect(self, verdict: str, what: str, where: str) -> None:
        """Note something that may be found at many stages and is to be one sentence."""
        places = self._where.setdefault((verdict, what), [])
        if where not in places:
            places.append(where)

    def close(self, otherwise: str) -> Report:
        """Make sentences of what was collected; where nothing was found at all, that it is good."""
        for (verdict, what), places in self._where.items():
            more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
            named = ", ".join(places[:NAMED]) + more
            self.rows.append([verdict, f"{what} {named}"])
        return self if self.rows else self.good(otherwise)


class Stand:
    """A plugin under test, and how it is played.

    Parameters
    ----------
    order : see `slot.Slot`; under ``scales`` for each parameter its name, minimum, maximum, default and
        whether it is a choice, and under ``channels`` and ``category`` what the description says
    say : is told what is done next, and whether that is loading
    alive : is called with each block
    """

    def __init__(
        self, order: Mapping[str, Any], say: Callable[[str, bool], None], alive: Callable[[], None]
    ) -> None:
        self.order, self._say, self._alive = order, say, alive
        self.instrument = bool(order["instrument"])
        self.scales: list[Mapping[str, Any]] = order["scales"]
        self.stage = ""

    def load(self, **changes: Any) -> Slot:
        """The plugin, afresh."""
        self._say("while it was loaded", True)
        return Slot({**self.order, **changes})

    def prepare(
        self, slot: Slot, stage: str, rate: float = RATE, block: int = BLOCK, channels: int = 2
    ) -> None:
        """Make it ready; ``stage`` ends sentences on what is done with it from now on."""
        self.stage = stage
        self._say(stage, True)
        slot.prepare(rate, block, channels)
        self._say(stage, False)

    def at(self, stage: str) -> None:
        """From now on something else is done with it."""
        self.stage = stage
        self._say(stage, False)

    def play(self, slot: Slot, sound: Sound, lengths: Sequence[int] = (BLOCK,)) -> Sound:
        """A sound's way through it, in blocks of those lengths over and over; an instrument plays a note.

        Returns
        -------
        ndarray, shape (outputs, frames)
        """
        parts, start, turn, frames = [], 0, 0, sound.shape[1]
        notes = [(0, bytes((NOTE_ON, KEY, 100))), (frames // 2, bytes((NOTE_OFF, KEY, 64)))]
        while start < frames:
            end = min(frames, start + lengths[turn % len(lengths)])
            events = [(at - start, note) for at, note in notes if start <= at < end and sound[:, 0].any()]
            block = np.ascontiguousarray(sound[:, start:end])
            parts.append(slot.process(block, events if self.instrument else ()))
            self._alive()
            start, turn = end, turn + 1
        return np.concatenate(parts, axis=1)


def noise(seconds: float = SECONDS, rate: float = RATE, channels: int = 2) -> Sound:
    """The same noise each time, in each channel another."""
    shape = (2, round(seconds * rate))
    return np.random.default_rng(0).uniform(-LEVEL, LEVEL, shape).astype(np.float32)[:channels]


def peak(sound: Sound) -> float:
    """Of all channels; NaN where one is in it."""
    return float(np.abs(sound).max(initial=0.0))


def db(ratio: float) -> float:
    return 20 * math.log10(max(ratio, 1e-15))


def is_sound(sound: Sound) -> bool:
    return bool(np.isfinite(sound).all())


def difference(first: Sound, second: Sound) -> float:
    """Peak of the difference in dB, against the first one's peak."""
    if not (is_sound(first) and is_sound(second)):
        return math.inf
    return db(peak(first - second) / max(peak(first), QUIET))
