"""A VST3 instrument as what a patch plays: ``synth = "instrument"``, and ``plugin = "…"`` says which one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import CONTEXT, State
from ..compiler.unit import Unit
from ..parameters import Parameter
from ..synths.layout import DRUM_BANK, DRUM_CHANNEL
from ..synths.played import PLAYED, Played
from .errors import SILENT
from .hosted import Hosted

RECORD = np.dtype([*PLAYED, ("context", CONTEXT)], align=True)
"""Who plays a hosted instrument, and its effects."""


class HostedInstrument(Hosted, Played):
    """An instrument in a worker process.

    Its sound comes a device's period after ours live, and without delay offline; what comes in passes
    through at once.
    """

    instrument: ClassVar[bool] = True
    without: ClassVar[str] = SILENT
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    chains: ClassVar[tuple[str, ...]] = Played.chains

    def units(self) -> tuple[Unit, ...]:
        return (Unit.of("plugins.instrument"), *(unit for effect in self.effects for unit in effect.units()))

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        self._prepare_effects(rate, max_block)
        self.outputs = 2
        self.played = State(RECORD, **self._arrays(max_block))
        self._fill_played(self.played)
        context = self.played.record["context"]
        context["rate"], context["stride"] = rate, self.played.arrays["buffers"].shape[-1]
        self.played.arrays["channels"]["bank_high"][DRUM_CHANNEL - 1] = DRUM_BANK // 128
        self.played.seal()
        state = Hosted.make_state(self, rate, max_block, channels)
        state.record["exchange"]["played"] = self.played.address
        return state

    def muted(self) -> list[tuple[str, int]]:
        return [("effects", int(k)) for k in np.flatnonzero(self.played.arrays["rows"]["muted"])]

    def reset(self) -> None:
        for effect in self.effects:
            effect.reset()
        self.played.reset()
        Hosted.reset(self)

    def states(self) -> list[State]:
        return [*Played.states(self), self.played]


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from .instrument_code import process

    return {"process": process()}
