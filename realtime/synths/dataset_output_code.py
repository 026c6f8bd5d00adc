"""What the data sets' renderers do with sixteen sounds side by side: write them one after the other."""

from __future__ import annotations

from typing import Any

from ..compiler.memory import float32_at
from ..processors.smoothing_code import compiled
from .layout import LANES


@compiled
def write(side_by_side: Any, output: Any, frames: Any, start: Any, count: Any, sounds: Any) -> None:
    """Turn a stretch of sixteen sounds side by side into so many stretches of sound.

    Parameters
    ----------
    side_by_side : address of ``count`` rows of `LANES` samples
    output : address of the first sound, each of so many ``frames``
    start : the frame at which the stretch begins
    """
    x, y = float32_at(side_by_side), float32_at(output)
    for lane in range(sounds):
        for t in range(count):
            y[lane * frames + start + t] = x[LANES * t + lane]
