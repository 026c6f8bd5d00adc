"""Stereo to mono: the sum of both sides, or one of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

PARAMETERS = (
    Parameter.switch(
        "side", "left", "sum", "right", default="sum", description="what is heard; the sum takes half of each"
    ),
)

STATE = np.dtype(fields(PARAMETERS), align=True)


class Mono(Processor):
    """One channel from two, each at -6 dB in the sum. A mono signal passes as it is."""

    name = "mono"
    description = "stereo to mono"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        self.outputs = 1
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import copy_bytes
    from .smoothing_code import advance, goals, ramp, step_over

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        if context.channels == 1:
            copy_bytes(target, source, 4 * frames)
            return
        left = channel(source, context.stride, 0, frames)
        right = channel(source, context.stride, 1, frames)
        y = channel(target, context.stride, 0, frames)
        start = 0
        while start < frames:
            if state.phase == 0:
                advance(state, goals(state, 1), 1, context.rate)
            count = min(GRID - state.phase, frames - start)
            for t in range(count):
                share = np.float32(0.5) * ramp(state, 0, state.phase + t)
                y[start + t] = (np.float32(1.0) - share) * left[start + t] + share * right[start + t]
            step_over(state, count)
            start += count

    return {"process": process}
