"""A voice of the two-oscillator synthesizer, sample by sample. Written once for every target.

Two oscillators, a saturation, two state-variable low-passes in series (24 dB to the octave) of which the
second one rings, then the level's envelope. Each wave is -1 to 1; a pulse is the difference of two saws
that stand apart by its width, so that it has no DC. What moves while a note sounds goes in straight lines
from one grid point to the next: `two_code` says where to.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .layout import OLDEST, named
from .low_pass import low_pass
from .oscillators import ONE, ROW_LENGTH, TABLE_LENGTH, ZERO, Waves, band_limited, f, oscillators, powers

WHOLE = (
    *("phase_1", "phase_2", "increment_1", "increment_2", "increment_1_step", "increment_2_step"),
    *("row_1", "row_2", "next_1", "next_2", "edge", "edge_step", "noise_1", "noise_2"),
    *("lfo_1", "lfo_2", "lfo_1_increment", "lfo_2_increment"),
)
"""Fields that are integers."""
SHAPE = ("rise", "base", "attack_frames", "fall", "span", "sustain")
"""An envelope: see `envelope`; ``age`` is counted from the key's press, and again from its release."""
Shape = named("Shape", SHAPE)

Ramps = named(  # what goes in straight lines; for each there is a ``…_step`` a sample
    "Ramps", ["increment_1", "increment_2", "edge", "volume_1", "volume_2", "modulation", "gain"]
)
Coefficients = named(
    "Coefficients",
    [
        *(f"{name}_step" for name in Ramps._fields),
        *(f"{name}_{k}" for k in (1, 2) for name in ("row", "next", "wave", "second", "hiss")),
        "lfo_1_increment",
        "lfo_2_increment",
        *SHAPE,
        "drive",  # the saturation's slope at 0, less 1
        "damping",  # 1/Q of the second low-pass
        "width",  # side signal over mid signal
    ],
)
Memory = named(
    "Memory",
    [
        *Ramps._fields,
        *("phase_1", "phase_2", "noise_1", "noise_2", "lfo_1", "lfo_2", "age"),
        *(f"{side}_{k}" for side in ("mid", "side") for k in (1, 2, 3, 4)),
    ],
)
BESIDE = (*(f"filter_{name}" for name in SHAPE), "fresh")
"""Fields that only the grid needs: the filter's envelope, and 1 in a voice that has just begun."""
FIELDS = [
    (name, "i4" if name in WHOLE else "f4") for name in (*Coefficients._fields, *Memory._fields, *BESIDE)
]

FLOOR = 0.001
"""An envelope's exponentials aim this far below their end, so that they reach it."""
FALL_OCTAVES = math.log2((1.0 + FLOOR) / FLOOR)
FIRST_DAMPING, SECOND_DAMPING = f(2.0 * math.cos(math.pi / 8)), f(2.0 * math.sin(math.pi / 8))
"""1/Q of the two low-passes without resonance: together a Butterworth filter of fourth order."""
LIMIT = f(0.1)
"""How much a loud resonance damps itself: by this, times the square of its band-pass."""
MULTIPLIER, SUMMAND = np.int32(1664525), np.int32(1013904223)
"""Of the noise's linear congruential generator, modulo 2³² (*Numerical Recipes*, "quick and dirty")."""
PER_UNIT = f(2.0**-31)
SINE_ROW = np.int32(2 * ROW_LENGTH)
"""The saw's row of one partial, a sine of 1/π; it stands for the sine where tables are not used, too."""
SINE_PEAK, PER_PI = f(math.pi), f(1.0 / math.pi)
JUST_SAW, NO_TRIANGLE = f(ROW_LENGTH), f(TABLE_LENGTH)


def formulas(ops: Any) -> Any:
    """``wave(table, row, phase)`` without tables: saw at row 0, sine at `SINE_ROW`, or else triangle."""
    o = oscillators(ops)
    turns, folded, sine = o.turns, o.folded, o.sine
    splat, where_less, to_float = ops.splat, ops.where_less, ops.to_float

    @ops.inline
    def wave(table: Any, row: Any, phase: Any) -> Any:
        x, kind = turns(phase), to_float(row)
        other = where_less(kind, splat(NO_TRIANGLE), sine(x) * PER_PI, folded(x) * f(2))
        return where_less(kind, splat(JUST_SAW), x, other)

    return wave


def envelope(ops: Any) -> Any:
    """``level(shape, age)``: from ``base`` by ``rise`` a sample, down by ``span`` to ``sustain``.

    The way down begins after ``attack_frames`` and lasts 1/``fall`` samples; a release begins there at once.
    """
    exp2, splat, fma = powers(ops).exp2, ops.splat, ops.fma
    at_least, at_most, where_less = ops.at_least, ops.at_most, ops.where_less
    octaves, whole, floor = f(-FALL_OCTAVES), f(1.0 + FLOOR), f(-FLOOR)

    @ops.inline
    def level(c: Any, age: Any) -> Any:
        x = at_most(at_least((age - c.attack_frames) * c.fall, splat(ZERO)), splat(ONE))
        share = where_less(x, splat(ONE), fma(exp2(x * octaves), splat(whole), splat(floor)), splat(ZERO))
        return at_most(fma(age, c.rise, c.base), fma(c.span, share, c.sustain))

    return level


