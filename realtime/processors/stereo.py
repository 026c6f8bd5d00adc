"""Mono or stereo to two channels, with a place between left and right."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

PARAMETERS = (Parameter("pan", -100.0, 100.0, 0.0, "%", description="-100 is left, 0 the middle, 100 right"),)

STATE = np.dtype(fields(PARAMETERS), align=True)


class Stereo(Processor):
    """Two channels from one or two.

    In the middle both sides keep their level, so that putting it into a chain changes nothing; away
    from there the far side falls on a straight line to silence and the near side stays.
    """

    name = "stereo"
    description = "mono to stereo, and panning"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        self.outputs = 2
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from .smoothing_code import advance, goals, ramp, step_over

    one = np.float32(1.0)

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        left = channel(source, context.stride, 0, frames)
        right = channel(source, context.stride, context.channels - 1, frames)
        y_left = channel(target, context.stride, 0, frames)
        y_right = channel(target, context.stride, 1, frames)
        start = 0
        while start < frames:
            if state.phase == 0:
                advance(state, goals(state, 1), 1, context.rate)
            count = min(GRID - state.phase, frames - start)
            for t in range(count):
                pan = np.float32(0.01) * ramp(state, 0, state.phase + t)
                y_left[start + t] = left[start + t] * min(one, one - pan)
                y_right[start + t] = right[start + t] * min(one, one + pan)
            step_over(state, count)
            start += count

    return {"process": process}
