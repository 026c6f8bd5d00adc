"""Pairs of dry and wet sound: generated ones to learn from, and a real guitar kept out of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor

from ...realtime.plucked import riff
from ..signals import dry_signal
from .config import TrainingConfig, TrainingError
from .teachers import Settings, Teacher, wet_signal

Array: TypeAlias = NDArray[np.float32]

GUITAR_FOLDER = Path("/usr/share/sonic-pi/samples")
GUITAR_FILES = ("guit_e_fifths.flac", "guit_e_slide.flac", "guit_em9.flac", "guit_harmonics.flac")


@dataclass(frozen=True)
class Pair:
    """Dry and wet sound, frame for frame; both of shape (frames,), rate in Hz."""

    name: str
    dry: Array
    wet: Array
    rate: float


def training_pair(teacher: Teacher, config: TrainingConfig) -> Pair:
    """The generated sound of a run and what its teacher makes of it.

    Raises
    ------
    TrainingError
        If the teacher gives silence or samples that are not finite.
    """
    dry = dry_signal(config.seconds, config.rate, config.seed)
    return _pair(teacher, "generated", dry, config.rate, config.settings)


def held_out_pairs(teacher: Teacher, rate: float, settings: Settings) -> list[Pair]:
    """Sound that training never hears, through the same teacher.

    The recordings of a real guitar in Debian's ``sonic-pi-samples``; where they are not installed,
    the project's own phrase, named ``riff``.
    """
    recordings = held_out_guitar(rate) or {"riff": riff(rate)}
    return [_pair(teacher, name, dry, rate, settings) for name, dry in recordings.items()]


def held_out_guitar(rate: float) -> dict[str, Array]:
    """Recordings of a real guitar by file name, mono, at ``rate`` Hz; empty where they are missing."""
    recordings = {}
    for path in (GUITAR_FOLDER / name for name in GUITAR_FILES):
        if not path.exists():
            continue
        from pedalboard.io import AudioFile  # only where it is used: it may be missing when training

        with AudioFile(str(path)) as file:
            samples, recorded_rate = file.read(file.frames), int(file.samplerate)
        resampled = resample_poly(samples.mean(axis=0), round(rate), recorded_rate)
        recordings[path.name] = np.asarray(resampled, np.float32)
    return recordings


def _pair(teacher: Teacher, name: str, dry: Array, rate: float, settings: Settings) -> Pair:
    wet = wet_signal(teacher, dry, rate, settings)
    if not np.isfinite(wet).all() or not wet.any():
        raise TrainingError(
            f"the teacher {teacher.name} gave {'silence' if np.isfinite(wet).all() else 'NaN or infinity'} "
            f"for the dry sound {name!r}; check its settings"
        )
    return Pair(name, dry, wet, rate)


def batches(pair: Pair, size: int, frames: int, seed: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless random segments of a pair, the same for the same seed.

    Parameters
    ----------
    pair : longer than ``frames``
    size : segments in a batch
    frames : of each segment
    seed : of the places
    first : number of the first batch, so that a resumed run goes on where it stopped

    Yields
    ------
    tuple of Tensor
        Dry and wet, each of shape (size, frames).

    Raises
    ------
    TrainingError
        If the pair is too short.
    """
    room = len(pair.dry) - frames
    if room < 0:
        raise TrainingError(
            f"{len(pair.dry) / pair.rate:.2f} s of sound are too short for segments of "
            f"{frames / pair.rate:.2f} s; ask for more seconds"
        )
    dry, wet = torch.from_numpy(pair.dry), torch.from_numpy(pair.wet)
    index = first
    while True:
        starts = np.random.default_rng((seed, index)).integers(0, room + 1, size)
        yield _cut(dry, starts, frames), _cut(wet, starts, frames)
        index += 1


def _cut(signal: Tensor, starts: NDArray[np.int64], frames: int) -> Tensor:
    return torch.stack([signal[start : start + frames] for start in starts])
