"""The three sounds of a comparison: read, checked, and brought to one channel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...realtime.audio_files import AudioReader

Array: TypeAlias = NDArray[np.float32]

ROLES = ("dry", "wet", "model")
LEAST_FRAMES = 4096
LONGEST_S = 180.0
SILENCE = 1e-6
"""A sound whose every sample is below this, -120 dBFS, is silent."""


class CompareError(ValueError):
    """Sounds that cannot be compared, or a report that cannot be written; the text names the file."""


@dataclass(frozen=True)
class Sound:
    """A sound file.

    Attributes
    ----------
    path : of the file
    samples : shape (channels, frames)
    rate : in Hz
    """

    path: Path
    samples: Array
    rate: float

    @property
    def frames(self) -> int:
        return int(self.samples.shape[1])

    @property
    def mono(self) -> Array:
        """The mean of the channels, shape (frames,)."""
        return np.asarray(self.samples.mean(axis=0), np.float32)

    @property
    def silent(self) -> bool:
        return float(np.max(np.abs(self.samples), initial=0.0)) < SILENCE


@dataclass(frozen=True)
class Three:
    """Dry, wet and the model's output, of one rate and one length."""

    dry: Sound
    wet: Sound
    model: Sound

    @property
    def rate(self) -> float:
        return self.wet.rate

    def by_role(self) -> dict[str, Sound]:
        """Each sound under its name in `ROLES`, in that order."""
        return {"dry": self.dry, "wet": self.wet, "model": self.model}


def read_sound(path: Path, longest_s: float = LONGEST_S) -> Sound:
    """A sound file that is whole, finite and short enough.

    Raises
    ------
    CompareError
        If it holds samples that are not finite, or is longer than ``longest_s``.
    AudioFileError
        If it cannot be read.
    """
    with AudioReader(path) as reader:
        if reader.frames > longest_s * reader.rate:
            raise CompareError(
                f"{path.name}: is {reader.frames / reader.rate:.0f} s long, "
                f"expected {longest_s:.0f} s at most; cut out the part to compare"
            )
        samples = np.concatenate(list(reader.blocks()), axis=1)
        if reader.replaced:
            raise CompareError(
                f"{path.name}: {reader.replaced} of its samples are NaN or infinite, expected numbers; "
                "render it anew"
            )
    return Sound(path, samples, reader.rate)


def read_three(dry: Path, wet: Path, model: Path) -> Three:
    """The three files, which must belong together frame for frame.

    Channels may differ: what is measured and drawn is the mean of the channels. The model's output may be
    silent, as a failed model's is; dry and wet sound may not.

    Raises
    ------
    CompareError
        If rates or lengths differ, or a sound is silent, too short or not finite.
    AudioFileError
        If a file cannot be read.
    """
    three = Three(*map(read_sound, (dry, wet, model)))
    for role, sound in three.by_role().items():
        _check_fit(role, sound, three.wet)
    for role, sound in (("dry", three.dry), ("wet", three.wet)):
        if sound.silent:
            raise CompareError(
                f"{sound.path.name}: is silent, expected the {role} sound; choose another file"
            )
    return three


def _check_fit(role: str, sound: Sound, wet: Sound) -> None:
    """Raise unless ``sound`` has the rate and length of the wet one."""
    name, other = sound.path.name, wet.path.name
    if sound.rate != wet.rate:
        raise CompareError(
            f"{name}: has {sound.rate:g} Hz, expected the {wet.rate:g} Hz of {other}; "
            "bring all three to one rate first"
        )
    if sound.frames != wet.frames:
        advice = (
            "cut it, or render it with 'tonerig render --model FILE', which keeps the length of its input"
            if role == "model"
            else "align and cut them first; 'tonerig capture check' does it"
        )
        raise CompareError(
            f"{name}: has {sound.frames} frames, expected the {wet.frames} of {other}, "
            f"since they are compared frame for frame; {advice}"
        )
    if sound.frames < LEAST_FRAMES:
        raise CompareError(f"{name}: has {sound.frames} frames, expected {LEAST_FRAMES} or more to compare")
