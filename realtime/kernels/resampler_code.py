"""The compiled side of the resampler. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ..compiler.memory import float32_at
from ..compiler.simd import fma, load, splat, total

LANES = 16


@njit(error_model="numpy", nogil=True)
def push(direction: Any, source: Any, count: Any) -> None:
    """Append ``count`` samples at ``source`` to a direction's past."""
    x, ring = float32_at(source), float32_at(direction.ring)
    place = direction.count % direction.length
    for t in range(count):
        ring[place] = x[t]
        ring[place + direction.length] = x[t]
        place += 1
        if place == direction.length:
            place = 0
    direction.count += count


@njit(error_model="numpy", nogil=True)
def next_sample(direction: Any) -> Any:
    """The next output sample; its inputs must have been pushed."""
    taps = direction.taps
    first = direction.base - taps // 2 + 1
    place = first % direction.length
    if place < 0:
        place += direction.length
    window = direction.ring + 4 * place
    table = direction.table + 4 * taps * direction.phase
    products = splat(np.float32(0.0), LANES)
    for k in range(0, taps, LANES):
        products = fma(load(window + 4 * k, LANES), load(table + 4 * k, LANES), products)
    direction.phase += direction.step
    while direction.phase >= direction.phases:
        direction.phase -= direction.phases
        direction.base += 1
    return total(products)


@njit(error_model="numpy", nogil=True)
def is_ready(direction: Any) -> Any:
    """Whether the next output's inputs are all there."""
    return direction.base + direction.taps // 2 < direction.count
