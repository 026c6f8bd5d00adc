"""Kernel for a gain: one factor, which glides along a straight line when it is changed.

The record's ``goal`` is the linear gain to go to; whoever writes it is heard from the next sample on that
is a multiple of `GLIDE` samples after the state's start, and wholly `GLIDE` samples later. The first
sample has the gain that stood there by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...export.model import Gain, NeuralModel
from ..compiler.layout import State
from ..compiler.unit import Unit

GLIDE = 16
"""Samples from one gain to the next."""
MOST_EXPONENT = 80.0
"""The natural logarithm of the largest gain, and with the other sign of the smallest, that fits float32."""

STATE = np.dtype(
    [
        ("goal", "f4"),  # the gain to go to, linear
        ("before", "f4"),  # at the last multiple of `GLIDE` samples
        ("after", "f4"),  # at the next
        ("phase", "i4"),  # samples since the last
        ("started", "i8"),
    ],
    align=True,
)


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model."""
    return isinstance(model.network, Gain)


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code, the same for all models."""
    return (Unit.of("kernels.gain"),)


def make_state(model: NeuralModel) -> State:
    """The gain at features of 0."""
    assert isinstance(model.network, Gain)
    state = State(STATE)
    state.record["goal"] = linear(float(model.network.exponent[0]))
    return state


def linear(exponent: float) -> float:
    """``exp(exponent)``, bounded to what float32 holds."""
    return float(np.exp(min(max(exponent, -MOST_EXPONENT), MOST_EXPONENT)))


def compile() -> dict[str, Any]:
    """Compile ``process``."""
    from ..compiler.abi import audio_function, channel

    share = np.float32(1.0 / GLIDE)

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        x, y = channel(source, 0, 0, frames), channel(target, 0, 0, frames)
        if state.started == 0:
            state.started = 1
            state.after = state.goal
        start = 0
        while start < frames:
            if state.phase == 0:
                state.before = state.after
                state.after = state.goal
            count = min(GLIDE - state.phase, frames - start)
            step = (state.after - state.before) * share
            for t in range(count):
                y[start + t] = x[start + t] * (state.before + step * np.float32(state.phase + t + 1))
            state.phase = (state.phase + count) % GLIDE
            start += count

    return {"process": process}
