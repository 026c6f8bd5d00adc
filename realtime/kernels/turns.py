"""How far the knobs of a model are turned, 0 to 1: read from values in their units, and smoothed.

The record has what is needed of each knob's range; `turns_code` reads the goals, which anyone writes at any
time, and brings the turns there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...export.model import Knobs

SMOOTHING_S = 0.015
"""Of each of two smoothings, one after the other: no corner in the movement."""
NEAR = 1e-4
"""Of a turn; what is nearer to its goal is there."""

TURN = np.dtype(
    [
        ("minimum", "f8"),
        ("scale", "f8"),  # 1 / (maximum - minimum), or 1 / log(maximum / minimum)
        ("logarithmic", "i8"),
        ("goal", "f8"),  # a turn, as are the following
        ("between", "f8"),  # smoothed once
        ("now", "f8"),  # smoothed twice
        ("seen", "f4"),  # the value that the goal was read from
    ],
    align=True,
)
"""One knob."""


def fill(records: NDArray[Any], knobs: Knobs) -> None:
    """Set `TURN` records up."""
    for record, knob in zip(records, knobs.knobs, strict=True):
        logarithmic = knob.curve == "logarithmic"
        width = math.log(knob.maximum / knob.minimum) if logarithmic else knob.maximum - knob.minimum
        record["minimum"], record["scale"], record["logarithmic"] = knob.minimum, 1.0 / width, logarithmic
        record["seen"] = math.nan


def defaults(knobs: Knobs) -> NDArray[np.float32]:
    """The knobs' default values, in their units."""
    return np.array([knob.default for knob in knobs.knobs], np.float32)
