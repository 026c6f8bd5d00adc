"""Record a live stream to a WAV file: dry, wet or both, from the engine's tap."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..audio_files import AudioFileError
from ..wav_writer import WavWriter
from .control import Engine

What: TypeAlias = Literal["dry", "wet", "both"]


class Recorder:
    """A recording in float32. `drain` it at least once a second; the audio thread never waits for it.

    Parameters
    ----------
    what : ``"both"`` writes the dry channels, then the wet ones

    Attributes
    ----------
    problem : a sentence once writing has failed (a full disk, say); the sound goes on
    """

    def __init__(self, engine: Engine, path: Path, what: What) -> None:
        self._engine = engine
        dry, wet = list(range(engine.playing.inputs)), [2 + c for c in range(engine.outputs)]
        self._rows = {"dry": dry, "wet": wet, "both": dry + wet}[what]
        self._writer: WavWriter | None = WavWriter(path, engine.rate, len(self._rows))
        self.problem: str | None = None
        self.frames = 0
        engine.set_recording(True)

    def drain(self) -> NDArray[np.float32]:
        """Write what has come since the last time; returns it, shape (4, frames), dry and wet."""
        frames = self._engine.read_tap()
        if self._writer is not None and frames.shape[1]:
            try:
                self._writer.write(frames[self._rows])
                self.frames += frames.shape[1]
            except AudioFileError as error:
                self.problem = str(error)
                self._writer.discard()
                self._writer = None
        return frames

    def close(self) -> None:
        """Write the rest and complete the file."""
        self._engine.set_recording(False)
        self.drain()
        if self._writer is not None:
            try:
                self._writer.close()
            except AudioFileError as error:
                self.problem = str(error)
                self._writer.discard()
            self._writer = None
