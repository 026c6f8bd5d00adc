"""Look-ahead limiter: turns down before a peak comes, so that no sample passes the ceiling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor

STATE = np.dtype(
    [
        ("ceiling_db", "f4"),
        ("release_ms", "f4"),
        ("look_ahead_ms", "f4"),
        ("ceiling", "f4"),  # as a factor, smoothed
        ("started", "i8"),
        ("length", "i8"),  # of the look-ahead, in samples
        ("count", "i8"),  # samples so far
        ("delayed", "i8"),  # float32 (2, length): the signal on its way
        ("gains", "i8"),  # int64 (length): the last gains, of which the mean is taken
        ("total", "i8"),  # of them
        ("recovering", "i8"),  # the gain after release
        ("values", "i8"),  # int64 (length + 1): rising gains of the window, with
        ("places", "i8"),  # int64 (length + 1): the samples they belong to
        ("head", "i8"),
        ("size", "i8"),
    ],
    align=True,
)
UNITY = 1 << 40
"""Gains are counted in this many parts: a running sum of whole numbers never drifts."""
SMOOTHING_S = 0.01


class Limiter(Processor):
    """No sample passes the ceiling; peaks between samples may.

    The gain that each sample needs is held for the look-ahead (a running minimum), let go
    exponentially, and averaged over the look-ahead: when a peak comes out, the gain has arrived
    there on a straight line. Both channels get the same gain. A signal below the ceiling is only
    delayed, to the bit. While the ceiling itself moves (10 ms), the present one holds.
    """

    name = "limiter"
    description = "look-ahead limiter that nothing passes"
    parameters = (
        Parameter("ceiling_db", -40.0, 0.0, -1.0, "dB", description="highest sample value"),
        Parameter(
            "release_ms", 5.0, 2000.0, 80.0, "ms", "logarithmic", description="time constant of letting go"
        ),
        Parameter(
            "look_ahead_ms", 0.5, 10.0, 1.5, "ms", "logarithmic", description="added latency; read at start"
        ),
    )
    fixed = ("look_ahead_ms",)

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        self.latency = max(1, round(self.values["look_ahead_ms"] * rate / 1000.0))
        length, window = self.latency, self.latency + 1
        state = State(
            STATE,
            delayed=(np.float32, (2, length)),
            gains=(np.int64, length),
            values=(np.int64, window),
            places=(np.int64, window),
        )
        state.record["length"] = length
        state.arrays["gains"][:] = UNITY
        state.record["total"], state.record["recovering"] = UNITY * length, UNITY
        return state


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from numba import njit

    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import float32_at, int64_at

    below, close = np.float32(1.0 - 2.0**-24), np.float32(1e-4)

    @njit(error_model="numpy", nogil=True)
    def least(state: Any, gain: Any) -> Any:
        """The least of the gains of the last ``length + 1`` samples, ``gain`` the newest."""
        values, places = int64_at(state.values), int64_at(state.places)
        window = state.length + 1
        if state.size > 0 and places[state.head] == state.count - window:
            state.head = 0 if state.head + 1 == window else state.head + 1
            state.size -= 1
        end = state.head + state.size
        end = end - window if end >= window else end
        while state.size > 0:
            before = window - 1 if end == 0 else end - 1
            if values[before] < gain:
                break
            end = before
            state.size -= 1
        values[end], places[end] = gain, state.count
        state.size += 1
        return values[state.head]

    @njit(error_model="numpy", nogil=True)
    def next_gain(state: Any, gain: Any, share: Any, place: Any) -> Any:
        """The gain for the sample that is ``length`` samples old."""
        held = least(state, gain)
        up = held - state.recovering
        state.recovering = held if up <= 0 else state.recovering + np.int64(share * up)
        gains = int64_at(state.gains)
        state.total += state.recovering - gains[place]
        gains[place] = state.recovering
        return np.float32(np.float64(state.total) / (np.float64(UNITY) * state.length))

    @njit(error_model="numpy", nogil=True)
    def not_above(value: Any) -> Any:
        """The largest float32 that is not above a float64 (that is positive)."""
        nearest = np.float32(value)
        return nearest if np.float64(nearest) <= value else nearest * below

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        goal = not_above(10.0 ** (np.float64(state.ceiling_db) / 20.0))
        if state.started == 0:
            state.started, state.ceiling = 1, goal
        step = np.float32(1.0 - np.exp(-1.0 / (SMOOTHING_S * context.rate)))
        share = 1.0 - np.exp(-1000.0 / (state.release_ms * context.rate))
        last = context.channels - 1  # of a mono signal the same channel again
        left, right = (
            channel(source, context.stride, 0, frames),
            channel(source, context.stride, last, frames),
        )
        y, z = channel(target, context.stride, 0, frames), channel(target, context.stride, last, frames)
        delayed_left = float32_at(state.delayed)
        delayed_right = float32_at(state.delayed + 4 * last * state.length)
        ceiling = state.ceiling
        place = state.count % state.length
        for t in range(frames):
            away = goal - ceiling
            ceiling = goal if abs(away) < close * goal else ceiling + step * away
            peak = max(abs(left[t]), abs(right[t]))
            needed = np.float64(ceiling) / np.float64(peak) if peak > ceiling else 1.0
            gain = next_gain(state, np.int64(UNITY * needed), share, place)
            a, b = delayed_left[place] * gain, delayed_right[place] * gain
            y[t], z[t] = min(max(a, -ceiling), ceiling), min(max(b, -ceiling), ceiling)
            delayed_left[place], delayed_right[place] = left[t], right[t]
            state.count += 1
            place = 0 if place + 1 == state.length else place + 1
        state.ceiling = ceiling

    return {"process": process}
