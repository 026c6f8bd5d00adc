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
"""Between the two frequencies a cut is blended in."""
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

SMOOTHED = 6

STATE = np.dtype(
    [
        *fields((*MOVING, LENGTH, TRIM), SMOOTHED),
        ("goals", "f4", (SMOOTHED,)),  # what the parameters come to, see compile
        ("convolve", "i8"),  # address of the convolution's process
        ("filters", "i8"),  # addresses of its states, one for each output
        ("outputs", "i8"),
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
    from .smoothing_code import advance, compiled, decibels, inline, ramp, step_over
    from .svf_code import filter_samples, set_high_pass, set_low_pass

    dry, wet, low_octave, high_octave, low_amount, high_amount = range(SMOOTHED)
    on, off, hundredth = np.float32(1.0), np.float32(0.0), np.float32(0.01)

    @inline
    def amount(octave: Any, off_hz: Any, on_hz: Any) -> Any:
        turned = (octave - np.log2(off_hz)) / np.log2(on_hz / off_hz)
        return np.float32(min(1.0, max(0.0, turned)))

    @compiled
    def set_goals(state: Any) -> None:
        share = hundredth * state.mix
        low, high = np.log2(np.float64(state.low_cut_hz)), np.log2(np.float64(state.high_cut_hz))
        state.goals[dry] = on - share
        state.goals[wet] = share * decibels(state.gain_db)
        state.goals[low_octave] = np.float32(low)
        state.goals[high_octave] = np.float32(high)
        state.goals[low_amount] = amount(low, LOW_OFF_HZ, LOW_ON_HZ)
        state.goals[high_amount] = amount(high, HIGH_OFF_HZ, HIGH_ON_HZ)

    @compiled
    def tune(state: Any, rate: Any) -> None:
        low, high = np.exp2(np.float64(state.now[low_octave])), np.exp2(np.float64(state.now[high_octave]))
        set_high_pass(state.coefficients, 0, low, BUTTERWORTH_Q, 1.0, rate)
        set_low_pass(state.coefficients, 1, high, BUTTERWORTH_Q, 1.0, rate)

    @compiled
    def cut(context: Any, state: Any, k: Any, c: Any, y: Any, start: Any, count: Any) -> None:
        """One filter over part of a channel, blended in and out with its amount."""
        share = low_amount + k
        if state.now[share] == on and state.before[share] == on:
            filter_samples(state.coefficients, k, state.memory, c, y, y, start, count)
        elif state.now[share] == off and state.before[share] == off:
            # as it would be: a low-pass this high follows its input, a high-pass this low holds nothing
            state.memory[c, k, 0] = 0.0
            state.memory[c, k, 1] = k * np.float64(y[start + count - 1])
        else:
            filtered = channel(context.scratch, 0, 0, GRID)
            for t in range(count):
                filtered[t] = y[start + t]
            filter_samples(state.coefficients, k, state.memory, c, filtered, filtered, 0, count)
            for t in range(count):
                y[start + t] += ramp(state, share, state.phase + t) * (filtered[t] - y[start + t])

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        filters = int64_at(state.filters)
        last = context.channels - 1
        for c in range(state.outputs):
            x, y = source + 4 * context.stride * min(c, last), target + 4 * context.stride * c
            call_process(state.convolve, address_of(context), filters[c], x, y, frames)
        start = 0
        while start < frames:
            if state.phase == 0:
                set_goals(state)
                if advance(state, state.goals, SMOOTHED, context.rate):
                    tune(state, context.rate)
            count = min(GRID - state.phase, frames - start)
            for c in range(state.outputs):
                plain = channel(source, context.stride, min(c, last), frames)
                sound = channel(target, context.stride, c, frames)
                cut(context, state, 0, c, sound, start, count)
                cut(context, state, 1, c, sound, start, count)
                for t in range(count):
                    place = state.phase + t
                    rest = ramp(state, dry, place) * plain[start + t]
                    sound[start + t] = rest + ramp(state, wet, place) * sound[start + t]
            step_over(state, count)
            start += count

    return {"process": process}
