"""The form of a processor's compiled code, and the decorator that gives a function that form.

``process(context, state, source, target, frames)`` works on planar float32: channel ``c`` starts
``c * context.stride`` samples after ``source`` (an address). ``source`` and ``target`` never overlap.
``frames`` may be anything from 1 to the ``max_block`` given to ``prepare``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types

from .layout import CONTEXT
from .memory import float32_at, record_at

PROCESS = types.void(*[types.int64] * 5)
context_at = record_at(CONTEXT)


def audio_function(state: np.dtype[Any]) -> Callable[[Callable[..., None]], Any]:
    """Turn ``f(context, state, source, target, frames)`` into a C function for the program's table.

    ``context`` and ``state`` arrive as records of `CONTEXT` and of the given dtype, whose fields
    are read and written in place; array fields are views.
    """
    state_at = record_at(state)

    def decorate(function: Callable[..., None]) -> Any:
        body = njit(error_model="numpy", nogil=True)(function)

        def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> Any:
            body(context_at(context), state_at(state), source, target, frames)

        process.__qualname__ = process.__name__ = function.__name__
        return cfunc(PROCESS, nopython=True, error_model="numpy")(process)

    return decorate


@njit(inline="always", error_model="numpy")
def channel(address: int, stride: int, index: int, frames: int) -> Any:
    """One channel of a planar block as a float32 array of ``frames`` samples."""
    return carray(float32_at(address + 4 * stride * index), (frames,))
