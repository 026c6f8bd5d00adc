"""Recordings for tests of the sampler, and samplers that play them as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.synths.sampler import Sampler
from tonerig.realtime.synths.zones import Zone
from tonerig.realtime.wav_writer import write_wav

from .play import RATE, Event, Signal, control

OPEN: list[Event] = [control(0, 7, 127)]
"""Channel 1 at full volume: the gain of a plain sampler is 1."""


def plain(*zones: Zone, **values: float | str) -> Sampler:
    """A sampler whose gain is 1 at any velocity, or as stated."""
    return Sampler({"volume_db": 0.0, "velocity": 0.0, **values}, samples=zones)


def recorded(folder: Path, samples: NDArray[Any], name: str = "a.wav", rate: float = RATE) -> Path:
    return write_wav(folder / name, np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(frames: int, channels: int = 2, seed: int = 0) -> Signal:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, frames)).astype(np.float32)


def sine(frequency_hz: float, seconds: float) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * RATE)) / RATE)


def zone(file: Path, key: int = 60, keys: tuple[int, int] = (0, 127), **values: Any) -> Zone:
    return Zone(file, key, keys, **values)
