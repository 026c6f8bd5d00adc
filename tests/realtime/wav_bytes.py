"""WAV files written out byte by byte, to read good and bad ones in the tests."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

FLOAT = 3
INTEGER = 1


def wav(samples: bytes, *, channels: int = 1, rate: int = 48000, bits: int = 32, tag: int = FLOAT) -> bytes:
    """The plain form: RIFF, a 16-byte ``fmt``, and ``data``."""
    frame = channels * bits // 8
    return b"".join(
        (
            b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVE",
            b"fmt " + struct.pack("<IHHIIHH", 16, tag, channels, rate, rate * frame, frame, bits),
            b"data" + struct.pack("<I", len(samples)) + samples,
        )
    )


def tone(frames: int = 4800, channels: int = 1, rate: float = 48000.0) -> NDArray[np.float32]:
    """A quiet sine of 220 Hz, another phase in each channel, shape (channels, frames)."""
    t = np.arange(frames) / rate
    return np.stack([0.25 * np.sin(2 * np.pi * 220 * t + c) for c in range(channels)]).astype(np.float32)
