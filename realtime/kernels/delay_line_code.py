"""A delay line on a ring whose length is a power of two. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

inline = njit(forceinline=True, error_model="numpy")

MOST_SPEED = 0.5
"""Samples a moving delay gains or loses each sample: the pitch bends by a fifth down or up at most."""
GLIDE_S, BEND_S = 0.05, 0.005
CLOSE = 1e-5
"""Samples from the goal, and a sample, at which a moving delay is there."""

TINY = np.float32(1e-18)


@inline
def quiet(value: Any) -> Any:
    """A float32, or 0 where it is below -360 dB, long before it gets denormal."""
    return value if abs(value) > TINY else np.float32(0.0)


@inline
def glide(now: Any, speed: Any, goal: Any, rate: Any) -> Any:
    """A delay and its speed one sample later: most of the way to the goal within `GLIDE_S`.

    The speed is bounded by `MOST_SPEED` and changes within `BEND_S`, so that the wave has no corner.
    """
    way = goal - now
    if abs(way) <= CLOSE and abs(speed) <= CLOSE:
        return goal, speed * 0.0
    wanted = min(max(way / (GLIDE_S * rate), -MOST_SPEED), MOST_SPEED)
    speed += (wanted - speed) / (BEND_S * rate)
    return now + speed, speed


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
