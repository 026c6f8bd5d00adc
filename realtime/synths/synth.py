"""What every synthesizer is: a processor that adds its own sound, played from MIDI, to what comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import CONTEXT, ROW, State
from ..compiler.unit import Unit
from ..parameters import Parameter
from ..processors.processor import Processor
from ..processors.smoothing import GRID, fields
from . import wavetables
from .layout import (
    CHANNEL,
    CHANNELS,
    DEFAULT_VOLUME,
    DRUM_BANK,
    DRUM_CHANNEL,
    GROUPS,
    INSTRUMENT,
    KEYS,
    LANES,
    LEVEL,
    NO_PARAMETER,
    PROGRAM_RANGE,
    QUIET_S,
    VOICE,
    VOICES,
)


def instrument_state(parameters: tuple[Parameter, ...]) -> np.dtype[Any]:
    """The dtype of an instrument's record."""
    return np.dtype([*fields(parameters), *INSTRUMENT, ("context", CONTEXT)], align=True)


class Synth(Processor):
    """A synthesizer of a chain.

    It puts out two channels: its own sound, through its effects, added to what comes in.

    Parameters
    ----------
    values : parameter values by name
    effects : processors that only its own sound goes through

    Attributes
    ----------
    channels : MIDI channels, from 1 on, that play it at first; all of them unless `play_on` says otherwise
    patch : of the file of the patch that it plays, without suffix; or else the patch's name
    """

    estimated: ClassVar[tuple[Parameter, ...]] = ()
    """The parameters that estimators tell, in their order."""
    chains: ClassVar[tuple[str, ...]] = ("effects",)
    record: ClassVar[np.dtype[Any]]
    """Of sixteen voices side by side."""

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

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        self.outputs = 2
        for processor in self.effects:
            processor.prepare(rate, max_block, 2)
            if processor.outputs != 2:
                raise ValueError(f"{self.name}: its effect {processor.name} does not put out two channels")
        self.latency = 0
        stride = -(-max_block // 16) * 16
        state = State(
            instrument_state(self.parameters),
            channels=(CHANNEL, CHANNELS),
            voice_records=(VOICE, VOICES),
            keys=(np.int64, (CHANNELS, KEYS)),
            lanes=(self.record, GROUPS),
            active=(np.int64, GROUPS),
            sums=(np.float32, (2, GRID, LANES)),
            programs=(PROGRAM_RANGE, max(1, len(self._programs))),
            buffers=(np.float32, (2, 2, stride)),
            rows=(ROW, max(1, len(self.effects))),
        )
        self._fill(state, rate, stride)
        return state

    def _fill(self, state: State, rate: float, stride: int) -> None:
        record, each = state.record, state.arrays["channels"]
        each["bend_range"], each["mono_voice"], each["data"] = -1.0, -1, -1
        each["parameter"] = NO_PARAMETER
        each["volume"], each["expression"] = DEFAULT_VOLUME, 1.0
        each["goals"][:, LEVEL] = DEFAULT_VOLUME**2
        each["bank_high"][DRUM_CHANNEL - 1] = DRUM_BANK // 128
        for channel in self.channels:
            each["listening"][channel - 1] = 1
        for channel in self._follow:
            each["follows"][channel - 1] = 1
        for entry, called in zip(state.arrays["programs"], self._programs, strict=False):
            entry["first"], entry["last"], entry["owner"] = called
        record["program_count"], record["owner"] = len(self._programs), self._owner
        record["rate"], record["quiet"] = rate, 2**40
        record["table"] = wavetables.tables().ctypes.data
        record["context"]["rate"], record["context"]["stride"] = rate, stride
        record["row_count"] = len(self.effects)
        record["patience"] = round(QUIET_S * rate) * sum(len(effect.states()) for effect in self.effects)
        for row, processor in zip(state.arrays["rows"], self.effects, strict=False):
            row["process"], row["state"] = processor.code, processor.state.address
            row["inputs"] = row["outputs"] = 2

    def inherit(self, other: Synth) -> None:
        """Go on with another one's notes, controllers and programs when first played.

        Not while this one plays.

        Parameters
        ----------
        other : prepared, of the same patch, its values and effects perhaps others; must live until then
        """
        self.state.record["inherits"] = other.state.address

    def muted(self) -> list[tuple[str, int]]:
        """The effects that were silenced because they put out a NaN or Inf."""
        return [("effects", int(k)) for k in np.flatnonzero(self.state.arrays["rows"]["muted"])]

    def states(self) -> list[State]:
        inner = [state for processor in self.effects for state in processor.states()]
        return [self.state, wavetables.memory(), *inner]

    def reset(self) -> None:
        for processor in self.effects:
            processor.reset()
        super().reset()
