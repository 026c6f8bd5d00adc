"""What notes play: a processor that adds its own sound, through effects of its own, to what comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ..compiler.layout import ROW, State
from ..compiler.unit import Unit
from ..processors.processor import Processor
from .layout import CHANNEL, CHANNELS, PROGRAM_RANGE

PLAYED = [
    ("channels", "i8"),  # addresses
    ("programs", "i8"),
    ("program_count", "i8"),
    ("owner", "i8"),  # this patch's place in the band
    ("buffers", "i8"),  # float32, two of (2, stride)
    ("rows", "i8"),
    ("row_count", "i8"),
    ("muted", "i8"),
]
"""Fields of the record of whatever notes play."""


class Played(Processor):
    """An instrument of a chain; it puts out two channels.

    Parameters
    ----------
    values : parameter values by name
    effects : processors that only its own sound goes through

    Attributes
    ----------
    channels : MIDI channels, from 1 on, that play it at first; all of them unless `play_on` says otherwise
    patch : of the file of the patch that it plays, without suffix; or else the patch's name
    """

    chains: ClassVar[tuple[str, ...]] = ("effects",)

    def __init__(
        self, values: Mapping[str, object] | None = None, *, effects: Sequence[Processor] = ()
    ) -> None:
        super().__init__(values)
        self.effects, self.patch = list(effects), ""
        self.play_on(range(1, CHANNELS + 1))

    def play_on(
        self,
        channels: Sequence[int],
        *,
        follow: Sequence[int] = (),
        programs: Sequence[tuple[int, int, int]] = (),
        owner: int = 0,
    ) -> None:
        """Say which MIDI channels play it; takes effect when it is prepared.

        Parameters
        ----------
        channels : that play it at first, from 1 to 16
        follow : channels that program changes move from patch to patch
        programs : first and last program (bank * 128 + number, from 0) that call a patch, and its owner
        owner : its own number among the patches
        """
        self.channels, self._follow = tuple(channels), tuple(follow)
        self._programs, self._owner = list(programs), owner

    def units(self) -> tuple[Unit, ...]:
        return (*super().units(), *(unit for processor in self.effects for unit in processor.units()))

    def _prepare_effects(self, rate: float, max_block: int) -> None:
        for processor in self.effects:
            processor.prepare(rate, max_block, 2)
            if processor.outputs != 2:
                raise ValueError(f"{self.name}: its effect {processor.name} does not put out two channels")

    def _arrays(self, max_block: int) -> dict[str, tuple[DTypeLike, int | tuple[int, ...]]]:
        """The arrays of its state that `_fill_played` fills."""
        stride = -(-max_block // 16) * 16
        return {
            "channels": (CHANNEL, CHANNELS),
            "programs": (PROGRAM_RANGE, max(1, len(self._programs))),
            "buffers": (np.float32, (2, 2, stride)),
            "rows": (ROW, max(1, len(self.effects))),
        }

    def _fill_played(self, state: State) -> None:
        """Write who plays it, and its effects."""
        record, each = state.record, state.arrays["channels"]
        for channel in self.channels:
            each["listening"][channel - 1] = 1
        for channel in self._follow:
            each["follows"][channel - 1] = 1
        for entry, called in zip(state.arrays["programs"], self._programs, strict=False):
            entry["first"], entry["last"], entry["owner"] = called
        record["program_count"], record["owner"] = len(self._programs), self._owner
        record["row_count"] = len(self.effects)
        for row, processor in zip(state.arrays["rows"], self.effects, strict=False):
            row["process"], row["state"] = processor.code, processor.state.address
            row["inputs"] = row["outputs"] = 2

    def muted(self) -> list[tuple[str, int]]:
        """The effects that were silenced because they put out a NaN or Inf."""
        return [("effects", int(k)) for k in np.flatnonzero(self.state.arrays["rows"]["muted"])]

    def states(self) -> list[State]:
        return [self.state, *(state for processor in self.effects for state in processor.states())]

    def reset(self) -> None:
        for processor in self.effects:
            processor.reset()
        super().reset()
