"""The compiled fast Fourier transform, in steps that can be spread over time; see `fft`.

Imports numba: only where code is compiled. A transform works in four arrays of ``size`` float32:
``re`` and ``im``, and ``re2`` and ``im2``, in which the spectrum stands. Arguments are addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numba import njit

from ..compiler.memory import float32_at
from ..compiler.simd import broadcast, load, store
from .fft import RADIX, ROWS, spans

LANES = 16
bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # no code for calls from Python
inline = njit(forceinline=True, error_model="numpy", **bare)
compiled = njit(error_model="numpy", nogil=True, **bare)


@dataclass(frozen=True)
class Transform:
    """Compiled steps of a transform.

    Attributes
    ----------
    steps : number of steps each way; all of them, in order, make one transform
    forward, inverse : ``f(step, re, im, re2, im2, table)``; the inverse is not divided by ``size``
    """

    steps: int
    forward: Any
    inverse: Any


@inline
def _times(a: Any, b: Any, c: Any, d: Any) -> Any:
    """``(a + i b) (c + i d)``."""
    return a * c - b * d, a * d + b * c


@inline
def _times_conjugate(a: Any, b: Any, c: Any, d: Any) -> Any:
    """``(a + i b) (c − i d)``."""
    return a * c + b * d, b * c - a * d


def _butterflies(lanes: int, factor: Any) -> tuple[Any, Any]:
    """Radix-4 butterflies on vectors; ``factor(address, lanes)`` reads a twiddle factor."""

    @inline
    def forward(re: Any, im: Any, stride: Any, table: Any, row: Any) -> None:
        r0, i0 = load(re, lanes), load(im, lanes)
        r1, i1 = load(re + stride, lanes), load(im + stride, lanes)
        r2, i2 = load(re + 2 * stride, lanes), load(im + 2 * stride, lanes)
        r3, i3 = load(re + 3 * stride, lanes), load(im + 3 * stride, lanes)
        sum_r, sum_i, difference_r, difference_i = r0 + r2, i0 + i2, r0 - r2, i0 - i2
        odd_r, odd_i, turned_r, turned_i = r1 + r3, i1 + i3, i1 - i3, r3 - r1
        store(re, sum_r + odd_r)
        store(im, sum_i + odd_i)
        r, i = _times(
            difference_r + turned_r, difference_i + turned_i, factor(table, lanes), factor(table + row, lanes)
        )
        store(re + stride, r)
        store(im + stride, i)
        r, i = _times(
            sum_r - odd_r, sum_i - odd_i, factor(table + 2 * row, lanes), factor(table + 3 * row, lanes)
        )
        store(re + 2 * stride, r)
        store(im + 2 * stride, i)
        r, i = _times(
            difference_r - turned_r,
            difference_i - turned_i,
            factor(table + 4 * row, lanes),
            factor(table + 5 * row, lanes),
        )
        store(re + 3 * stride, r)
        store(im + 3 * stride, i)

    @inline
    def inverse(re: Any, im: Any, stride: Any, table: Any, row: Any) -> None:
        r0, i0 = load(re, lanes), load(im, lanes)
        r1, i1 = _times_conjugate(
            load(re + stride, lanes),
            load(im + stride, lanes),
            factor(table, lanes),
            factor(table + row, lanes),
        )
        r2, i2 = _times_conjugate(
            load(re + 2 * stride, lanes),
            load(im + 2 * stride, lanes),
            factor(table + 2 * row, lanes),
            factor(table + 3 * row, lanes),
        )
        r3, i3 = _times_conjugate(
            load(re + 3 * stride, lanes),
            load(im + 3 * stride, lanes),
            factor(table + 4 * row, lanes),
            factor(table + 5 * row, lanes),
        )
        sum_r, sum_i, difference_r, difference_i = r0 + r2, i0 + i2, r0 - r2, i0 - i2
        odd_r, odd_i, turned_r, turned_i = r1 + r3, i1 + i3, i3 - i1, r1 - r3
        store(re, sum_r + odd_r)
        store(im, sum_i + odd_i)
        store(re + stride, difference_r + turned_r)
        store(im + stride, difference_i + turned_i)
        store(re + 2 * stride, sum_r - odd_r)
        store(im + 2 * stride, sum_i - odd_i)
        store(re + 3 * stride, difference_r - turned_r)
        store(im + 3 * stride, difference_i - turned_i)

    return forward, inverse


_forward, _inverse = _butterflies(LANES, load)


@inline
def _factors(table: Any, size: Any, span: Any) -> Any:
    """Where a stage's twiddle factors start; with all stages' behind, the twist's at ``8 (size - 1)``."""
    return table + 8 * (size - RADIX * span)


