"""The compiled fast Fourier transform, in steps that can be spread over time; see `fft`.

Imports numba: only where code is compiled. A transform works in four arrays of ``size`` float32:
``re`` and ``im``, and ``re2`` and ``im2``, in which the spectrum stands. Arguments are addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numba import njit

from ..compiler.memory import float32_at
from ..compiler.simd import broadcast, load, store
from .fft import RADIX, ROWS, spans

LANES = 16
inline = njit(forceinline=True, error_model="numpy")
compiled = njit(error_model="numpy", nogil=True)


@dataclass(frozen=True)
class Transform:
    """Compiled steps of a transform.

    Attributes
    ----------
    steps : number of steps each way; all of them, in order, make one transform
    forward, inverse : ``f(step, re, im, re2, im2, table)``; the inverse is not divided by ``size``
    twist : ``f(block, re, im, table)``: a block of ``2 size`` real samples to ``re`` and ``im``
    untwist : ``f(re, im, target, table)``: the second half of a block of real samples from them
    """

    steps: int
    forward: Any
    inverse: Any
    twist: Any
    untwist: Any


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


def _stage(size: int, span: int, butterfly: Any, offset: int) -> Any:
    """All butterflies of a stage whose points lie a vector or more apart."""

    @compiled
    def stage(re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
        for block in range(0, size, RADIX * span):
            for k in range(0, span, LANES):
                place = 4 * (block + k)
                butterfly(re + place, im + place, 4 * span, table + 4 * (offset + k), 4 * span)

    return stage


def _rows(size: int, forward: Any, inverse: Any, offset: int) -> tuple[Any, Any]:
    """The last two stages, on transposed data: the points of a butterfly are whole rows."""
    width = size // ROWS
    step = min(LANES, width)

    @compiled
    def finish(re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
        r, i, r2, i2 = float32_at(re), float32_at(im), float32_at(re2), float32_at(im2)
        for m in range(width):
            for k in range(ROWS):
                r2[k * width + m] = r[m * ROWS + k]
                i2[k * width + m] = i[m * ROWS + k]
        for m in range(0, width, step):
            for k in range(4):
                place = 4 * (k * width + m)
                forward(re2 + place, im2 + place, 16 * width, table + 4 * (offset + k), 16)
            for k in range(4):
                place = 4 * (4 * k * width + m)
                forward(re2 + place, im2 + place, 4 * width, table + 4 * (offset + 24), 4)

    @compiled
    def begin(re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
        r, i, r2, i2 = float32_at(re), float32_at(im), float32_at(re2), float32_at(im2)
        for m in range(0, width, step):
            for k in range(4):
                place = 4 * (4 * k * width + m)
                inverse(re2 + place, im2 + place, 4 * width, table + 4 * (offset + 24), 4)
            for k in range(4):
                place = 4 * (k * width + m)
                inverse(re2 + place, im2 + place, 16 * width, table + 4 * (offset + k), 16)
        for m in range(width):
            for k in range(ROWS):
                r[m * ROWS + k] = r2[k * width + m]
                i[m * ROWS + k] = i2[k * width + m]

    return finish, begin


def _in_steps(functions: Sequence[Any]) -> Callable[..., None]:
    """``f(step, …)`` that calls the function of that number."""
    first, rest = functions[0], functions[1:]
    if not rest:

        @compiled
        def last(step: Any, re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
            first(re, im, re2, im2, table)

        return last
    others = _in_steps(rest)

    @compiled
    def choose(step: Any, re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
        if step == 0:
            first(re, im, re2, im2, table)
        else:
            others(step - 1, re, im, re2, im2, table)

    return choose


def transform(size: int) -> Transform:
    """Compile a transform of ``size`` complex points, a power of four from 64 on."""
    forward, inverse = _butterflies(LANES, load)
    rows_forward, rows_inverse = _butterflies(min(LANES, size // ROWS), broadcast)
    ahead, back = [], []
    offset = 0
    for span in spans(size)[:-2]:
        ahead.append(_stage(size, span, forward, offset))
        back.insert(0, _stage(size, span, inverse, offset))
        offset += 6 * span
    finish, begin = _rows(size, rows_forward, rows_inverse, offset)
    ahead.append(finish)
    back.insert(0, begin)
    angle = 4 * (offset + 6 * (4 + 1))

    @compiled
    def twist(block: Any, re: Any, im: Any, table: Any) -> None:
        for k in range(0, 4 * size, 4 * LANES):
            cosine = load(table + angle + k, LANES)
            sine = load(table + angle + 4 * size + k, LANES)
            r, i = _times(load(block + k, LANES), load(block + 4 * size + k, LANES), cosine, sine)
            store(re + k, r)
            store(im + k, i)

    @compiled
    def untwist(re: Any, im: Any, target: Any, table: Any) -> None:
        for k in range(0, 4 * size, 4 * LANES):
            cosine = load(table + angle + k, LANES)
            sine = load(table + angle + 4 * size + k, LANES)
            _, i = _times_conjugate(load(re + k, LANES), load(im + k, LANES), cosine, sine)
            store(target + k, i)

    return Transform(len(ahead), _in_steps(ahead), _in_steps(back), twist, untwist)
