"""The targets that voice code is compiled for: sixteen voices side by side, or one for each CUDA thread."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import cuda, njit

from ..compiler import lanes, simd


def sixteen() -> SimpleNamespace:
    """The operations of a voice on sixteen values side by side."""
    inline = njit(forceinline=True, error_model="numpy")
    return SimpleNamespace(**vars(lanes), fma=simd.fma, absolute=simd.absolute, inline=inline)


def one_on_cuda() -> SimpleNamespace:
    """The operations of a voice, without tables, on single values of a CUDA kernel."""
    return one(cuda.jit(device=True, inline=True))


def one(inline: Any) -> SimpleNamespace:
    """The operations of a voice, without tables, on single values, compiled by a decorator."""
    i32, f32 = np.int32, np.float32

    @inline
    def same(x: Any) -> Any:
        return x

    @inline
    def add(a: Any, b: Any) -> Any:
        return i32(a + b)

    @inline
    def to_float(x: Any) -> Any:
        return f32(x)

    @inline
    def to_integer(x: Any) -> Any:
        return i32(x)

    @inline
    def nearest(x: Any) -> Any:
        return f32(round(x))

    @inline
    def fma(a: Any, b: Any, c: Any) -> Any:
        return a * b + c

    @inline
    def at_least(a: Any, b: Any) -> Any:
        return a if a > b else b

    @inline
    def at_most(a: Any, b: Any) -> Any:
        return a if a < b else b

    @inline
    def absolute(a: Any) -> Any:
        return -a if a < f32(0) else a

    @inline
    def where_less(a: Any, b: Any, x: Any, y: Any) -> Any:
        return x if a < b else y

    return SimpleNamespace(
        inline=inline,
        splat=same,
        splat_integer=same,
        add=add,
        to_float=to_float,
        to_integer=to_integer,
        nearest=nearest,
        fma=fma,
        at_least=at_least,
        at_most=at_most,
        absolute=absolute,
        where_less=where_less,
    )
