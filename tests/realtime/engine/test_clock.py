"""Missing blocks told from late ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tonerig.realtime.engine.clock import DeviceClock

RATE, BLOCK = 48000.0, 64
PERIOD_NS = 1e9 * BLOCK / RATE


def _count(cycles: np.ndarray[tuple[int], np.dtype[np.float64]], chunk: int) -> int:
    """Missing blocks for callbacks that begin at these times, in periods, read in chunks."""
    clock = DeviceClock(RATE)
    started = np.round(cycles * PERIOD_NS).astype(np.int64)
    for start in range(0, started.size, chunk):
        part = started[start : start + chunk]
        clock.add(part, np.full(part.size, BLOCK))
    return clock.missing


@settings(deadline=None)
@given(
    st.sets(st.integers(100, 1900), max_size=20),
    st.integers(1, 300),
    st.floats(-100e-6, 100e-6),
    st.integers(0, 10),
)
def test_lost_blocks_are_counted_and_late_ones_are_not(
    lost: set[int], chunk: int, drift: float, seed: int
) -> None:
    """Cycles left out are counted exactly, under jitter of half a block and a clock wrong by 100 ppm."""
    random = np.random.default_rng(seed)
    cycles = np.array([k for k in range(2100) if k not in lost], np.float64)
    jitter = np.where(random.random(cycles.size) < 0.2, 0.5 * random.random(cycles.size), 0.0)
    assert _count((cycles + jitter) * (1 + drift), chunk) == len(lost)


def test_a_burst_that_makes_up_for_a_stall_is_not_missing() -> None:
    """Five callbacks that come at once after a stall of five blocks have served every block."""
    cycles = np.arange(500.0)
    cycles[200:205] = 205.0
    assert _count(cycles, 40) == 0


@settings(deadline=None)
@given(st.integers(65, 1500), st.integers(1, 300))
def test_a_long_burst_that_makes_up_for_a_long_stall_is_not_missing(stall: int, chunk: int) -> None:
    """A stall longer than the window, made up for in full, costs nothing; a block lost before it does."""
    cycles = np.array([k for k in range(2500) if k != 100], np.float64)
    cycles[200 : 200 + stall] = cycles[200 + stall]
    assert _count(cycles, chunk) == 1


def test_time_without_a_device_is_not_counted() -> None:
    """After `restart` a pause of a second costs nothing; what was missing before stays counted."""
    clock = DeviceClock(RATE)
    cycles = np.array([k for k in range(300) if k != 200])
    clock.add((cycles * PERIOD_NS).astype(np.int64), np.full(299, BLOCK))
    clock.restart()
    clock.add(((np.arange(300) + 1050) * PERIOD_NS).astype(np.int64), np.full(300, BLOCK))
    assert clock.missing == 1
