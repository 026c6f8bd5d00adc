"""What every synthesizer of ours is: voices of notes, in memory."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import CONTEXT, State
from ..parameters import Parameter
from ..processors.smoothing import GRID, fields
from . import wavetables
from .layout import (
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
    QUIET_S,
    VOICE,
    VOICES,
)
from .played import Played


def instrument_state(parameters: tuple[Parameter, ...]) -> np.dtype[Any]:
    """The dtype of an instrument's record."""
    return np.dtype([*fields(parameters), *INSTRUMENT, ("context", CONTEXT)], align=True)


class Synth(Played):
    """A synthesizer of ours."""

    estimated: ClassVar[tuple[Parameter, ...]] = ()
    """The parameters that estimators tell, in their order."""
    record: ClassVar[np.dtype[Any]]
    """Of sixteen voices side by side."""

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        self.outputs = 2
        self._prepare_effects(rate, max_block)
        self.latency = 0
        stride = -(-max_block // 16) * 16
        played = self._arrays(max_block)
        state = State(
            instrument_state(self.parameters),
            # What a synth inherits stands together, from channels to active, see `instrument_code`.
            channels=played.pop("channels"),
            voice_records=(VOICE, VOICES),
            keys=(np.int64, (CHANNELS, KEYS)),
            lanes=(self.record, GROUPS),
            active=(np.int64, GROUPS),
            sums=(np.float32, (2, GRID, LANES)),
            **played,
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
        self._fill_played(state)
        record["rate"], record["quiet"] = rate, 2**40
        record["table"] = wavetables.tables().ctypes.data
        record["context"]["rate"], record["context"]["stride"] = rate, stride
        record["patience"] = round(QUIET_S * rate) * sum(len(effect.states()) for effect in self.effects)

    def inherit(self, other: Synth) -> None:
        """Go on with another one's notes, controllers and programs when first played.

        Not while this one plays.

        Parameters
        ----------
        other : prepared, of the same patch, its values and effects perhaps others; must live until then
        """
        self.state.record["inherits"] = other.state.address

    def states(self) -> list[State]:
        return [*super().states(), wavetables.memory()]
