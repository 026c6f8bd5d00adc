"""One delay, a drift, jumps and moving delays, told apart from latencies that are written down."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.training.capture.alignment import Arrival
from tonerig.training.capture.timing import judge

PLACES = np.arange(12) * 700_000
RATE = 48000


def arrivals(latencies: np.ndarray) -> list[Arrival]:
    """One for each place, all clear."""
    return [Arrival(int(at), float(late), 60.0, 1.0) for at, late in zip(PLACES, latencies, strict=True)]


def test_steady() -> None:
    """Hundredths of a sample are no drift."""
    found = judge(arrivals(100 + 0.01 * np.sin(PLACES)), 12, 8_400_000, True)
    assert found.latency == pytest.approx(100, abs=0.01) and found.drift_ppm == 0 and not found.jumps


def test_drift() -> None:
    """50 ppm are told as such, and not as jumps, with the latency of the beginning."""
    found = judge(arrivals(100 + 50e-6 * PLACES), 12, 8_400_000, True)
    assert found.drift_ppm == pytest.approx(50) and found.drifted == pytest.approx(420)
    assert found.latency == pytest.approx(100, abs=0.01) and not found.jumps and found.spread < 0.01


def test_jumps() -> None:
    """Samples dropped once and repeated once are told with their places."""
    late = np.full(12, 100.0)
    late[4:] -= 20
    late[9:] += 64
    found = judge(arrivals(late), 12, 8_400_000, True)
    assert [jump.samples for jump in found.jumps] == [-20, 64]
    assert (found.jumps[0].after, found.jumps[0].before) == (PLACES[3], PLACES[4])
    assert found.latency == 100 and found.spread == 0


def test_moving_delay() -> None:
    """A delay that is another each time is neither; the shortest is taken, so that nothing comes early."""
    found = judge(arrivals(400 + 100 * np.sin(3.0 * np.arange(12))), 12, 8_400_000, True)
    assert not found.jumps and found.drift_ppm == 0 and found.spread > 150 and found.latency < 310


def test_too_few_are_clear() -> None:
    """A sound that is found at less than half of the places is not found; nor one without any."""
    some = [*arrivals(np.full(12, 1.0))[:5], *(Arrival(0, 0.0, 3.0, 1.0) for _ in range(7))]
    assert not judge(some, 12, 8_400_000, True).found
    assert not judge([], 0, 0, False).found
