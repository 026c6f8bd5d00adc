"""Write a WAV file block by block: float32, 24 bits, or 16 bits with dither; complete or not at all."""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .audio_files import AudioFileError

SampleFormat: TypeAlias = Literal["float32", "24", "16"]
BITS: dict[SampleFormat, int] = {"float32": 32, "24": 24, "16": 16}
FLOAT_TAG, INTEGER_TAG, EXTENSIBLE_TAG = 3, 1, 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # after the format tag, in the extensible form
HEADER_BYTES = 12 + 36 + 48 + 12 + 8  # RIFF, JUNK or ds64, fmt, fact, data


class WavWriter:
    """A WAV file being written under another name beside ``path``, where it goes when it is closed.

    Used with ``with``: an exception inside removes what was written. Files over 4 GB become RF64
    (EBU Tech 3306), for which room is kept in the header. 16 bits get triangular dither of two steps
    peak to peak (S. Lipshitz, R. Wannamaker and J. Vanderkooy, "Quantization and Dither", JAES 40,
    1992), the same for the same input. Samples over full scale are clipped in the integer formats.

    Attributes
    ----------
    frames : written so far
    clipped : samples that were over full scale and clipped

    Raises
    ------
    AudioFileError
        If the file cannot be written: folder missing or not writable, disk full.
    """

    def __init__(self, path: Path, rate: float, channels: int, form: SampleFormat = "float32") -> None:
        if path.suffix.lower() != ".wav":
            raise AudioFileError(f"{path}: WAV is what is written; let the name end in .wav")
        if path.exists() and not path.is_file():
            raise AudioFileError(f"{path}: is not a file; choose another output")
        self.path, self.rate, self.channels, self.form = path, round(rate), channels, form
        self.frames = self.clipped = 0
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._noise = np.random.default_rng(0)
        try:
            # Unbuffered: after a write that failed nothing is left that would fail again in `close`.
            self._file = self._part.open("wb", buffering=0)
            self._put(bytes(HEADER_BYTES))
        except OSError as error:
            raise self._failed(error) from None

    def write(self, block: NDArray[np.float32]) -> None:
        """Append samples of shape (channels, frames)."""
        interleaved = np.ascontiguousarray(block.T)
        try:
            self._put(self._encode(interleaved))
        except OSError as error:
            raise self._failed(error) from None
        self.frames += len(interleaved)

    def close(self) -> None:
        """Complete the file and give it its name."""
        try:
            self._file.seek(HEADER_BYTES + self._data_bytes())
            self._file.truncate()  # what a write that failed has left
            self._put(b"\0" * (self._data_bytes() % 2))
            self._file.seek(0)
            self._put(self._header())
            self._file.close()
            self._part.replace(self.path)
        except OSError as error:
            raise self._failed(error) from None

    def discard(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self.close()
            except BaseException:
                self.discard()
                raise
        else:
            self.discard()

    def _put(self, data: bytes) -> None:
        while data:
            data = data[self._file.write(data) :]

    def _encode(self, interleaved: NDArray[np.float32]) -> bytes:
        if self.form == "float32":
            return interleaved.astype("<f4", copy=False).tobytes()
        bits = BITS[self.form]
        steps = 2.0 ** (bits - 1)
        scaled = interleaved.astype(np.float64) * steps
        if self.form == "16":
            scaled += self._noise.random(scaled.shape) - self._noise.random(scaled.shape)
        rounded = np.rint(scaled)
        self.clipped += int(np.count_nonzero(np.abs(interleaved) > 1.0))
        integers = np.clip(rounded, -steps, steps - 1).astype("<i4")
        if self.form == "16":
            return integers.astype("<i2").tobytes()
        return integers.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()

    def _data_bytes(self) -> int:
        return self.frames * self.channels * BITS[self.form] // 8

    def _header(self) -> bytes:
        bits, size = BITS[self.form], self._data_bytes()
        frame_bytes = self.channels * bits // 8
        tag = FLOAT_TAG if self.form == "float32" else INTEGER_TAG
        riff_size = HEADER_BYTES - 8 + size + size % 2
        long = riff_size > 0xFFFFFFFF
        room = struct.pack("<QQQI", riff_size, size, self.frames, 0)
        speakers = {1: 4, 2: 3}.get(self.channels, 0)  # centre; left and right
        return b"".join(
            (
                struct.pack(
                    "<4sI4s", b"RF64" if long else b"RIFF", 0xFFFFFFFF if long else riff_size, b"WAVE"
                ),
                struct.pack("<4sI28s", b"ds64" if long else b"JUNK", 28, room if long else b""),
                struct.pack("<4sIHH", b"fmt ", 40, EXTENSIBLE_TAG, self.channels),
                struct.pack("<IIHH", self.rate, self.rate * frame_bytes, frame_bytes, bits),
                struct.pack("<HHIH14s", 22, bits, speakers, tag, GUID_TAIL),
                struct.pack("<4sII", b"fact", 4, min(self.frames, 0xFFFFFFFF)),
                struct.pack("<4sI", b"data", 0xFFFFFFFF if long else size),
            )
        )

    def _failed(self, error: OSError) -> AudioFileError:
        if not self.path.parent.is_dir():
            return AudioFileError(f"{self.path}: the folder {self.path.parent} does not exist; make it first")
        return AudioFileError(f"{self.path}: cannot be written: {error.strerror}")


def write_wav(path: Path, samples: NDArray[np.float32], rate: float, form: SampleFormat = "float32") -> Path:
    """Write a whole file; ``samples`` has shape (channels, frames) or (frames,)."""
    planar = np.atleast_2d(samples)
    with WavWriter(path, rate, len(planar), form) as writer:
        writer.write(planar)
    return path
