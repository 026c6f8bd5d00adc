"""Checks of single arrays of weights: their shape, and that every number is finite."""

from __future__ import annotations

import numpy as np

from .errors import UnsoundError
from .model import Array

MAX_CHANNELS = 2048


def size_of(array: Array, dimensions: int, name: str, maximum: int = MAX_CHANNELS) -> int:
    """The length of the first of an array's ``dimensions``, 1 to ``maximum``."""
    if array.ndim != dimensions:
        raise UnsoundError(f"{name} has a weight of {array.ndim} dimensions, but {dimensions} are expected")
    if not 1 <= array.shape[0] <= maximum:
        raise UnsoundError(f"{name} has {array.shape[0]} channels, but 1 to {maximum} are expected")
    return array.shape[0]


def array_of(array: Array, shape: tuple[int, ...], name: str) -> None:
    """Check that an array has this shape and finite numbers."""
    if array.shape != shape:
        found, expected = (" × ".join(map(str, s)) for s in (array.shape, shape))
        raise UnsoundError(f"{name} has {found} weights, but {expected} are expected")
    if not np.isfinite(array).all():
        raise UnsoundError(f"{name} has a weight that is not finite")