@compiled
def _stage_forward(re: Any, im: Any, size: Any, span: Any, table: Any) -> None:
    """All butterflies of a stage whose points lie a vector or more apart."""
    factors = _factors(table, size, span)
    block = 0
    while block < size:
        for k in range(0, span, LANES):
            place = 4 * (block + k)
            _forward(re + place, im + place, 4 * span, factors + 4 * k, 4 * span)
        block += RADIX * span


@compiled
def _stage_inverse(re: Any, im: Any, size: Any, span: Any, table: Any) -> None:
    """The same, backwards."""
    factors = _factors(table, size, span)
    block = 0
    while block < size:
        for k in range(0, span, LANES):
            place = 4 * (block + k)
            _inverse(re + place, im + place, 4 * span, factors + 4 * k, 4 * span)
        block += RADIX * span


def _rows(size: int, forward: Any, inverse: Any) -> tuple[Any, Any, Any, Any]:
    """The last two stages, on transposed data: the points of a butterfly are whole rows."""
    width = size // ROWS
    step = min(LANES, width)

    @compiled
    def to_rows(re: Any, im: Any, re2: Any, im2: Any) -> None:
        r, i, r2, i2 = float32_at(re), float32_at(im), float32_at(re2), float32_at(im2)
        for m in range(width):
            for k in range(ROWS):
                r2[k * width + m] = r[m * ROWS + k]
                i2[k * width + m] = i[m * ROWS + k]

    @compiled
    def from_rows(re: Any, im: Any, re2: Any, im2: Any) -> None:
        r, i, r2, i2 = float32_at(re), float32_at(im), float32_at(re2), float32_at(im2)
        for m in range(width):
            for k in range(ROWS):
                r[m * ROWS + k] = r2[k * width + m]
                i[m * ROWS + k] = i2[k * width + m]

    @compiled
    def finish(re2: Any, im2: Any, table: Any) -> None:
        fours, ones = _factors(table, size, 4), _factors(table, size, 1)
        for m in range(0, width, step):
            for k in range(4):
                place = 4 * (k * width + m)
                forward(re2 + place, im2 + place, 16 * width, fours + 4 * k, 16)
            for k in range(4):
                place = 4 * (4 * k * width + m)
                forward(re2 + place, im2 + place, 4 * width, ones, 4)

    @compiled
    def begin(re2: Any, im2: Any, table: Any) -> None:
        fours, ones = _factors(table, size, 4), _factors(table, size, 1)
        for m in range(0, width, step):
            for k in range(4):
                place = 4 * (4 * k * width + m)
                inverse(re2 + place, im2 + place, 4 * width, ones, 4)
            for k in range(4):
                place = 4 * (k * width + m)
                inverse(re2 + place, im2 + place, 16 * width, fours + 4 * k, 16)

    return to_rows, finish, begin, from_rows


@compiled
def twist(block: Any, re: Any, im: Any, size: Any, table: Any) -> None:
    """Put a block of ``2 size`` real samples into ``re`` and ``im``."""
    angle = table + 8 * (size - 1)
    for k in range(0, 4 * size, 4 * LANES):
        cosine, sine = load(angle + k, LANES), load(angle + 4 * size + k, LANES)
        r, i = _times(load(block + k, LANES), load(block + 4 * size + k, LANES), cosine, sine)
        store(re + k, r)
        store(im + k, i)


@compiled
def untwist(re: Any, im: Any, target: Any, size: Any, table: Any) -> None:
    """Write the second half of a block of real samples, taken from ``re`` and ``im``."""
    angle = table + 8 * (size - 1)
    for k in range(0, 4 * size, 4 * LANES):
        cosine, sine = load(angle + k, LANES), load(angle + 4 * size + k, LANES)
        _, i = _times_conjugate(load(re + k, LANES), load(im + k, LANES), cosine, sine)
        store(target + k, i)


def transform(size: int) -> Transform:
    """Compile a transform of ``size`` complex points, a power of four from 64 on."""
    stages = len(spans(size)) - 2
    narrow = _butterflies(min(LANES, size // ROWS), broadcast)
    to_rows, finish, begin, from_rows = _rows(size, *narrow)

    @compiled
    def forward(step: Any, re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
        if step < stages:
            _stage_forward(re, im, size, size >> 2 * (step + 1), table)
        elif step == stages:
            to_rows(re, im, re2, im2)
        else:
            finish(re2, im2, table)

    @compiled
    def inverse(step: Any, re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
        if step == 0:
            begin(re2, im2, table)
        elif step == 1:
            from_rows(re, im, re2, im2)
        else:
            _stage_inverse(re, im, size, size >> 2 * (stages + 2 - step), table)

    return Transform(stages + 2, forward, inverse)
