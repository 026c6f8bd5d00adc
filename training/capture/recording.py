"""A recording to be checked: its samples as they are in the file, with what reading them showed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...realtime.audio_files import AudioFileError, AudioReader
from .alignment import Array

LONGEST_S = 3600.0


class CaptureError(ValueError):
    """A recording that cannot be learnt from; the text names the file and says what to do."""


@dataclass(frozen=True)
class Recording:
    """A sound file, read whole.

    Attributes
    ----------
    name : of the file
    channels : shape (channels, frames), float32; what was NaN or infinite is 0
    rate : in Hz
    replaced : how many samples were NaN or infinite
    """

    name: str
    channels: Array
    rate: float
    replaced: int

    @property
    def chosen(self) -> int:
        """The channel to take: the first, unless it is silent and another is not."""
        peaks = np.abs(self.channels).max(axis=1)
        return int(np.argmax(peaks)) if peaks[0] < 1e-3 * peaks.max() else 0

    @property
    def sound(self) -> Array:
        """The chosen channel, shape (frames,)."""
        return np.ascontiguousarray(self.channels[self.chosen])

    @property
    def seconds(self) -> float:
        return self.channels.shape[1] / self.rate


def read_recording(path: Path) -> Recording:
    """Read a sound file of up to an hour.

    Raises
    ------
    CaptureError
        If it cannot be read, or is longer.
    """
    try:
        with AudioReader(path) as reader:
            if reader.frames > LONGEST_S * reader.rate:
                raise CaptureError(
                    f"{path.name}: is {reader.frames / reader.rate:.0f} s long, expected "
                    f"{LONGEST_S:.0f} s at most; cut it"
                )
            samples = np.concatenate(list(reader.blocks()), axis=1)
            return Recording(path.name, samples, reader.rate, reader.replaced)
    except AudioFileError as error:
        raise CaptureError(str(error)) from None
