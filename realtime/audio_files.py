"""Read sound files of any format and rate, in blocks, as planar float32; refuse bad ones in a sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .audio_headers import header_problem

Samples = NDArray[np.float32]

SUFFIXES = (".wav", ".flac", ".aiff", ".aif", ".ogg", ".mp3")
RATES = (4000.0, 768000.0)
"""Sample rates that are taken for real, in Hz."""
INTEGER_BITS = {"int8": 8, "int16": 16, "int24": 24, "int32": 32}


class AudioFileError(ValueError):
    """A sound file that cannot be read or written; the text names it and says why."""


class AudioReader:
    """An open sound file with one or two channels.

    Parameters
    ----------
    path : a file that pedalboard reads: WAV, FLAC, AIFF, Ogg Vorbis, MP3

    Attributes
    ----------
    rate : in Hz
    channels : 1 or 2
    frames : samples of each channel
    replaced : samples read so far that were NaN or infinite and became 0

    Raises
    ------
    AudioFileError
        If it is missing, no sound file, empty, cut off, has more than two channels or no usable rate.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.replaced = 0
        self._file = _opened(path)
        self.rate = float(self._file.samplerate)
        self.channels = int(self._file.num_channels)
        self.frames = int(self._file.frames)
        self._bits = INTEGER_BITS.get(self._file.file_dtype)
        problem = _problem(self.rate, self.channels, self.frames)
        if problem is not None:
            self._file.close()
            raise AudioFileError(f"{path.name}: {problem}")

    def blocks(self, size: int = 65536) -> Iterator[Samples]:
        """The rest of the file, in blocks of shape (channels, up to ``size``)."""
        while True:
            try:
                block: Samples = np.asarray(self._file.read(size), np.float32)
            except (RuntimeError, ValueError) as error:
                raise AudioFileError(f"{self.path.name}: cannot be decoded any further: {error}") from None
            if block.shape[-1] == 0:
                return
            if self._bits is not None:
                block = _by_power_of_two(block, self._bits)
            bad = ~np.isfinite(block)
            if bad.any():
                self.replaced += int(bad.sum())
                block = np.where(bad, np.float32(0.0), block)
            yield np.ascontiguousarray(block.reshape(self.channels, -1))

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_audio(path: Path, max_seconds: float = 3600.0) -> tuple[Samples, float]:
    """A whole file: samples of shape (channels, frames), and the rate in Hz.

    Raises
    ------
    AudioFileError
        As `AudioReader`, and for a file longer than ``max_seconds``.
    """
    with AudioReader(path) as reader:
        if reader.frames > max_seconds * reader.rate:
            seconds = reader.frames / reader.rate
            raise AudioFileError(
                f"{path.name}: is {seconds:.0f} s long, expected {max_seconds:.0f} s at most"
            )
        return np.concatenate(list(reader.blocks()), axis=1), reader.rate


def name_problem(path: Path) -> str | None:
    """What is wrong with the name of a file: it is not UTF-8, which pedalboard and terminals expect."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="backslashreplace")
        return f"{shown}: its name is not UTF-8; rename it"
    return None


def _opened(path: Path) -> Any:
    problem = name_problem(path)
    if problem is not None:
        raise AudioFileError(problem)
    if not path.exists():
        raise AudioFileError(f"{path}: does not exist; check the path")
    if not path.is_file():
        raise AudioFileError(f"{path}: is not a file; give the path of a sound file")
    try:
        if path.stat().st_size == 0:
            raise AudioFileError(f"{path.name}: is empty")
        problem = header_problem(path)
    except OSError as error:
        raise AudioFileError(f"{path}: cannot be read: {error.strerror}") from None
    if problem is not None:
        raise AudioFileError(f"{path.name}: {problem}")
    import pedalboard.io

    try:
        return pedalboard.io.AudioFile(str(path))
    except (RuntimeError, ValueError):
        raise AudioFileError(
            f"{path.name}: is no sound that can be read; expected a whole WAV, FLAC, AIFF, Ogg or MP3 file"
        ) from None


def _problem(rate: float, channels: int, frames: int) -> str | None:
    if frames == 0:
        return "has no samples"
    if channels not in (1, 2):
        return f"has {channels} channels, expected one or two; mix it down first"
    if not RATES[0] <= rate <= RATES[1]:
        return f"says its sample rate is {rate:g} Hz, expected {RATES[0]:g} to {RATES[1]:g}"
    return None


def _by_power_of_two(block: Samples, bits: int) -> Samples:
    """Integer samples over 2^(bits - 1), as everywhere else; pedalboard (JUCE) divides by one less."""
    steps = np.rint(block.astype(np.float64) * (2.0 ** (bits - 1) - 1))
    return np.asarray(steps / 2.0 ** (bits - 1), np.float32)
