"""Sines, powers and band-limited waves for the code of voices.

Written once for every target: ``ops`` has the operations on a voice (or on sixteen side by side), see
`compiler.lanes`. Phases are integers, 2³² to the cycle; *turns* are the same as a float, from -1/2 to 1/2.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

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
STEP_MASK = np.int32(2**20 - 1)
FIRST_STEP = np.int32(((127 + 3) << 3) - LINEAR)
"""Of 8.0, exponent and three bits of mantissa, less the row that stands for it."""
PER_STEP = f(2.0**-20)
LINEAR_ROWS, MOST_PARTIALS = f(LINEAR), f(MOST)


def oscillators(ops: Any) -> SimpleNamespace:
    """The functions for one target."""
    splat, splat_integer, to_float, to_integer = ops.splat, ops.splat_integer, ops.to_float, ops.to_integer
    where_less, at_least, at_most, nearest = ops.where_less, ops.at_least, ops.at_most, ops.nearest
    fma, gather, add, both, shift_right = ops.fma, ops.gather, ops.add, ops.both, ops.shift_right
    multiply, as_float, as_integer, absolute = ops.multiply, ops.as_float, ops.as_integer, ops.absolute
    s1, s3, s5, s7, s9 = SINE
    e0, e1, e2, e3, e4, e5, e6 = EXP2

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
    def sine(x: Any) -> Any:
        """sin(2πx) for x from -1/2 to 1/2."""
        size = absolute(x)
        y = at_most(size, HALF - size)
        u = y * y
        result = fma(fma(fma(fma(splat(s9), u, splat(s7)), u, splat(s5)), u, splat(s3)), u, splat(s1)) * y
        return where_less(x, splat(ZERO), ZERO - result, result)

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

    @ops.inline
    def row(increment: Any, wave: Any) -> Any:
        """Index of the lower row for so many cycles a sample, and the share of the upper one."""
        room = at_most(HALF / at_least(absolute(increment), splat(f(1e-6))), splat(MOST_PARTIALS))
        whole = to_integer(room)
        bits = as_integer(room)
        high = add(shift_right(bits, STEP_BITS), splat_integer(-FIRST_STEP))
        share = to_float(both(bits, splat_integer(STEP_MASK))) * PER_STEP
        few = room
        number = where_less(few, splat(LINEAR_ROWS), whole, high)
        blend = where_less(few, splat(LINEAR_ROWS), room - to_float(whole), share)
        index = add(multiply(number, splat_integer(ROW_LENGTH)), splat_integer(np.int32(wave * TABLE_LENGTH)))
        return index, blend

    @ops.inline
    def look_up(table: Any, first: Any, blend: Any, phase: Any) -> Any:
        """A wave at a phase, from the row at index ``first`` and the next one."""
        index = add(shift_right(phase, INDEX_SHIFT), first)
        part = to_float(both(phase, splat_integer(FRACTION_BITS))) * FRACTION
        one = splat_integer(np.int32(1))
        upper = add(index, splat_integer(ROW_LENGTH))
        a, b = gather(table, index), gather(table, add(index, one))
        c, d = gather(table, upper), gather(table, add(upper, one))
        low = fma(part, b - a, a)
        high = fma(part, d - c, c)
        return fma(blend, high - low, low)

    return SimpleNamespace(
        turns=turns, phase_of=phase_of, sine=sine, exp2=exp2, warped=warped, row=row, look_up=look_up
    )
