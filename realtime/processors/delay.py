"""Echoes: a delay line with a low-pass in its feedback."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

PARAMETERS = (
    Parameter("time_ms", 1.0, 2000.0, 400.0, "ms", "logarithmic", description="time to the first echo"),
    Parameter("feedback", 0.0, 95.0, 35.0, "%", description="level of an echo against the one before"),
    Parameter("mix", 0.0, 100.0, 30.0, "%", description="share of the echoes in the sound"),
    Parameter(
        "tone_hz", 200.0, 20000.0, 5000.0, "Hz", "logarithmic", description="each echo is duller above this"
    ),
)

STATE = np.dtype(
    [
        *fields(PARAMETERS),
        ("delay", "f8"),  # samples, on its way to time_ms
        ("speed", "f8"),  # samples a sample
        ("place", "i8"),  # samples written
        ("mask", "i8"),  # length of a ring - 1
        ("low", "f4", (2,)),  # memory of the low-pass
        ("rings", "i8"),  # float32, shape (channels, mask + 1)
        ("running", "i8"),
    ],
    align=True,
)


class Delay(Processor):
    """Echoes of an echo: H(z) = dry + wet z^-N / (1 - feedback L(z) z^-N), dry = 1 - wet.

    N is ``time_ms`` in whole samples and L(z) = a / (1 - (1 - a) z^-1) a low-pass of first order with
    a = 1 - exp(-2 pi tone_hz / rate). A new time is reached like on tape: what is in the line bends in
    pitch until the line has its new length.
    """

    name = "delay"
    description = "echoes"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        longest = PARAMETERS[0].maximum / 1000.0 * rate + 4.0
        length = 1 << math.ceil(math.log2(longest))
        state = State(STATE, rings=(np.float32, (channels, length)))
        state.record["mask"] = length - 1
        return state


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import float32_at
    from ..kernels.delay_line_code import glide, quiet, read
    from .smoothing_code import advance, compiled, goals, ramp, step_over

    one, hundredth = np.float32(1.0), np.float32(0.01)
    feedback, mix, tone = 1, 2, 3

    @compiled
    def stretch(state: Any, x: Any, y: Any, c: Any, goal: Any, rate: Any, start: Any, count: Any) -> Any:
        """Part of a channel within one stretch of the grid; returns delay and speed at its end."""
        ring = float32_at(state.rings + 4 * (state.mask + 1) * c)
        low, delay, speed = state.low[c], state.delay, state.speed
        a = np.float32(1.0 - np.exp(-2.0 * np.pi * np.float64(state.now[tone]) / rate))
        for t in range(count):
            place = state.place + t
            delay, speed = glide(delay, speed, goal, rate)
            echo = read(ring, state.mask, place, delay)
            low = quiet(low + a * (echo - low))
            dry = x[start + t]
            back = hundredth * ramp(state, feedback, state.phase + t)
            ring[place & state.mask] = dry + quiet(back * low)
            wet = hundredth * ramp(state, mix, state.phase + t)
            y[start + t] = (one - wet) * dry + wet * echo
        state.low[c] = low
        return delay, speed

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        goal = np.float64(np.int64(np.float64(state.time_ms) * 0.001 * context.rate + 0.5))
        if state.running == 0:
            state.running = 1
            state.delay = goal
        start = 0
        while start < frames:
            if state.phase == 0:
                advance(state, goals(state, 4), 4, context.rate)
            count = min(GRID - state.phase, frames - start)
            delay, speed = state.delay, state.speed
            for c in range(context.channels):
                x = channel(source, context.stride, c, frames)
                y = channel(target, context.stride, c, frames)
                delay, speed = stretch(state, x, y, c, goal, context.rate, start, count)
            state.delay, state.speed = delay, speed
            state.place += count
            step_over(state, count)
            start += count

    return {"process": process}
