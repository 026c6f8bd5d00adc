"""The compiled side of `turns`. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ..compiler.memory import float32_at, record_at
from .turns import NEAR, TURN

turn_at = record_at(TURN)
TURN_BYTES = TURN.itemsize


@njit(error_model="numpy", nogil=True)
def listen(turns: Any, goals: Any, count: Any) -> Any:
    """Take the values that were written as the turns' goals; whether any is new."""
    news = False
    for k in range(count):
        turn = turn_at(turns + TURN_BYTES * k)
        value = float32_at(goals)[k]
        if value != turn.seen:
            turn.seen = value
            above = np.float64(value) - turn.minimum
            if turn.logarithmic != 0:
                above = np.log(np.float64(value) / turn.minimum)
            turn.goal = min(max(above * turn.scale, 0.0), 1.0)
            news = True
    return news


@njit(error_model="numpy", nogil=True)
def jump(turns: Any, count: Any) -> None:
    """Be at the goals."""
    for k in range(count):
        turn = turn_at(turns + TURN_BYTES * k)
        turn.between = turn.now = turn.goal


@njit(error_model="numpy", nogil=True)
def approach(turns: Any, count: Any, share: Any) -> Any:
    """Go nearer to the goals; whether any is still away from its own."""
    away = False
    for k in range(count):
        turn = turn_at(turns + TURN_BYTES * k)
        turn.between += share * (turn.goal - turn.between)
        turn.now += share * (turn.between - turn.now)
        if abs(turn.goal - turn.between) < NEAR and abs(turn.goal - turn.now) < NEAR:
            turn.between = turn.now = turn.goal
        away = away or turn.now != turn.goal
    return away
