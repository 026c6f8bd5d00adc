"""How many blocks a device's clock asked for and nobody served, told from when callbacks came."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

WINDOW = 64
"""Callbacks among which the most punctual one is looked for."""


class DeviceClock:
    """Tells blocks that are missing from blocks that are late and made up for.

    A lost block moves all later callbacks back by its length; one that is late does not, and a device's clock
    that runs a little fast or slow does so slowly. So the most punctual callback of each `WINDOW` is compared
    with the one of the window before; blocks that a later burst serves after all are taken off again.

    Parameters
    ----------
    rate : of the stream in Hz
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._counted = 0
        self._settled = 0  # of these, before the last restart: nothing makes up for them any more
        self._last: tuple[int, int] | None = None  # when the last callback began, and its frames
        self._lateness = self._punctual = 0.0  # in blocks: of the last one, of the last window's earliest
        self._window = np.empty(0)

    @property
    def missing(self) -> int:
        """Blocks that were not served so far."""
        return self._counted + (self._lost(self._window) if self._window.size else 0)

    def restart(self) -> None:
        """Forget when the last callback came: the device was away."""
        self._counted = self._settled = self.missing
        self._last = None
        self._lateness = self._punctual = 0.0
        self._window = np.empty(0)

    def add(self, started_ns: NDArray[np.int64], frames: NDArray[np.int64]) -> None:
        """Take note of callbacks, by the time they began and the frames they served."""
        last = self._last or (int(started_ns[0]), 0)
        blocks = np.concatenate([[last[1]], frames])
        elapsed = np.diff(np.concatenate([[last[0]], started_ns])) * (self.rate / 1e9)
        # In blocks, so that a change of the block's length changes nothing.
        lateness = self._lateness + np.cumsum((elapsed - blocks[:-1]) / np.maximum(frames, 1))
        self._last, self._lateness = (int(started_ns[-1]), int(frames[-1])), float(lateness[-1])
        self._window = np.concatenate([self._window, lateness])
        while self._window.size >= WINDOW:
            window, self._window = self._window[:WINDOW], self._window[WINDOW:]
            lost = self._lost(window)
            self._counted += lost
            # Follow the device's clock: at once where it is early, slowly where it is late.
            drift = float(window.min()) - self._punctual - lost
            self._punctual += lost + (drift if drift < 0 else drift / 4)

    def _lost(self, window: NDArray[np.float64]) -> int:
        """Blocks lost since the window before; negative where some counted before were only late."""
        later = float(window.min()) - self._punctual
        return max(self._settled - self._counted, math.trunc(later + math.copysign(0.25, later)))
