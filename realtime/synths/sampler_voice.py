"""A voice of the sampler, sample by sample. Written once for every target.

It reads a recording that `recordings` has laid out, at any speed: Lagrange's polynomial through six places,
one of those that O. Niemitalo compares in *Polynomial Interpolators for High-Quality Resampling of
Oversampled Audio* (2001). At a place itself it gives that place's value exactly. Then come an envelope, a
low-pass, which is exactly out of the way when it is open, and the zone's gains.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .layout import OLDEST, named
from .low_pass import low_pass
from .oscillators import ONE, ZERO, f

Coefficients = named(
    "Coefficients",
    [
        "end",  # index of the first place of six at which the recording has rung out
        "aside",  # from the left channel to the right one; 0: there is one channel
        "step",  # places a sample
        "step_fraction",
        "narrow",  # share of the other channel: 0 is as recorded, 1/2 is mono
        "left_share",  # gains of the zone
        "right_share",
        "attack_rate",  # envelope: a sample
        "attack_start",
        "release_rate",
        "held",  # 1 while the key is down, then 0
        "closed",  # 0: the low-pass is out of the way
        "a1",
        "a2",
        "a3",
    ],
)
Memory = named(
    "Memory",
    [
        "place",  # up to the end, which is 0
        "fraction",  # of a place, 2³¹ to the whole
        "age",  # samples that the key was down
        "released",  # samples since
        "left_1",
        "left_2",
        "right_1",
        "right_2",
    ],
)
INTEGERS = ("end", "aside", "step", "step_fraction", "place", "fraction")
FIELDS = [
    ("root", "f4"),  # pitch at which the recording sounds as it is
    ("choke", "i4"),
    *((name, "i4" if name in INTEGERS else "f4") for name in (*Coefficients._fields, *Memory._fields)),
]
FRACTION_BITS = np.int32(31)
FRACTION_MASK = np.int32(2**31 - 1)
PER_PLACE = f(2.0**31)
FRACTION = f(2.0**-31)
TWO, THREE = f(2), f(3)


def voice(ops: Any) -> Any:
    """``step(samples, coefficients, memory) -> (left, right, memory)`` for one target, sample by sample."""
    add, fma, splat, splat_integer = ops.add, ops.fma, ops.splat, ops.splat_integer
    at_least, at_most, where_less, gather = ops.at_least, ops.at_most, ops.where_less, ops.gather
    both, shift_right, to_float, low_passed = ops.both, ops.shift_right, ops.to_float, low_pass(ops)

    @ops.inline
    def weights(x: Any) -> Any:
        """Of six places, -2 to 3, for the value at ``x``, 0 to 1."""
        a, b, c, d, e = x + TWO, x + ONE, x - ONE, x - TWO, x - THREE
        p, q, r = a * b, d * e, c * x
        return (
            b * r * q * f(-1 / 120),
            a * r * q * f(1 / 24),
            p * c * q * f(-1 / 12),
            p * x * q * f(1 / 12),
            p * r * e * f(-1 / 24),
            p * r * d * f(1 / 120),
        )

    @ops.inline
    def read(samples: Any, index: Any, w: Any) -> Any:
        """The sum of six places from ``index`` on, weighted."""
        one = splat_integer(np.int32(1))
        k1 = add(index, one)
        k2 = add(k1, one)
        k3 = add(k2, one)
        k4 = add(k3, one)
        k5 = add(k4, one)
        near = fma(w[2], gather(samples, k2), w[3] * gather(samples, k3))
        far = fma(w[1], gather(samples, k1), w[4] * gather(samples, k4))
        farther = fma(w[0], gather(samples, index), w[5] * gather(samples, k5))
        return near + (far + farther)

    @ops.inline
    def moved(c: Any, m: Any) -> Any:
        """The next place and fraction; a recording's end is not passed."""
        sum_ = add(m.fraction, c.step_fraction)
        place = add(add(m.place, c.step), shift_right(sum_, FRACTION_BITS))
        place = where_less(to_float(place), splat(ZERO), place, splat_integer(np.int32(0)))
        return place, both(sum_, splat_integer(FRACTION_MASK))

    @ops.inline
    def envelope(c: Any, m: Any) -> Any:
        rise = at_most(splat(ONE), fma(m.age, c.attack_rate, c.attack_start))
        return rise * at_least(splat(ZERO), ONE - m.released * c.release_rate)

    @ops.inline
    def filtered(c: Any, x: Any, first: Any, second: Any) -> Any:
        """The low-pass, blended in."""
        y, first, second = low_passed(c.a1, c.a2, c.a3, x, first, second)
        return fma(c.closed, y - x, x), first, second

    @ops.inline
    def step(samples: Any, c: Any, m: Any) -> Any:
        index = add(c.end, m.place)
        w = weights(to_float(m.fraction) * FRACTION)
        level = envelope(c, m)
        left, left_1, left_2 = filtered(c, read(samples, index, w) * level, m.left_1, m.left_2)
        right, right_1, right_2 = filtered(
            c, read(samples, add(index, c.aside), w) * level, m.right_1, m.right_2
        )
        place, fraction = moved(c, m)
        after = Memory(
            place,
            fraction,
            at_most(m.age + c.held, splat(OLDEST)),
            m.released + (ONE - c.held),
            left_1,
            left_2,
            right_1,
            right_2,
        )
        wide_left = fma(c.narrow, right - left, left) * c.left_share
        wide_right = fma(c.narrow, left - right, right) * c.right_share
        return wide_left, wide_right, after

    return step
