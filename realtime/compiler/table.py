"""Walk a table of processors over one block: the only place that calls them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from .abi import channel, context_at
from .layout import ROW
from .memory import bits, call_process, clear_bytes, record_at

row_at = record_at(ROW)
ROW_BYTES = ROW.itemsize
EXPONENT = np.int32(0x7F800000)


@njit(error_model="numpy", nogil=True)
def is_finite(address: Any, stride: Any, channels: Any, frames: Any) -> Any:
    """Whether a planar block has no NaN and no Inf; tests exponent bits, which no flag optimises away."""
    bad = np.int32(0)
    for c in range(channels):
        x = channel(address, stride, c, frames)
        for t in range(frames):
            bad |= np.int32((bits(x[t]) & EXPONENT) == EXPONENT)
    return bad == 0


@njit(error_model="numpy", nogil=True)
def walk(rows: Any, count: Any, context: Any, first: Any, second: Any, frames: Any) -> Any:
    """Run ``count`` processors over the block at ``first``; returns the address of the result.

    ``first`` and ``second`` are two buffers of the context's stride that the processors write in
    turn. A processor that puts out something that is not finite is silent from then on.
    """
    c = context_at(context)
    for k in range(count):
        row = row_at(rows + k * ROW_BYTES)
        if row.muted == 0:
            c.channels = row.inputs
            call_process(row.process, context, row.state, first, second, frames)
            if not is_finite(second, c.stride, row.outputs, frames):
                row.muted = 1
        if row.muted != 0:
            for channel_index in range(row.outputs):
                clear_bytes(second + 4 * c.stride * channel_index, 4 * frames)
        first, second = second, first
    return first
