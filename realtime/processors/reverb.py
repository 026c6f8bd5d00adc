"""Reverb: a feedback delay network of eight lines.

J.-M. Jot and A. Chaigne, *Digital delay networks for designing artificial reverberators* (AES 90,
1991): lossless mixing (a Hadamard matrix) between lines of mutually prime lengths, and in each line
the loss that its length asks for, so that everything decays alike. Allpass diffusers after
M. R. Schroeder (*Natural sounding artificial reverberation*, JAES 10, 1962) thicken the onset.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

LINES, DIFFUSERS = 8, 4
SHORTEST_S, LONGEST_S = 0.029, 0.079
"""Lengths of the lines at 100 % size; those between are spaced evenly by ratio."""
DIFFUSER_S = (0.0013, 0.0021, 0.0037, 0.0053)
DIFFUSION = 0.6
SIGNS = (1, 1, -1, 1, 1, -1, -1, -1)
"""With which sign a line is heard."""

PARAMETERS = (
    Parameter("predelay_ms", 0.0, 200.0, 10.0, "ms", description="time before the reverb begins"),
    Parameter(
        "decay_s", 0.3, 20.0, 1.8, "s", "logarithmic", description="time to fall by 60 dB (T60), low notes"
    ),
    Parameter(
        "damping_hz", 500.0, 20000.0, 6000.0, "Hz", "logarithmic", description="here it decays twice as fast"
    ),
    Parameter("size", 25.0, 150.0, 70.0, "%", description="of the room: how far apart its echoes are"),
    Parameter("mix", 0.0, 100.0, 20.0, "%", description="share of the reverb in the sound"),
)
LOSS, POLE, LEVEL, MIX, SMOOTHED = 0, LINES, 2 * LINES, 2 * LINES + 1, 2 * LINES + 2
"""What moves smoothly: each line's gain and its low-pass' pole, the level of the whole, the mix."""

STATE = np.dtype(
    [
        *fields(PARAMETERS, SMOOTHED),
        ("goals", "f4", (SMOOTHED,)),
        ("decay_set", "f4"),  # what `goals` are for
        ("damping_set", "f4"),
        ("predelay", "f8"),  # samples, on its way to predelay_ms
        ("predelay_speed", "f8"),  # samples a sample
        ("running", "i8"),
        ("place", "i8"),  # samples written, in all rings
        ("lengths", "i8", (LINES,)),
        ("diffuser_lengths", "i8", (DIFFUSERS,)),
        ("low", "f4", (LINES,)),  # memory of the low-passes
        ("heard", "f4", (LINES,)),  # work space: what comes out of the lines, and goes in
        ("mixed", "f4", (LINES,)),
        ("turned", "f4", (LINES,)),
        ("block", "f4", (2, GRID)),  # the input, delayed and diffused
        ("predelay_mask", "i8"),  # lengths of the rings - 1
        ("diffuser_mask", "i8"),
        ("line_mask", "i8"),
        ("predelays", "i8"),  # float32, shape (channels, predelay_mask + 1)
        ("diffusers", "i8"),  # (channels, DIFFUSERS, diffuser_mask + 1)
        ("lines", "i8"),  # (LINES, line_mask + 1)
    ],
    align=True,
)


class Reverb(Processor):
    """A room: what is mixed in has the power of what goes in, whatever the decay.

    A line of N samples has the gain 10^(-3 N / (decay_s rate)) at low frequencies and a first-order
    low-pass that squares it at ``damping_hz``. A stereo signal's left side enters and leaves by every
    other line, its right side by those between: the same on both sides comes out decorrelated.
    """

    name = "reverb"
    description = "reverb of a room"
    parameters = PARAMETERS
    fixed: ClassVar[tuple[str, ...]] = ("size",)

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        lengths = line_lengths(rate, self.values["size"])
        diffusers = [max(1, round(seconds * rate)) for seconds in DIFFUSER_S]
        masks = {
            "predelay": _mask(PARAMETERS[0].maximum / 1000.0 * rate + 4),
            "diffuser": _mask(max(diffusers) + 1),
            "line": _mask(max(lengths) + 1),
        }
        state = State(
            STATE,
            predelays=(np.float32, (channels, masks["predelay"] + 1)),
            diffusers=(np.float32, (channels, DIFFUSERS, masks["diffuser"] + 1)),
            lines=(np.float32, (LINES, masks["line"] + 1)),
        )
        for name, mask in masks.items():
            state.record[f"{name}_mask"] = mask
        state.record["lengths"], state.record["diffuser_lengths"] = lengths, diffusers
        return state


def line_lengths(rate: float, size: float) -> list[int]:
    """Samples of the eight lines: distinct primes, for a size in percent."""
    lengths: list[int] = []
    for k in range(LINES):
        seconds = SHORTEST_S * (LONGEST_S / SHORTEST_S) ** (k / (LINES - 1)) * size / 100.0
        length = max(round(seconds * rate), 2)
        while not _is_prime(length) or length in lengths:
            length += 1
        lengths.append(length)
    return lengths


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


def _mask(samples: float) -> int:
    """Length - 1 of a ring, a power of two, for so many samples."""
    return (1 << math.ceil(math.log2(samples))) - 1


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from numba import carray

    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import address_of, float32_at
    from ..kernels.delay_line_code import glide, quiet, read
    from .smoothing_code import advance, compiled, inline, ramp, step_over

    one, diffusion = np.float32(1.0), np.float32(DIFFUSION)
    hadamard = np.float32(LINES**-0.5)
    signs = np.array(SIGNS, np.float32)
    record_fields = STATE.fields
    assert record_fields is not None
    goals_offset = int(record_fields["goals"][1])

    @compiled
    def aim(state: Any, rate: Any) -> None:
        """Set the goals of everything that moves."""
        state.goals[MIX] = np.float32(0.01) * state.mix
        if state.decay_set == state.decay_s and state.damping_set == state.damping_hz:
            return
        state.decay_set, state.damping_set = state.decay_s, state.damping_hz
        cosine = np.cos(2.0 * np.pi * min(np.float64(state.damping_hz), 0.49 * rate) / rate)
        power = 0.0
        for k in range(LINES):
            gain = 10.0 ** (-3.0 * state.lengths[k] / (np.float64(state.decay_s) * rate))
            square = gain * gain
            # |(1 - p) / (1 - p z^-1)| = gain at damping_hz, solved for the pole p
            middle = (1.0 - square * cosine) / (1.0 - square)
            state.goals[LOSS + k] = gain
            state.goals[POLE + k] = 1.0 / (middle + (middle * middle - 1.0) ** 0.5)
            power += square / LINES
        state.goals[LEVEL] = (1.0 - power) ** 0.5

    @compiled
    def enter(state: Any, x: Any, c: Any, goal: Any, rate: Any, start: Any, count: Any) -> Any:
        """Delay and diffuse a stretch of the input into ``block``; returns predelay and speed at its end."""
        ring = float32_at(state.predelays + 4 * (state.predelay_mask + 1) * c)
        predelay, speed = state.predelay, state.predelay_speed
        for t in range(count):
            place = state.place + t
            predelay, speed = glide(predelay, speed, goal, rate)
            ring[place & state.predelay_mask] = x[start + t]
            state.block[c, t] = read(ring, state.predelay_mask, place, predelay)
        for k in range(DIFFUSERS):
            size = state.diffuser_mask + 1
            ring = float32_at(state.diffusers + 4 * size * (DIFFUSERS * c + k))
            for t in range(count):
                place = state.place + t
                late = ring[(place - state.diffuser_lengths[k]) & state.diffuser_mask]
                early = state.block[c, t]
                out = late - diffusion * early
                ring[place & state.diffuser_mask] = quiet(early + diffusion * out)
                state.block[c, t] = out
        return predelay, speed

    @inline
    def butterfly(source: Any, target: Any) -> None:
        """A third of the Hadamard matrix; what comes next to each other was a half apart."""
        for k in range(LINES // 2):
            target[2 * k] = source[k] + source[k + LINES // 2]
            target[2 * k + 1] = source[k] - source[k + LINES // 2]

    @inline
    def circulate(state: Any, channels: Any, t: Any) -> None:
        """One sample through the network; what the lines give is left in ``heard``."""
        place = state.place + t
        mask = state.line_mask
        lines = float32_at(state.lines)
        heard, mixed, low = state.heard, state.mixed, state.low
        for k in range(LINES):
            heard[k] = lines[(mask + 1) * k + ((place - state.lengths[k]) & mask)]
        for k in range(LINES):
            pole = ramp(state, POLE + k, state.phase + t)
            loss = hadamard * ramp(state, LOSS + k, state.phase + t)
            low[k] = quiet(pole * low[k] + (one - pole) * (loss * heard[k]))
            mixed[k] = low[k]
        turned = state.turned
        butterfly(mixed, turned)
        butterfly(turned, mixed)
        butterfly(mixed, turned)
        share = np.float32(0.5) if channels == 2 else hadamard
        for k in range(LINES):
            entering = state.block[k & (channels - 1), t]
            lines[(mask + 1) * k + (place & mask)] = turned[k] + share * entering

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        channels = context.channels
        goal = np.float64(np.int64(np.float64(state.predelay_ms) * 0.001 * context.rate + 0.5))
        if state.running == 0:
            state.running = 1
            state.predelay = goal
        goals = carray(float32_at(address_of(state) + goals_offset), (SMOOTHED,))
        start = 0
        while start < frames:
            if state.phase == 0:
                aim(state, context.rate)
                advance(state, goals, SMOOTHED, context.rate)
            count = min(GRID - state.phase, frames - start)
            predelay, speed = state.predelay, state.predelay_speed
            for c in range(channels):
                x = channel(source, context.stride, c, frames)
                predelay, speed = enter(state, x, c, goal, context.rate, start, count)
            state.predelay, state.predelay_speed = predelay, speed
            for t in range(start, start + count):
                circulate(state, channels, t - start)
                level = ramp(state, LEVEL, state.phase + t - start)
                mix = ramp(state, MIX, state.phase + t - start)
                for c in range(channels):
                    x = channel(source, context.stride, c, frames)
                    y = channel(target, context.stride, c, frames)
                    wet = np.float32(0.0)
                    for k in range(c, LINES, channels):
                        wet += signs[k] * state.heard[k]
                    y[t] = (one - mix) * x[t] + mix * level * wet
            state.place += count
            step_over(state, count)
            start += count

    return {"process": process}
