"""Overdrive: an asymmetric soft clipper, four times oversampled, between a low cut and a tone control."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

OVERSAMPLING = 4
TAPS = 64
"""Of the oversampling filter, at the fourfold rate; the first one is 0, so that it delays by TAPS / 2."""
LATENCY = TAPS // OVERSAMPLING
"""In samples: half of it on the way up, half on the way down."""
BETA = 9.0
"""Of the filter's Kaiser window: 90 dB."""
DRIVEN_HZ = 720.0
"""The drive acts above; below, the gain falls to 1, as in a Tube Screamer."""
NEGATIVE = 0.7
"""Where negative half waves saturate; positive ones do at 1."""
TONE_HZ, TONE_OCTAVES = 700.0, 4.0
"""Corner of the low-pass at tone 0, and how far up tone 10 moves it."""
OFFSET_HZ = 10.0
"""Corner of the high-pass that takes away the offset an asymmetric clipper makes."""

PARAMETERS = (
    Parameter("drive_db", 0.0, 50.0, 20.0, "dB", description="gain into the clipper"),
    Parameter("tone", 0.0, 10.0, 5.0, description="from dark to bright"),
    Parameter("level_db", -40.0, 20.0, -6.0, "dB", description="level after it"),
)
STATE = np.dtype(
    [
        *fields(PARAMETERS),
        ("drive", "f8", (2,)),  # factor at the start and at the end of the present stretch of the grid
        ("level", "f8", (2,)),
        ("moving", "i8"),
        ("low_share", "f8"),
        ("tone_share", "f8"),
        ("offset_share", "f8"),
        ("memory", "f8", (2, 3)),  # channels; low cut, offset, tone
        ("up", "i8"),  # (LATENCY, OVERSAMPLING) taps, the oldest sample's first
        ("down", "i8"),  # (TAPS,) taps, the oldest sample's first
        ("driven", "i8"),  # (2, LATENCY + GRID): each channel's past, then the present stretch
        ("clipped", "i8"),  # the same at the fourfold rate
    ],
    align=True,
)


class Overdrive(Processor):
    """A Tube Screamer's course: drive above 720 Hz, soft clipping, tone.

    The clipper is ``tanh(x)`` for positive and ``0.7 tanh(x / 0.7)`` for negative samples: smooth at 0 up
    to the second derivative, with even harmonics. The linear-phase filters that bring the signal to
    four times the rate and back delay it by `LATENCY` samples.
    """

    name = "overdrive"
    description = "overdrive with an asymmetric soft clipper"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        self.latency = LATENCY
        state = State(
            STATE,
            up=(np.float32, (LATENCY, OVERSAMPLING)),
            down=(np.float32, TAPS),
            driven=(np.float32, (2, LATENCY + GRID)),
            clipped=(np.float32, (2, OVERSAMPLING * (LATENCY + GRID))),
        )
        taps = oversampling_filter()
        state.arrays["up"][:] = OVERSAMPLING * taps.reshape(LATENCY, OVERSAMPLING)[::-1]
        state.arrays["down"][:] = taps[::-1]
        return state


