"""A model that only ONNX Runtime can play, as far as a caller must know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .model import Array, Metadata

DEFAULT_RATE = 48000.0


@dataclass(frozen=True)
class StatePair:
    """A state: fed to ``input``, and read from ``output`` for the next block.

    ``initial`` is what the first block starts from: the file's default, or zeros.
    """

    input: str
    output: str
    initial: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.initial.shape


@dataclass(frozen=True)
class AudioTensor:
    """The audio input or output: its name, its dimensions, and the one that counts frames (others are 1)."""

    name: str
    dimensions: int
    frames_axis: int

    def shape(self, frames: int) -> tuple[int, ...]:
        """The shape for a block of ``frames``."""
        return tuple(frames if axis == self.frames_axis else 1 for axis in range(self.dimensions))


@dataclass(frozen=True)
class ForeignOnnx:
    """A model that only ONNX Runtime can play: the file, and how to call it for each block.

    ``knobs`` are the name of the input for the turns of the knobs, [1, knobs, 1], and their number.
    """

    path: Path
    input: AudioTensor
    output: AudioTensor
    states: tuple[StatePair, ...] = ()
    sample_rate: float = DEFAULT_RATE
    metadata: Metadata = field(default_factory=Metadata)
    knobs: tuple[str, int] | None = None
