"""A guitar cabinet: convolution with an impulse response from a file, without latency."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import State
from ..compiler.unit import Unit, load
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

LOW_OFF_HZ, LOW_ON_HZ = 20.0, 25.0
HIGH_OFF_HZ, HIGH_ON_HZ = 20000.0, 16000.0
"""Between the two frequencies a cut fades in, so that a knob passes smoothly from off to on."""
BUTTERWORTH_Q = 0.5**0.5

MOVING = (
    Parameter("gain_db", -40.0, 40.0, 0.0, "dB", description="level of the cabinet's sound"),
    Parameter(
        "low_cut_hz",
        LOW_OFF_HZ,
        1000.0,
        LOW_OFF_HZ,
        "Hz",
        "logarithmic",
        description="lows below are cut by 12 dB an octave; off at 20 Hz",
    ),
    Parameter(
        "high_cut_hz",
        1000.0,
        HIGH_OFF_HZ,
        HIGH_OFF_HZ,
        "Hz",
        "logarithmic",
        description="highs above are cut by 12 dB an octave; off at 20 kHz",
    ),
    Parameter("mix", 0.0, 100.0, 100.0, "%", description="share of the cabinet in the sound"),
)
LENGTH = Parameter(
    "length_ms", 1.0, 10000.0, 10000.0, "ms", "logarithmic", description="how much of the response is used"
)
TRIM = Parameter.switch(
    "trim", "off", "on", default="off", description="leave out the silence that the response starts with"
)

STATE = np.dtype(
    [
        *fields((*MOVING, LENGTH, TRIM), len(MOVING)),
        ("convolve", "i8"),  # address of the convolution's process
        ("filters", "i8"),  # addresses of its states, one for each output
        ("outputs", "i8"),
        ("low_amount", "f8"),  # 0: the low cut is off; 1: fully on
        ("high_amount", "f8"),
        ("coefficients", "f8", (2, 6)),  # low cut, high cut
        ("memory", "f8", (2, 2, 2)),  # outputs, low cut and high cut
    ],
    align=True,
)


class Cabinet(Processor):
    """Convolution with an impulse response, a low and a high cut behind it.

    A response with two channels plays its left one to the left and its right one to the right; a
    mono signal becomes stereo.

    Parameters
    ----------
    values : parameter values by name
    impulse : a sound file with one or two channels of up to 10 s, at any rate

    Raises
    ------
    ImpulseFileError
        If the file holds no usable impulse response.
    """

    name = "cabinet"
    description = "guitar cabinet or any other impulse response"
    parameters = (*MOVING, LENGTH, TRIM)
    files: ClassVar[tuple[str, ...]] = ("impulse",)
    fixed: ClassVar[tuple[str, ...]] = (LENGTH.name, TRIM.name)

    def __init__(self, values: Mapping[str, object] | None = None, *, impulse: Path | str) -> None:
        from .impulse_response import read_impulse

        super().__init__(values)
        self.impulse = read_impulse(Path(impulse))

    def units(self) -> tuple[Unit, ...]:
        from ..kernels.convolution import UNIT

        return (*super().units(), UNIT)

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        from ..kernels.convolution import UNIT, filter_state

        impulse = self.impulse.trimmed() if self.values[TRIM.name] else self.impulse
        response = impulse.at(rate).shortened(self.values[LENGTH.name] / 1000.0).samples
        self.outputs = max(channels, len(response))
        self._filters = [filter_state(response[c % len(response)]) for c in range(self.outputs)]
        for filter_ in self._filters:
            filter_.seal()
        state = State(STATE, filters=(np.int64, self.outputs))
        state.arrays["filters"][:] = [filter_.address for filter_ in self._filters]
        state.record["outputs"], state.record["convolve"] = self.outputs, load(UNIT)["process"]
        return state

    def reset(self) -> None:
        for filter_ in self._filters:
            filter_.reset()
        super().reset()


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import address_of, call_process, int64_at
    from .smoothing_code import advance, compiled, decibels, goals, inline, ramp, step_over
    from .svf_code import filter_samples, set_high_pass, set_low_pass

    moving = len(MOVING)
    gain_db, low_cut, high_cut, mix = range(moving)
    share, hundredth, one = np.float32(1.0 / GRID), np.float32(0.01), np.float32(1.0)

    @inline
    def amount(frequency: Any, off: Any, on: Any) -> Any:
        turned = np.log(np.float64(frequency) / off) / np.log(on / off)
        return min(1.0, max(0.0, turned))

    @compiled
    def tune(state: Any, rate: Any) -> None:
        low, high, rows = state.now[low_cut], state.now[high_cut], state.coefficients
        state.low_amount = amount(low, LOW_OFF_HZ, LOW_ON_HZ)
        state.high_amount = amount(high, HIGH_OFF_HZ, HIGH_ON_HZ)
        set_high_pass(rows, 0, low, BUTTERWORTH_Q, state.low_amount, rate)
        set_low_pass(rows, 1, high, BUTTERWORTH_Q, state.high_amount, rate)

    @inline
    def cut(state: Any, k: Any, strength: Any, c: Any, y: Any, start: Any, count: Any) -> None:
        if strength > 0.0:
            filter_samples(state.coefficients, k, state.memory, c, y, y, start, count)
        else:
            state.memory[c, k, 0] = 0.0
            state.memory[c, k, 1] = 0.0

    @inline
    def blend(state: Any, x: Any, y: Any, start: Any, count: Any) -> None:
        """Level and mix of one stretch, on straight lines."""
        level = decibels(state.before[gain_db])
        rise = share * (decibels(state.now[gain_db]) - level)
        for t in range(count):
            wet = hundredth * ramp(state, mix, state.phase + t)
            gain = level + rise * np.float32(state.phase + t + 1)
            y[start + t] = (one - wet) * x[start + t] + wet * gain * y[start + t]

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        filters = int64_at(state.filters)
        last = context.channels - 1
        for c in range(state.outputs):
            x, y = source + 4 * context.stride * min(c, last), target + 4 * context.stride * c
            call_process(state.convolve, address_of(context), filters[c], x, y, frames)
        start = 0
        while start < frames:
            if state.phase == 0 and advance(state, goals(state, moving), moving, context.rate):
                tune(state, context.rate)
            count = min(GRID - state.phase, frames - start)
            for c in range(state.outputs):
                dry = channel(source, context.stride, min(c, last), frames)
                wet = channel(target, context.stride, c, frames)
                cut(state, 0, state.low_amount, c, wet, start, count)
                cut(state, 1, state.high_amount, c, wet, start, count)
                blend(state, dry, wet, start, count)
            step_over(state, count)
            start += count

    return {"process": process}
