"""The compiled side of smoothing, see `smoothing`. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

from ..compiler.memory import address_of, float32_at
from .smoothing import GRID, SMOOTHING_S

inline = njit(forceinline=True, error_model="numpy")
compiled = njit(error_model="numpy", nogil=True)

TINY = np.float32(1e-18)
"""What decays below this (-360 dB) is set to 0, long before it gets denormal."""
CLOSE = np.float32(1e-4)
SHARE = np.float32(1.0 / GRID)


@inline
def quiet(value: Any) -> Any:
    """The value, in its own precision, or 0 where it is too small to matter (or no number)."""
    return value if abs(value) > TINY else np.float32(0.0)


@inline
def move(state: Any, k: Any, goal: Any) -> Any:
    """Bring value ``k`` one grid step nearer to ``goal``; whether it was not there yet."""
    now = state.now[k]
    state.before[k] = now
    if now == goal:
        return False
    moved = now + state.step * (goal - now)
    state.now[k] = goal if abs(goal - moved) <= CLOSE * (abs(goal) + CLOSE) else moved
    return True


@compiled
def advance(state: Any, goals: Any, count: Any, rate: Any) -> Any:
    """At a grid point: bring all values one step nearer to their goals; whether any one moved.

    The first time, they are at their goals at once, and that counts as moved.
    """
    if state.started == 0:
        state.started = 1
        state.step = np.float32(1.0 - np.exp(-GRID / (SMOOTHING_S * rate)))
        for k in range(count):
            state.now[k] = goals[k]
            state.before[k] = goals[k]
        return True
    moved = False
    for k in range(count):
        if move(state, k, goals[k]):
            moved = True
    return moved


@inline
def goals(state: Any, count: Any) -> Any:
    """The goals that a record starts with."""
    return carray(float32_at(address_of(state)), (count,))


@inline
def ramp(state: Any, k: Any, place: Any) -> Any:
    """Value ``k`` at the sample ``place`` of the present stretch, 0 to `GRID` - 1, on a straight line."""
    before = state.before[k]
    return before + (state.now[k] - before) * (SHARE * np.float32(place + 1))


@inline
def step_over(state: Any, count: Any) -> None:
    """Count samples on the grid; never past its next point."""
    phase = state.phase + count
    state.phase = 0 if phase == GRID else phase


@inline
def decibels(value: Any) -> Any:
    """A level in dB as a factor."""
    return np.float32(10.0 ** (np.float64(value) / 20.0))
