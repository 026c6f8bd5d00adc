"""What the latencies at several places of a recording say: one delay, a drift, jumps or a moving delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .alignment import Arrival

STEADY = 0.3
STEADY_SOUND = 3.0
"""Samples by which markers, and places without a marker, may differ and still count as in step."""


@dataclass(frozen=True)
class Jump:
    """Samples that were dropped (negative) or repeated between two places, in frames of the dry sound."""

    samples: float
    after: int
    before: int


@dataclass(frozen=True)
class Timing:
    """How the wet sound lies to the dry one.

    Attributes
    ----------
    latency : samples, of the beginning; where the delay moves, the shortest
    spread : samples between the shortest and the longest, a drift or a jump taken out
    drift_ppm : by which the clock of the recording is fast against that of the playback, in millionths
    drifted : samples that this makes over the whole sound
    jumps : dropped and repeated samples
    clear, places : how many places were found clearly, and how many were looked for
    markers : whether they were markers
    gain : of the beginning of the response, with its sign
    """

    latency: float
    spread: float
    drift_ppm: float
    drifted: float
    jumps: tuple[Jump, ...]
    clear: int
    places: int
    markers: bool
    gain: float

    @property
    def upside_down(self) -> bool:
        return self.gain < 0.0

    @property
    def found(self) -> bool:
        """Whether the dry sound was found in the wet one at all."""
        return self.clear >= max(1, (self.places + 1) // 2)


def judge(arrivals: Sequence[Arrival], places: int, frames: int, markers: bool) -> Timing:
    """Tell drift, jumps and moving delays apart.

    Parameters
    ----------
    arrivals : of the places that the wet sound holds
    places : how many it should hold
    frames : of the dry sound
    markers : whether the places are markers
    """
    clear = [arrival for arrival in arrivals if arrival.clear]
    if not clear:
        return Timing(0.0, 0.0, 0.0, 0.0, (), 0, places, markers, 0.0)
    at = np.array([float(arrival.place) for arrival in clear])
    late = np.array([arrival.latency for arrival in clear])
    gain = float(np.median([arrival.gain for arrival in clear]))
    steady = STEADY if markers else STEADY_SOUND
    slope = 0.0
    jumps: tuple[Jump, ...] = ()
    if np.ptp(late) > (0.05 if markers else steady) and len(clear) > 2:
        line = np.polyfit(at, late, 1)
        off_line = float(np.ptp(late - np.polyval(line, at)))
        steps = np.abs(np.diff(late)) > steady
        if off_line <= max(steady, 0.03 * float(np.ptp(late))):
            slope = float(line[0])
            late = late - np.polyval(line, at) + line[1]
        elif 0 < steps.sum() <= max(1, len(steps) // 3):
            jumps = tuple(
                Jump(float(late[k + 1] - late[k]), int(at[k]), int(at[k + 1])) for k in np.flatnonzero(steps)
            )
            late = late - np.concatenate([[0.0], np.cumsum(np.diff(late) * steps)])
    spread = float(np.ptp(late))
    middle = float(np.median(late)) if spread <= steady else float(late.min())
    if not markers and not jumps:
        middle = float(np.median(late))
    return Timing(middle, spread, 1e6 * slope, slope * frames, jumps, len(clear), places, markers, gain)
