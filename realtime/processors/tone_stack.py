"""Tone stack of the '59 Fender Bassman: bass, middle and treble that act on one another.

The circuit (Vin over C1 to the treble pot R1, whose wiper is the output; Vin over R4 to a node from
which C2 goes to the treble pot's other end and the bass pot R2, C3 to the wiper of the middle pot
R3, to ground) is solved with the voltages of its capacitors as states and integrated by
the trapezoidal rule. The response is that of D. T. Yeh and J. O. Smith, *Discretization of the '59
Fender Bassman Tone Stack*, DAFx-06, bilinearly transformed. In these states the energy that the
capacitors hold can only fall without input, whatever the knobs do: moving coefficients stay stable.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

R1, R2, R3, R4 = 250e3, 1e6, 25e3, 56e3
C1, C2, C3 = 250e-12, 20e-9, 20e-9

PARAMETERS = (
    Parameter("bass", 0.0, 10.0, 5.0, description="bass knob, audio taper"),
    Parameter("middle", 0.0, 10.0, 5.0, description="middle knob"),
    Parameter("treble", 0.0, 10.0, 5.0, description="treble knob"),
)
TAPER = 3.4  # of the bass pot: exp(3.4 (knob − 1)), as Yeh and Smith have it
STATE = np.dtype(
    [
        *fields(PARAMETERS),
        ("goal", "f8", (16,)),  # coefficients at the end of the present stretch of the grid
        ("present", "f8", (16,)),  # now, on a straight line there
        ("slope", "f8", (16,)),
        ("moving", "i8"),
        ("memory", "f8", (2, 3)),  # channels, capacitors
    ],
    align=True,
)


class ToneStack(Processor):
    """Bass, middle and treble of a Fender Bassman, which lose 5 to 20 dB, most of it in the middle."""

    name = "tone_stack"
    description = "bass, middle and treble as in a '59 Bassman"
    parameters = PARAMETERS

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from .smoothing_code import advance, compiled, goals, inline, quiet, step_over

    knobs = len(PARAMETERS)
    largest = np.float64(np.finfo(np.float32).max)

    @compiled
    def solve(into: Any, bass: Any, middle: Any, treble: Any, rate: Any) -> None:
        """Coefficients: the 3 × 3 from states to new voltages by rows, then input, output, through."""
        low = R2 * np.exp(TAPER * (0.1 * bass - 1.0)) + R3 * (1.0 - 0.1 * middle)
        wiper, high = R3 * 0.1 * middle, 0.1 * treble
        # Voltage of the node behind R4 from the three capacitors' and the input.
        share = 1.0 / (1.0 + wiper * (1.0 / R4 + 1.0 / R1))
        n1, n2, n3 = -share * wiper / R1, share * wiper / R1, share
        n_in = share * wiper * (1.0 / R4 + 1.0 / R1)
        # Currents through the capacitors, times half a sample over the capacitance.
        h1, h2, h3 = 0.5 / (rate * C1), 0.5 / (rate * C2), 0.5 / (rate * C3)
        i11, i12, i13, i1_in = (-1.0 - n1) / R1, (1.0 - n2) / R1, -n3 / R1, (1.0 - n_in) / R1
        i21, i22, i23, i2_in = -i11, -1.0 / low - i12, 1.0 / low - i13, -i1_in
        i31, i32, i33, i3_in = -n1 / R4 - i21, -n2 / R4 - i22, -n3 / R4 - i23, (1.0 - n_in) / R4 - i2_in
        # Inverse of the identity less those, by cofactors.
        a, b, c = 1.0 - h1 * i11, -h1 * i12, -h1 * i13
        d, e, f = -h2 * i21, 1.0 - h2 * i22, -h2 * i23
        g, h, i = -h3 * i31, -h3 * i32, 1.0 - h3 * i33
        over = 1.0 / (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
        into[0], into[1], into[2] = over * (e * i - f * h), over * (c * h - b * i), over * (b * f - c * e)
        into[3], into[4], into[5] = over * (f * g - d * i), over * (a * i - c * g), over * (c * d - a * f)
        into[6], into[7], into[8] = over * (d * h - e * g), over * (b * g - a * h), over * (a * e - b * d)
        u1, u2, u3 = h1 * i1_in, h2 * i2_in, h3 * i3_in
        for k in range(3):
            into[9 + k] = into[3 * k] * u1 + into[3 * k + 1] * u2 + into[3 * k + 2] * u3
        into[12] = (1.0 - high) * n1 - high
        into[13] = (1.0 - high) * (n2 - 1.0)
        into[14] = (1.0 - high) * n3
        into[15] = (1.0 - high) * n_in + high

    @compiled
    def begin_stretch(state: Any, rate: Any) -> None:
        """At a grid point: take up where the last stretch ended, and head for the knobs' next place."""
        starting = state.started == 0
        for k in range(16):
            state.present[k] = state.goal[k]
        state.moving = 1 if advance(state, goals(state, knobs), knobs, rate) else 0
        if state.moving == 0:
            return
        now = state.now
        solve(state.goal, np.float64(now[0]), np.float64(now[1]), np.float64(now[2]), rate)
        for k in range(16):
            if starting:
                state.present[k] = state.goal[k]
            state.slope[k] = (state.goal[k] - state.present[k]) / GRID

    @inline
    def step(p: Any, memory: Any, c: Any, x: Any) -> Any:
        """One sample of one channel."""
        s1, s2, s3 = memory[c, 0], memory[c, 1], memory[c, 2]
        v1 = p[0] * s1 + p[1] * s2 + p[2] * s3 + p[9] * x
        v2 = p[3] * s1 + p[4] * s2 + p[5] * s3 + p[10] * x
        v3 = p[6] * s1 + p[7] * s2 + p[8] * s3 + p[11] * x
        memory[c, 0] = quiet(2.0 * v1 - s1)
        memory[c, 1] = quiet(2.0 * v2 - s2)
        memory[c, 2] = quiet(2.0 * v3 - s3)
        y = p[12] * v1 + p[13] * v2 + p[14] * v3 + p[15] * x
        return np.float32(min(max(y, -largest), largest))

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        start = 0
        while start < frames:
            if state.phase == 0:
                begin_stretch(state, context.rate)
            count = min(GRID - state.phase, frames - start)
            for t in range(start, start + count):
                if state.moving != 0:
                    for k in range(16):
                        state.present[k] += state.slope[k]
                for c in range(context.channels):
                    x = channel(source, context.stride, c, frames)
                    y = channel(target, context.stride, c, frames)
                    y[t] = step(state.present, state.memory, c, np.float64(x[t]))
            step_over(state, count)
            start += count

    return {"process": process}
