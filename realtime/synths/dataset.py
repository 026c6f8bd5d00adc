"""Sounds of the four-oscillator synthesizer as the paper's data set renders them: fast, on all cores.

The same voice as the instrument's, with the waves' formulas in place of tables: the paper's carriers start
at 440 Hz, its rate is 16 384 Hz, and what that folds back belongs to its sounds.
"""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..compiler.layout import State, aligned
from ..compiler.unit import Unit, load
from .four import ESTIMATED, FourOscillators
from .layout import LANES

RATE = 16384.0
FRAMES = 16384
KEY_UP_S = 0.3
AT_ONCE = 4 * LANES
"""Sounds that one call renders."""


def render_levels(levels: ArrayLike, **how: object) -> NDArray[np.float32]:
    """Sounds for levels of the grid; see `render_values`.

    Parameters
    ----------
    levels : shape (sounds, 23), 0 to 15, in the order of `four.ESTIMATED`
    """
    grid = np.stack([parameter.grid() for parameter in ESTIMATED])
    chosen = np.asarray(levels)
    return render_values(grid[np.arange(len(ESTIMATED)), chosen], **how)


def render_values(
    values: ArrayLike,
    *,
    modulation: str = "frequency",
    rate: float = RATE,
    frames: int = FRAMES,
    key_up_s: float = KEY_UP_S,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Sounds for parameter values.

    Parameters
    ----------
    values : shape (sounds, 23), in the parameters' units and the order of `four.ESTIMATED`
    modulation : what modulators move, ``"frequency"`` or ``"phase"``, see `four_voice`
    rate : in Hz
    frames : of each sound
    key_up_s : seconds after which the key is let go
    threads : how many; as many as there are cores by default

    Returns
    -------
    ndarray, shape (sounds, frames)
        Plain sums of the oscillators: four at full level reach beyond 1.

    Raises
    ------
    ValueError
        when the shape is not (sounds, 23).
    """
    table = np.ascontiguousarray(values, np.float64)
    if table.ndim != 2 or table.shape[1] != len(ESTIMATED):
        raise ValueError(f"expected values of shape (sounds, {len(ESTIMATED)}), found {table.shape}")
    output = np.empty((len(table), frames), np.float32)
    unit = load(Unit.of("synths.dataset_code", modulation=modulation))
    word, real = ctypes.c_int64, ctypes.c_double
    render = unit.function("render", word, word, word, word, real, word, word, word)
    key_up = min(frames, round(key_up_s * rate))

    def some(first: int) -> None:
        part, sounds = table[first:], min(AT_ONCE, len(table) - first)
        record, scratch = State(FourOscillators.record), aligned(4 * LANES * LANES)
        addresses = record.address, scratch.ctypes.data, output[first:].ctypes.data
        render(part.ctypes.data, sounds, frames, key_up, rate, *addresses)

    starts = range(0, len(table), AT_ONCE)
    count = threads or os.cpu_count() or 1
    if count == 1 or len(starts) <= 1:
        for first in starts:
            some(first)
    else:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(some, starts))
    return output