def oversampling_filter() -> NDArray[np.float64]:
    """Low-pass at half the plain rate, shape (TAPS,), sum 1, symmetric about tap TAPS / 2."""
    time = np.arange(TAPS) - TAPS / 2
    window = np.append(0.0, np.kaiser(TAPS - 1, BETA))
    taps: NDArray[np.float64] = window * np.sinc(time / OVERSAMPLING)
    return taps / taps.sum()


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import copy_bytes, float32_at
    from ..compiler.simd import broadcast, fma, load, maximum, minimum, splat, store, total
    from ..kernels.activations import functions
    from .smoothing_code import advance, compiled, decibels, goals, inline, quiet, step_over

    tanh = functions(OVERSAMPLING)["tanh"]
    zero, negative = np.float32(0.0), np.float32(NEGATIVE)
    lanes = 16
    loud, share = np.float32(1e30), 1.0 / GRID
    factor, past = OVERSAMPLING, LATENCY

    @compiled
    def tune(state: Any, rate: Any) -> None:
        """Everything that the knobs decide, for the stretch that begins."""
        low = np.tan(np.pi * DRIVEN_HZ / rate)
        offset = np.tan(np.pi * OFFSET_HZ / rate)
        corner = TONE_HZ * 2.0 ** (0.1 * TONE_OCTAVES * np.float64(state.now[1]))
        tone = np.tan(np.pi * min(corner, 0.49 * rate) / rate)
        state.low_share, state.offset_share = low / (1.0 + low), offset / (1.0 + offset)
        state.tone_share = tone / (1.0 + tone)
        state.drive[0], state.drive[1] = decibels(state.before[0]), decibels(state.now[0])
        state.level[0], state.level[1] = decibels(state.before[2]), decibels(state.now[2])

    @inline
    def between(ends: Any, along: Any) -> Any:
        """The value ``along`` the stretch, 0 to 1."""
        return ends[0] + (ends[1] - ends[0]) * along

    @inline
    def low_pass(state: Any, c: Any, k: Any, share: Any, x: Any) -> Any:
        """One sample of a first-order low-pass, a trapezoidal integrator."""
        memory = state.memory[c, k]
        part = share * (x - memory)
        state.memory[c, k] = quiet(memory + 2.0 * part)
        return memory + part

    @inline
    def clip(x: Any) -> Any:
        width, over = splat(negative, factor), splat(np.float32(1.0 / NEGATIVE), factor)
        above, below = maximum(x, splat(zero, factor)), minimum(x, splat(zero, factor))
        return tanh(above) + width * tanh(below * over)

    @inline
    def bring_up(state: Any, x: Any) -> Any:
        """The four samples of the fourfold rate that follow the past at address ``x``."""
        even, odd = splat(zero, factor), splat(zero, factor)
        for j in range(0, past, 2):
            taps = state.up + 4 * factor * j
            even = fma(load(taps, factor), broadcast(x + 4 * j, factor), even)
            odd = fma(load(taps + 4 * factor, factor), broadcast(x + 4 * j + 4, factor), odd)
        return even + odd

    @inline
    def bring_down(state: Any, w: Any) -> Any:
        """The sample of the plain rate that the fourfold rate's ``TAPS`` samples at ``w`` make."""
        products = splat(zero, lanes)
        for k in range(0, 4 * TAPS, 4 * lanes):
            products = fma(load(w + k, lanes), load(state.down + k, lanes), products)
        return np.float64(total(products))

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        start = 0
        while start < frames:
            if state.phase == 0:
                moved = advance(state, goals(state, 3), 3, context.rate)
                if moved or state.moving != 0:  # once more after the last step: level from there on
                    tune(state, context.rate)
                state.moving = 1 if moved else 0
            count = min(GRID - state.phase, frames - start)
            for c in range(context.channels):
                x = channel(source, context.stride, c, frames)
                y = channel(target, context.stride, c, frames)
                driven = state.driven + 4 * (past + GRID) * c
                clipped = state.clipped + 4 * factor * (past + GRID) * c
                fresh = float32_at(driven + 4 * past)
                for t in range(count):
                    value = np.float64(min(max(x[start + t], -loud), loud))
                    low = low_pass(state, c, 0, state.low_share, value)
                    drive = between(state.drive, (state.phase + t + 1) * share)
                    fresh[t] = np.float32(value + (drive - 1.0) * (value - low))
                for t in range(count):
                    four = bring_up(state, driven + 4 * (t + 1))
                    store(clipped + 4 * factor * (past + t), clip(four))
                for t in range(count):
                    # Due is the first of the four newest samples, with the past that leads to it.
                    wet = bring_down(state, clipped + 4 * factor * t + 4)
                    wet -= low_pass(state, c, 1, state.offset_share, wet)
                    level = between(state.level, (state.phase + t + 1) * share)
                    y[start + t] = np.float32(level * low_pass(state, c, 2, state.tone_share, wet))
                copy_bytes(driven, driven + 4 * count, 4 * past)
                copy_bytes(clipped, clipped + 4 * factor * count, 4 * factor * past)
            step_over(state, count)
            start += count

    return {"process": process}
