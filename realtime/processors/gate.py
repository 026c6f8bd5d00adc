"""Noise gate: silence between the notes, with hysteresis so that a dying note does not flutter."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor

STATE = np.dtype(
    [
        ("threshold_db", "f4"),
        ("hysteresis_db", "f4"),
        ("attack_ms", "f4"),
        ("hold_ms", "f4"),
        ("release_ms", "f4"),
        ("gain", "f4"),
        ("held", "i8"),  # samples since the signal was last loud enough to keep the gate open
        ("is_open", "i8"),
    ],
    align=True,
)
CLOSED = 1e-6
"""Gain (-120 dB) under which a closing gate is shut."""


class Gate(Processor):
    """Opens above the threshold; closes when the peak stayed below threshold less hysteresis for the hold.

    While open it changes no bit. Both channels of a stereo signal open together, at the louder one.
    """

    name = "gate"
    description = "noise gate"
    parameters = (
        Parameter("threshold_db", -100.0, 0.0, -65.0, "dB", description="peak level that opens the gate"),
        Parameter(
            "hysteresis_db", 0.0, 24.0, 6.0, "dB", description="how far below the threshold it stays open"
        ),
        Parameter("attack_ms", 0.1, 50.0, 1.0, "ms", "logarithmic", description="from shut to fully open"),
        Parameter(
            "hold_ms", 10.0, 1000.0, 50.0, "ms", "logarithmic", description="how long it stays open at least"
        ),
        Parameter(
            "release_ms", 5.0, 2000.0, 100.0, "ms", "logarithmic", description="from open to 60 dB down"
        ),
    )

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel

    one, zero, shut = np.float32(1.0), np.float32(0.0), np.float32(CLOSED)

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        opens = np.float32(10.0 ** (state.threshold_db / 20.0))
        stays = np.float32(10.0 ** ((state.threshold_db - state.hysteresis_db) / 20.0))
        rise = np.float32(1000.0 / (state.attack_ms * context.rate))
        fall = np.float32(10.0 ** (-3000.0 / (state.release_ms * context.rate)))
        hold = np.int64(state.hold_ms * context.rate / 1000.0)
        last = context.channels - 1  # of a mono signal the same channel again
        left, right = (
            channel(source, context.stride, 0, frames),
            channel(source, context.stride, last, frames),
        )
        y, z = channel(target, context.stride, 0, frames), channel(target, context.stride, last, frames)
        gain, held, is_open = state.gain, state.held, state.is_open
        for t in range(frames):
            peak = max(abs(left[t]), abs(right[t]))
            if peak >= (stays if is_open != 0 else opens):
                is_open, held = 1, 0
            else:
                held += 1
                if held > hold:
                    is_open = 0
            if is_open != 0:
                gain = min(one, gain + rise)
            else:
                gain *= fall
                if gain < shut:
                    gain = zero
            y[t], z[t] = left[t] * gain, right[t] * gain
        state.gain, state.held, state.is_open = gain, held, is_open

    return {"process": process}
