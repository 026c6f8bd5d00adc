"""Sixteen values side by side, against NumPy."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray
from tonerig.realtime.compiler import lanes
from tonerig.realtime.synths.oscillators import oscillators, powers
from tonerig.realtime.synths.target_code import sixteen

Pair = namedtuple("Pair", "x y")
Mixed = namedtuple("Mixed", "x n")
FLOATS = np.dtype([(name, "f4", (16,)) for name in "xyz"])
BOTH = np.dtype([("x", "f4", (16,)), ("n", "i4", (16,)), ("m", "i4", (16,))])
RANDOM = np.random.default_rng(3)
load_pair, store_pair = lanes.access(Pair, FLOATS)
load_mixed, store_mixed = lanes.access(Mixed, BOTH)


def _through(function: object, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """``function(x, y)`` of sixteen pairs, by compiled code."""
    compiled = njit(function)

    @njit
    def run(address: int) -> None:
        pair = load_pair(address)
        store_pair(address, Pair(compiled(pair.x, pair.y), pair.y))

    record = np.zeros((), FLOATS)
    record["x"], record["y"] = x, y
    run(record.ctypes.data)
    assert np.array_equal(record["y"], np.float32(y))
    return record["x"].copy()


@pytest.mark.parametrize(
    ("ours", "numpys"),
    [
        (lambda x, y: lanes.at_least(x, y), np.maximum),
        (lambda x, y: lanes.at_most(x, y), np.minimum),
        (lambda x, y: lanes.where_less(x, y, y, x), np.maximum),
        (lambda x, y: lanes.nearest(x), lambda x, y: np.rint(x)),
        (lambda x, y: lanes.to_float(lanes.to_integer(x)), lambda x, y: np.trunc(x)),
        (lambda x, y: lanes.as_float(lanes.as_integer(y)), lambda x, y: y),
        (
            lambda x, y: x * np.float32(3) - np.float32(2) / y,
            lambda x, y: x * np.float32(3) - np.float32(2) / y,
        ),
    ],
)
def test_floats(ours: object, numpys: object) -> None:
    """Every operation gives the bits that NumPy gives, a scalar standing for sixteen of its kind."""
    x, y = (RANDOM.uniform(-9, 9, 16).astype(np.float32) for _ in range(2))
    assert np.array_equal(_through(ours, x, y), numpys(x, y))


def test_the_second_is_taken_where_the_first_is_no_number() -> None:
    """A NaN in the first argument of a comparison leaves the second."""
    x, y = np.full(16, np.nan, np.float32), np.arange(16, dtype=np.float32)
    assert np.array_equal(_through(lambda x, y: lanes.at_most(x, y), x, y), y)
    assert np.array_equal(_through(lambda x, y: lanes.at_least(x, y), x, y), y)


def test_integers_wrap_around_and_shift_zeros_in() -> None:
    """Sums and products are taken modulo 2³²; shifts are of bits, not of numbers."""

    @njit
    def run(address: int) -> None:
        mixed = load_mixed(address)
        n = mixed.n
        product = lanes.multiply(n, lanes.splat_integer(np.int32(1664525)))
        total = lanes.add(product, lanes.splat_integer(np.int32(1013904223)))
        store_mixed(address, Mixed(lanes.to_float(lanes.shift_right(total, np.int32(9))), total))

    record = np.zeros((), BOTH)
    record["n"] = n = RANDOM.integers(-(2**31), 2**31, 16).astype(np.int32)
    run(record.ctypes.data)
    expected = (n.astype(np.uint32) * np.uint32(1664525) + np.uint32(1013904223)).astype(np.uint32)
    assert np.array_equal(record["n"].astype(np.uint32), expected)
    assert np.array_equal(record["x"], (expected >> 9).astype(np.float32))


def test_tables_and_differences() -> None:
    """A look-up takes the float at each index; a single lane that differs is seen."""
    table = RANDOM.uniform(size=100).astype(np.float32)

    @njit
    def run(address: int, table: int) -> bool:
        mixed = load_mixed(address)
        store_mixed(address, Mixed(lanes.gather(table, mixed.n), mixed.n))
        return lanes.differ(mixed.n, lanes.splat_integer(np.int32(7)))

    record = np.zeros((), BOTH)
    record["n"] = n = RANDOM.integers(0, 100, 16).astype(np.int32)
    assert run(record.ctypes.data, table.ctypes.data)
    assert np.array_equal(record["x"], table[n])
    record["n"] = 7
    assert not run(record.ctypes.data, table.ctypes.data)
    record["n"][11] = 8
    assert run(record.ctypes.data, table.ctypes.data)


def test_sines_powers_and_filters_frequencies() -> None:
    """The polynomials of voices are within float32's rounding of NumPy's double precision."""
    ops = sixteen()
    sine, exp2, warped = oscillators(ops).sine, powers(ops).exp2, powers(ops).warped
    for k in range(50):
        x = np.linspace(-0.5, 0.5, 800).astype(np.float32)[16 * k : 16 * k + 16]
        assert np.allclose(
            _through(lambda x, y: sine(x), x, x), np.sin(2 * np.pi * x.astype(float)), atol=3e-7
        )
        assert np.allclose(
            _through(lambda x, y: exp2(x), 20 * x, x), np.exp2(20 * x.astype(float)), rtol=2e-6
        )
        part = np.abs(x) * 0.9
        tangent = np.tan(np.pi * part.astype(float))
        assert np.allclose(_through(lambda x, y: warped(x), part, x), tangent, rtol=3e-6, atol=1e-7)