def voice(ops: Any, waves: Waves, *, pulses: bool = True) -> Any:
    """``step(table, share, coefficients, memory) -> (mid, side, memory)``: one sample of a voice.

    Parameters
    ----------
    ops : the operations of one target, see `target_code`
    waves : their formulas; or tables without aliasing; or, while rows change, the present rows on their way
        to the next ones, of which ``share`` is reached
    pulses : whether there may be one; without, none of the look-ups for its second saw

    Notes
    -----
    ``side`` is what the first oscillator has more on the left than the second.
    """
    step_of = oscillators(ops).step_of
    wave = formulas(ops) if waves == "formulas" else band_limited(ops).look_up
    level_of, filtered, fades = envelope(ops), low_pass(ops), waves == "fading tables"
    add, multiply, fma, splat = ops.add, ops.multiply, ops.fma, ops.splat
    splat_integer, to_float, absolute, at_most = ops.splat_integer, ops.to_float, ops.absolute, ops.at_most

    @ops.inline
    def heard(table: Any, share: Any, row: Any, following: Any, phase: Any) -> Any:
        now = wave(table, row, phase)
        return fma(share, wave(table, following, phase) - now, now) if fades else now

    @ops.inline
    def tone(
        table: Any, share: Any, row: Any, following: Any, phase: Any, edge: Any, first: Any, second: Any
    ) -> Any:
        now = first * heard(table, share, row, following, phase)
        if pulses:
            now = fma(second, heard(table, share, row, following, add(phase, edge)), now)
        return now

    @ops.inline
    def next_noise(state: Any) -> Any:
        return add(multiply(state, splat_integer(MULTIPLIER)), splat_integer(SUMMAND))

    @ops.inline
    def step(table: Any, share: Any, c: Any, m: Any) -> Any:
        noise_1, noise_2 = next_noise(m.noise_1), next_noise(m.noise_2)
        y2 = fma(
            c.hiss_2,
            to_float(noise_2) * PER_UNIT,
            tone(table, share, c.row_2, c.next_2, m.phase_2, m.edge, c.wave_2, c.second_2),
        )
        y1 = fma(
            c.hiss_1,
            to_float(noise_1) * PER_UNIT,
            tone(table, share, c.row_1, c.next_1, m.phase_1, m.edge, c.wave_1, c.second_1),
        )
        left, right = y1 * m.volume_1, y2 * m.volume_2
        mid, side = left + right, (left - right) * c.width
        g = m.gain
        loud = fma(m.mid_3, m.mid_3, m.side_3 * m.side_3)
        first = fma(g, g + FIRST_DAMPING, splat(ONE))
        second = fma(g, g + fma(loud, splat(LIMIT), c.damping), splat(ONE))
        third = fma(c.drive, absolute(mid) + absolute(side), splat(ONE))
        both = first * second
        inverse = ONE / (both * third)
        driven = (c.drive + ONE) * inverse * both
        inverse = inverse * third
        a1 = inverse * second
        a2 = g * a1
        a3 = g * a2
        b1 = inverse * first
        b2 = g * b1
        b3 = g * b2
        mid, mid_1, mid_2 = filtered(a1, a2, a3, mid * driven, m.mid_1, m.mid_2)
        side, side_1, side_2 = filtered(a1, a2, a3, side * driven, m.side_1, m.side_2)
        mid, mid_3, mid_4 = filtered(b1, b2, b3, mid, m.mid_3, m.mid_4)
        side, side_3, side_4 = filtered(b1, b2, b3, side, m.side_3, m.side_4)
        level = level_of(c, m.age)
        after = Memory(
            add(m.increment_1, c.increment_1_step),
            add(m.increment_2, c.increment_2_step),
            add(m.edge, c.edge_step),
            m.volume_1 + c.volume_1_step,
            m.volume_2 + c.volume_2_step,
            m.modulation + c.modulation_step,
            m.gain + c.gain_step,
            add(m.phase_1, add(m.increment_1, step_of(m.modulation * y2))),
            add(m.phase_2, m.increment_2),
            noise_1,
            noise_2,
            add(m.lfo_1, c.lfo_1_increment),
            add(m.lfo_2, c.lfo_2_increment),
            at_most(m.age + ONE, splat(OLDEST)),
            mid_1,
            mid_2,
            mid_3,
            mid_4,
            side_1,
            side_2,
            side_3,
            side_4,
        )
        return mid * level, side * level, after

    return step
