"""Compressor: makes loud parts softer, with a soft knee."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

PARAMETERS = (
    Parameter("threshold_db", -60.0, 0.0, -24.0, "dB", description="peak level above which it works"),
    Parameter("ratio", 1.0, 20.0, 4.0, "", "logarithmic", description="dB in for one dB out, above it"),
    Parameter("knee_db", 0.0, 24.0, 6.0, "dB", description="width of the bend around the threshold"),
    Parameter("attack_ms", 0.1, 200.0, 5.0, "ms", "logarithmic", description="time to get softer"),
    Parameter("release_ms", 5.0, 2000.0, 100.0, "ms", "logarithmic", description="time to recover"),
    Parameter("makeup_db", 0.0, 36.0, 0.0, "dB", description="gain afterwards"),
)
FLOOR = 1e-6
"""Peaks below are as good as silence."""

STATE = np.dtype(
    [
        *fields(PARAMETERS),
        ("slope", "f4"),  # dB of reduction for a dB above the threshold
        ("attack", "f4"),  # share of the past that stays, each sample
        ("release", "f4"),
        ("peak_db", "f8"),  # reduction with the release alone; as precise as it is computed, so that
        ("reduction_db", "f8"),  # the end of a block rounds nothing
    ],
    align=True,
)


class Compressor(Processor):
    """A feed-forward compressor; stereo channels are turned down together.

    Peak level in dB, soft knee, then the smooth decoupled peak detector in the dB domain, of D. Giannoulis,
    M. Massberg and J. D. Reiss, *Digital Dynamic Range Compressor Design*, J. Audio Eng. Soc. 60(6), 2012.
    """

    name = "compressor"
    description = "makes loud parts softer"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from .smoothing_code import advance, compiled, goals, quiet, ramp, step_over

    count_of_parameters = len(PARAMETERS)
    factor_of_db = np.float32(math.log(10.0) / 20.0)
    largest = np.float64(np.finfo(np.float32).max)

    @compiled
    def tune(state: Any, rate: Any) -> None:
        now = state.now
        state.slope = np.float32(1.0) - np.float32(1.0) / now[1]
        state.attack = np.float32(np.exp(-1000.0 / (now[3] * rate)))
        state.release = np.float32(np.exp(-1000.0 / (now[4] * rate)))

    @compiled
    def wanted_reduction(state: Any, level_db: Any) -> Any:
        """The static curve: dB to take away at a level."""
        over = level_db - state.now[0]
        knee = state.now[2]
        if np.float32(2.0) * over <= -knee:
            return np.float32(0.0)
        if np.float32(2.0) * over < knee:
            inside = over + knee * np.float32(0.5)
            return state.slope * inside * inside / (np.float32(2.0) * knee)
        return state.slope * over

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        channels, stride = context.channels, context.stride
        x, y = channel(source, stride, 0, frames), channel(target, stride, 0, frames)
        x2, y2 = channel(source, stride, channels - 1, frames), channel(target, stride, channels - 1, frames)
        start = 0
        while start < frames:
            if state.phase == 0 and advance(
                state, goals(state, count_of_parameters), count_of_parameters, context.rate
            ):
                tune(state, context.rate)
            count = min(GRID - state.phase, frames - start)
            peak_db, reduction_db = state.peak_db, state.reduction_db
            for k in range(count):
                t = start + k
                peak = max(max(abs(x[t]), abs(x2[t])), np.float32(FLOOR))
                wanted = wanted_reduction(state, np.float32(20.0) * math.log10(peak))
                peak_db = quiet(max(wanted, wanted + state.release * (peak_db - wanted)))
                reduction_db = quiet(peak_db + state.attack * (reduction_db - peak_db))
                gain = math.exp(factor_of_db * (ramp(state, 5, state.phase + k) - reduction_db))
                y[t] = np.float32(min(max(x[t] * gain, -largest), largest))
                y2[t] = np.float32(min(max(x2[t] * gain, -largest), largest))
            state.peak_db, state.reduction_db = peak_db, reduction_db
            step_over(state, count)
            start += count

    return {"process": process}
