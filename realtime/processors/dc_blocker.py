"""DC blocker: a high-pass of first order far below the music."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

PARAMETERS = (
    Parameter("cutoff_hz", 1.0, 100.0, 10.0, "Hz", "logarithmic", description="frequency 3 dB down"),
)
STATE = np.dtype([*fields(PARAMETERS), ("share", "f8"), ("memory", "f8", (2,))], align=True)


class DcBlocker(Processor):
    """Takes a constant offset away: 6 dB an octave, by a trapezoidal integrator."""

    name = "dc_blocker"
    description = "takes a constant offset away"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from .smoothing_code import advance, goals, quiet, step_over

    largest = np.float64(np.finfo(np.float32).max)

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        start = 0
        while start < frames:
            if state.phase == 0 and advance(state, goals(state, 1), 1, context.rate):
                g = np.tan(np.pi * np.float64(state.now[0]) / context.rate)
                state.share = g / (1.0 + g)
            count = min(GRID - state.phase, frames - start)
            for c in range(context.channels):
                x = channel(source, context.stride, c, frames)
                y = channel(target, context.stride, c, frames)
                offset = state.memory[c]
                for t in range(start, start + count):
                    value = np.float64(x[t]) - offset
                    part = state.share * value
                    offset = quiet(offset + 2.0 * part)
                    y[t] = np.float32(min(max(value - part, -largest), largest))
                state.memory[c] = offset
            step_over(state, count)
            start += count

    return {"process": process}
