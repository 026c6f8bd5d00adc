"""A voice of the four-oscillator synthesizer, sample by sample. Written once for every target.

Section 3 of the paper named in `four`: oscillators, envelope, low-pass and gater, in this order. Saw and
triangle run from 0 to 1 as printed there; the triangle is one, which its printed series is not. With the
modulation ``"frequency"`` a modulator moves its carrier's frequency by B Hz, so that the phase is
2πft + (B/v)(1 - cos 2πvt); with ``"phase"`` it moves the phase by B radians, as equation 1 has it.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from .layout import OLDEST, named
from .low_pass import low_pass
from .oscillators import HALF, ONE, ZERO, Waves, band_limited, f, oscillators
from .wavetables import WAVES as TABLED

WAVES = ("sine", *TABLED)

Coefficients = named(
    "Coefficients",
    [
        *(f"{wave}_{name}" for wave in WAVES for name in ("increment", "modulation", "depth", "amplitude")),
        *(f"{wave}_{name}" for wave in TABLED for name in ("row", "next")),  # in the tables
        "width",  # side signal over mid signal
        "attack_rate",  # envelope: a sample
        "attack_frames",
        "decay_rate",
        "sustain",
        "release_rate",
        "held",  # 1 while the key is down, then 0
        "a1",  # low-pass
        "a2",
        "a3",
        "gate_increment",
        "gate_slope",
        "gate_amount",
    ],
)
Memory = named(
    "Memory",
    [
        *(f"{wave}_{name}" for wave in WAVES for name in ("phase", "modulator")),
        "gate_phase",
        "age",  # samples that the key was down
        "released",  # samples since
        "mid_1",
        "mid_2",
        "side_1",
        "side_2",
    ],
)
INTEGERS = ("increment", "modulation", "phase", "modulator", "row", "next")
FIELDS = [
    (name, "i4" if name.endswith(INTEGERS) else "f4") for name in (*Coefficients._fields, *Memory._fields)
]
Modulation: TypeAlias = Literal["frequency", "phase"]


def voice(ops: Any, waves: Waves, modulation: Modulation) -> Any:
    """``step(table, share, coefficients, memory) -> (mid, side, memory)``: one sample of a voice.

    Parameters
    ----------
    ops : the operations of one target, see `target_code`
    waves : the paper's formulas; or tables without aliasing and without the formulas' constants; or, while
        rows change, the present rows on their way to the next ones, of which ``share`` is reached

    Notes
    -----
    ``side`` is what the first and last oscillator have more on the left than the others.
    """
    o = oscillators(ops)
    turns, phase_of, step_of, folded, sine = o.turns, o.phase_of, o.step_of, o.folded, o.sine
    add, fma, splat, filtered = ops.add, ops.fma, ops.splat, low_pass(ops)
    at_least, at_most, where_less = ops.at_least, ops.at_most, ops.where_less

    if modulation == "frequency":

        @ops.inline
        def heard(phase: Any, modulator: Any, depth: Any) -> Any:
            return phase

        @ops.inline
        def moved(phase: Any, increment: Any, modulator: Any, depth: Any) -> Any:
            return add(phase, add(increment, step_of(depth * sine(turns(modulator)))))

    else:

        @ops.inline
        def heard(phase: Any, modulator: Any, depth: Any) -> Any:
            return add(phase, phase_of(depth * sine(turns(modulator))))

        @ops.inline
        def moved(phase: Any, increment: Any, modulator: Any, depth: Any) -> Any:
            return add(phase, increment)

    if waves == "formulas":

        @ops.inline
        def saw(table: Any, share: Any, row: Any, following: Any, phase: Any) -> Any:
            return HALF + turns(phase)

        @ops.inline
        def triangle(table: Any, share: Any, row: Any, following: Any, phase: Any) -> Any:
            return HALF + folded(turns(phase)) * f(2)

        @ops.inline
        def square(table: Any, share: Any, row: Any, following: Any, phase: Any) -> Any:
            return where_less(turns(phase), splat(ZERO), splat(-ONE), splat(ONE))

    else:
        look_up, fades = band_limited(ops).look_up, waves == "fading tables"

        @ops.inline
        def saw(table: Any, share: Any, row: Any, following: Any, phase: Any) -> Any:
            now = look_up(table, row, phase)
            return fma(share, look_up(table, following, phase) - now, now) if fades else now

        triangle = square = saw

    @ops.inline
    def envelope(c: Any, m: Any) -> Any:
        """Level at the present sample: up to 1, down to the sustain, from wherever it is to 0."""
        rise = m.age * c.attack_rate
        fall = at_least(c.sustain, ONE - (m.age - c.attack_frames) * c.decay_rate)
        return at_most(rise, fall) * at_least(splat(ZERO), ONE - m.released * c.release_rate)

    @ops.inline
    def gate(c: Any, phase: Any) -> Any:
        """1 in the first half of the gater's period, 0 in the second; at a finite slope in between."""
        edges = HALF + folded(turns(phase)) * c.gate_slope
        opened = at_least(splat(ZERO), at_most(splat(ONE), edges))
        return fma(c.gate_amount, opened - ONE, splat(ONE))

    @ops.inline
    def step(table: Any, share: Any, c: Any, m: Any) -> Any:
        level = envelope(c, m)
        a = c.sine_amplitude * sine(turns(heard(m.sine_phase, m.sine_modulator, c.sine_depth)))
        phase = heard(m.saw_phase, m.saw_modulator, c.saw_depth)
        b = c.saw_amplitude * saw(table, share, c.saw_row, c.saw_next, phase)
        phase = heard(m.triangle_phase, m.triangle_modulator, c.triangle_depth)
        d = c.triangle_amplitude * triangle(table, share, c.triangle_row, c.triangle_next, phase)
        phase = heard(m.square_phase, m.square_modulator, c.square_depth)
        e = c.square_amplitude * square(table, share, c.square_row, c.square_next, phase)
        left, right = a + e, b + d
        mid, side = (left + right) * level, (left - right) * (level * c.width)
        mid, mid_1, mid_2 = filtered(c.a1, c.a2, c.a3, mid, m.mid_1, m.mid_2)
        side, side_1, side_2 = filtered(c.a1, c.a2, c.a3, side, m.side_1, m.side_2)
        opened = gate(c, m.gate_phase)
        after = Memory(
            moved(m.sine_phase, c.sine_increment, m.sine_modulator, c.sine_depth),
            add(m.sine_modulator, c.sine_modulation),
            moved(m.saw_phase, c.saw_increment, m.saw_modulator, c.saw_depth),
            add(m.saw_modulator, c.saw_modulation),
            moved(m.triangle_phase, c.triangle_increment, m.triangle_modulator, c.triangle_depth),
            add(m.triangle_modulator, c.triangle_modulation),
            moved(m.square_phase, c.square_increment, m.square_modulator, c.square_depth),
            add(m.square_modulator, c.square_modulation),
            add(m.gate_phase, c.gate_increment),
            at_most(m.age + c.held, splat(OLDEST)),
            m.released + (ONE - c.held),
            mid_1,
            mid_2,
            side_1,
            side_2,
        )
        return mid * opened, side * opened, after

    return step
