"""Gain, smoothed so that a turned knob makes no steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor

STATE = np.dtype([("gain_db", "f4"), ("now", "f4"), ("started", "i8")], align=True)
SMOOTHING_S = 0.01


class Gain(Processor):
    """Louder or softer, the same on all channels."""

    name = "gain"
    description = "louder or softer"
    parameters = (Parameter("gain_db", -60.0, 40.0, 0.0, "dB", description="level change"),)

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> Any:
        goal = np.float32(10.0 ** (state.gain_db / 20.0))
        if state.started == 0:
            state.started = 1
            state.now = goal
        step = np.float32(1.0 - np.exp(-1.0 / (SMOOTHING_S * context.rate)))
        now = state.now
        for c in range(context.channels):
            x = channel(source, context.stride, c, frames)
            y = channel(target, context.stride, c, frames)
            now = state.now
            for t in range(frames):
                now += step * (goal - now)
                y[t] = x[t] * now
        state.now = now

    return {"process": process}
