"""Sines, powers and band-limited waves for the code of voices.

Written once for every target: ``ops`` has the operations on a voice (or on sixteen side by side), see
`compiler.lanes`. Phases are integers, 2³² to the cycle; *turns* are the same as a float, from -1/2 to 1/2.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal, TypeAlias

import numpy as np

from .wavetables import LINEAR, MOST, ROWS, SIZE, STRIDE

f = np.float32
SINE = tuple(map(f, (6.28318516, -41.34165503, 81.6010041, -76.54978275, 39.53670913)))
"""Of sin(2πx) on 0 … 1/4, odd powers from 1 on: minimax, off by 3.3e-9 before rounding."""
EXP2 = tuple(
    map(f, (1.0, 0.6931472067, 0.2402265151, 0.05550327216, 0.009617994519, 0.001340043167, 1.547802104e-4))
)
"""Of 2^x on -1/2 … 1/2: minimax, off by 1.9e-9 before rounding."""
ZERO, QUARTER, HALF, ONE = f(0), f(0.25), f(0.5), f(1)
CYCLE = f(2.0**32)
PER_CYCLE = f(2.0**-32)
HIGHEST_TURN = f(0.49999)
INDEX_SHIFT = np.int32(32 - SIZE.bit_length() + 1)
FRACTION_BITS = np.int32(2 ** int(INDEX_SHIFT) - 1)
FRACTION = f(2.0 ** -int(INDEX_SHIFT))
ROW_LENGTH, TABLE_LENGTH = np.int32(STRIDE), np.int32((ROWS + 1) * STRIDE)
EXPONENT_BIAS, MANTISSA_BITS, STEP_BITS = np.int32(127), np.int32(23), np.int32(20)
FIRST_STEP = np.int32(((127 + 3) << 3) - LINEAR)
"""Of 8.0, exponent and three bits of mantissa, less the row that stands for it."""
LINEAR_ROWS, MOST_PARTIALS = f(LINEAR), f(MOST)

Waves: TypeAlias = Literal["formulas", "tables", "fading tables"]
"""How a voice makes its waves; fading: the present rows of the tables on their way to the next ones."""


def oscillators(ops: Any) -> SimpleNamespace:
    """Phases and sines for one target."""
    splat, to_float, to_integer = ops.splat, ops.to_float, ops.to_integer
    where_less, at_least, at_most, nearest = ops.where_less, ops.at_least, ops.at_most, ops.nearest
    fma, absolute = ops.fma, ops.absolute
    s1, s3, s5, s7, s9 = SINE

    @ops.inline
    def turns(phase: Any) -> Any:
        """A phase as a float, -1/2 to 1/2."""
        return to_float(phase) * PER_CYCLE

    @ops.inline
    def phase_of(cycles: Any) -> Any:
        """A phase from cycles, any number."""
        part = cycles - nearest(cycles)
        return to_integer(at_least(at_most(part, splat(HIGHEST_TURN)), splat(-HIGHEST_TURN)) * CYCLE)

    @ops.inline
    def step_of(cycles: Any) -> Any:
        """A phase from cycles, fewer than a half either way."""
        return to_integer(cycles * CYCLE)

    @ops.inline
    def folded(x: Any) -> Any:
        """A triangle that rises through 0 at 0, up to 1/4: x from -1/2 to 1/2, folded at its quarters."""
        size = absolute(x)
        y = at_most(size, HALF - size)
        return where_less(x, splat(ZERO), ZERO - y, y)

    @ops.inline
    def sine(x: Any) -> Any:
        """sin(2πx) for x from -1/2 to 1/2."""
        y = folded(x)
        u = y * y
        return fma(fma(fma(fma(splat(s9), u, splat(s7)), u, splat(s5)), u, splat(s3)), u, splat(s1)) * y

    return SimpleNamespace(turns=turns, phase_of=phase_of, step_of=step_of, folded=folded, sine=sine)


def powers(ops: Any) -> SimpleNamespace:
    """Powers of two, and a filter's frequency, for sixteen values side by side."""
    splat, splat_integer, to_integer, nearest = ops.splat, ops.splat_integer, ops.to_integer, ops.nearest
    fma, add, multiply, as_float, sine = ops.fma, ops.add, ops.multiply, ops.as_float, oscillators(ops).sine
    e0, e1, e2, e3, e4, e5, e6 = EXP2

    @ops.inline
    def exp2(x: Any) -> Any:
        """2^x for x from -100 to 100."""
        whole = nearest(x)
        y = x - whole
        high = fma(fma(fma(splat(e6), y, splat(e5)), y, splat(e4)), y, splat(e3))
        low = fma(fma(fma(high, y, splat(e2)), y, splat(e1)), y, splat(e0))
        bits = add(to_integer(whole), splat_integer(EXPONENT_BIAS))
        return low * as_float(multiply(bits, splat_integer(np.int32(1 << 23))))

    @ops.inline
    def warped(x: Any) -> Any:
        """tan(πx), x from 0 to 0.49: a filter's frequency, over the rate, as its integrators' gain."""
        half = x * HALF
        return sine(half) / sine(QUARTER - half)

    return SimpleNamespace(exp2=exp2, warped=warped)


def band_limited(ops: Any) -> SimpleNamespace:
    """Look-ups in `wavetables`, for sixteen values side by side.

    The highest row whose partials all have room is played. Where that changes, the next row fades in over a
    stretch of the grid: what appears or goes then lies within a tenth of half the sample rate.
    """
    splat, splat_integer, to_float, to_integer = ops.splat, ops.splat_integer, ops.to_float, ops.to_integer
    where_less, at_least, at_most, absolute = ops.where_less, ops.at_least, ops.at_most, ops.absolute
    fma, gather, add, both, shift_right = ops.fma, ops.gather, ops.add, ops.both, ops.shift_right
    multiply, as_integer = ops.multiply, ops.as_integer

    @ops.inline
    def row(increment: Any, wave: Any) -> Any:
        """Where in the tables the row of a wave begins that has room at so many cycles a sample."""
        room = at_most(HALF / at_least(absolute(increment), splat(f(1e-6))), splat(MOST_PARTIALS))
        high = add(shift_right(as_integer(room), STEP_BITS), splat_integer(-FIRST_STEP))
        number = where_less(room, splat(LINEAR_ROWS), to_integer(room), high)
        number = add(number, splat_integer(np.int32(1)))
        return add(multiply(number, splat_integer(ROW_LENGTH)), splat_integer(np.int32(wave * TABLE_LENGTH)))

    @ops.inline
    def look_up(table: Any, row: Any, phase: Any) -> Any:
        """A wave at a phase."""
        index = add(shift_right(phase, INDEX_SHIFT), row)
        part = to_float(both(phase, splat_integer(FRACTION_BITS))) * FRACTION
        a, b = gather(table, index), gather(table, add(index, splat_integer(np.int32(1))))
        return fma(part, b - a, a)

    return SimpleNamespace(row=row, look_up=look_up)
