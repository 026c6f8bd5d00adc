"""A given signal over and over, instead of what comes in: for measuring through the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler.layout import State
from .processor import Processor

STATE = np.dtype(
    [
        ("signal", "i8"),  # float32, shape (length,)
        ("length", "i8"),
        ("place", "i8"),
    ],
    align=True,
)


class Player(Processor):
    """Plays on all channels, and hears nothing.

    Parameters
    ----------
    signal : ndarray, shape (frames,); one period of it
    """

    name = "player"
    description = "a given signal over and over"

    def __init__(self, signal: NDArray[np.float32]) -> None:
        super().__init__()
        self.signal = signal

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        state = State(STATE, signal=(np.float32, len(self.signal)))
        state.arrays["signal"][:] = self.signal
        state.record["length"] = len(self.signal)
        return state


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import float32_at

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> Any:
        signal = float32_at(state.signal)
        place = state.place
        for c in range(context.channels):
            y = channel(target, context.stride, c, frames)
            place = state.place
            for t in range(frames):
                y[t] = signal[place]
                place += 1
                if place == state.length:
                    place = 0
        state.place = place

    return {"process": process}
