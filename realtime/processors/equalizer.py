"""Parametric equalizer: a low shelf, two peaking bands and a high shelf."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

SHELF_Q = 0.5**0.5

PARAMETERS = (
    Parameter("low_hz", 20.0, 1000.0, 100.0, "Hz", "logarithmic", description="corner of the low shelf"),
    Parameter("low_db", -24.0, 24.0, 0.0, "dB", description="gain below the corner"),
    Parameter("low_mid_hz", 50.0, 5000.0, 400.0, "Hz", "logarithmic", description="centre of the low mids"),
    Parameter("low_mid_db", -24.0, 24.0, 0.0, "dB", description="gain of the low mids"),
    Parameter("low_mid_q", 0.1, 10.0, 1.0, "", "logarithmic", description="how narrow the low mids are"),
    Parameter("high_mid_hz", 200.0, 16000.0, 2000.0, "Hz", "logarithmic", description="centre of high mids"),
    Parameter("high_mid_db", -24.0, 24.0, 0.0, "dB", description="gain of the high mids"),
    Parameter("high_mid_q", 0.1, 10.0, 1.0, "", "logarithmic", description="how narrow the high mids are"),
    Parameter("high_hz", 500.0, 20000.0, 5000.0, "Hz", "logarithmic", description="corner of the high shelf"),
    Parameter("high_db", -24.0, 24.0, 0.0, "dB", description="gain above the corner"),
)

STATE = np.dtype(
    [
        *fields(PARAMETERS),
        ("coefficients", "f8", (4, 6)),
        ("memory", "f8", (2, 4, 2)),  # channels, bands
    ],
    align=True,
)


class Equalizer(Processor):
    """Four bands of R. Bristow-Johnson's *Audio EQ Cookbook*, one after another; shelves of slope 1."""

    name = "equalizer"
    description = "parametric equalizer: low shelf, two bands, high shelf"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from .smoothing_code import advance, compiled, goals, step_over
    from .svf_code import filter_samples, set_high_shelf, set_low_shelf, set_peak

    count_of_parameters = len(PARAMETERS)

    @compiled
    def tune(state: Any, rate: Any) -> None:
        now, rows = state.now, state.coefficients
        set_low_shelf(rows, 0, now[0], SHELF_Q, now[1], rate)
        set_peak(rows, 1, now[2], now[4], now[3], rate)
        set_peak(rows, 2, now[5], now[7], now[6], rate)
        set_high_shelf(rows, 3, now[8], SHELF_Q, now[9], rate)

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        start = 0
        while start < frames:
            if state.phase == 0 and advance(
                state, goals(state, count_of_parameters), count_of_parameters, context.rate
            ):
                tune(state, context.rate)
            count = min(GRID - state.phase, frames - start)
            for c in range(context.channels):
                x = channel(source, context.stride, c, frames)
                y = channel(target, context.stride, c, frames)
                filter_samples(state.coefficients, 0, state.memory, c, x, y, start, count)
                for band in range(1, 4):
                    filter_samples(state.coefficients, band, state.memory, c, y, y, start, count)
            step_over(state, count)
            start += count

    return {"process": process}
