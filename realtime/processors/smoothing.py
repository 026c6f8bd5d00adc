"""Parameters that move in small steps on a fixed grid of samples, so that a turned knob makes no click.

A processor's record starts with `fields`: the goals, which anyone writes at any time, and behind them
where the sound is on its way there. `smoothing_code` moves it, once each `GRID` samples counted
from the processor's own start: what a sample's bits are does not depend on the blocks it comes in.
"""

from __future__ import annotations

from typing import Any

from ..parameters import Parameter

GRID = 16
"""Samples between two points at which parameters move and filters are computed anew."""
SMOOTHING_S = 0.01


def fields(parameters: tuple[Parameter, ...], smoothed: int | None = None) -> list[Any]:
    """Fields that a smoothed processor's record starts with: a goal for each parameter, then the rest.

    Parameters
    ----------
    parameters : in the order of the goals
    smoothed : how many values move; all parameters' by default
    """
    count = len(parameters) if smoothed is None else smoothed
    return [
        *((parameter.name, "f4") for parameter in parameters),
        ("now", "f4", (count,)),  # at the end of the present stretch of the grid
        ("before", "f4", (count,)),  # at its start
        ("step", "f4"),
        ("phase", "i8"),  # samples since the last grid point
        ("started", "i8"),
    ]
