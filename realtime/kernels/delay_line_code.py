"""A delay line on a ring whose length is a power of two. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

inline = njit(forceinline=True, error_model="numpy")

MOST_SPEED = 0.5
"""Samples a moving delay gains or loses each sample: the pitch bends by a fifth down or up at most."""
CLOSE = 1e-5
"""Samples from the goal at which a moving delay is there."""


@inline
def glide(now: Any, goal: Any, share: Any) -> Any:
    """A delay one sample later: ``share`` of the way to the goal, no faster than `MOST_SPEED`."""
    way = goal - now
    if abs(way) <= CLOSE:
        return goal
    return now + min(max(share * way, -MOST_SPEED), MOST_SPEED)


@inline
def read(ring: Any, mask: Any, place: Any, delay: Any) -> Any:
    """The sample ``delay`` before ``place``: exact for a whole delay, else by Hermite interpolation.

    The cubic through four neighbours with the slopes of Catmull and Rom. Samples from ``place`` -
    ``delay`` - 2 on up to one after it, but none after ``place``, must be written.
    """
    whole = np.int64(delay)
    part = np.float32(delay - whole)
    x1 = ring[(place - whole) & mask]
    if part == np.float32(0.0):
        return x1
    x0 = ring[(place - max(whole - 1, 0)) & mask]
    x2 = ring[(place - whole - 1) & mask]
    x3 = ring[(place - whole - 2) & mask]
    half = np.float32(0.5)
    c1 = half * (x2 - x0)
    c2 = x0 - np.float32(2.5) * x1 + np.float32(2.0) * x2 - half * x3
    c3 = half * (x3 - x0) + np.float32(1.5) * (x1 - x2)
    return ((c3 * part + c2) * part + c1) * part + x1
