"""Record a live stream to WAV files: dry, wet or both, from the engine's tap."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal, TypeAlias

from ..audio_files import AudioFileError
from ..wav_writer import WavWriter
from .control import Engine

What: TypeAlias = Literal["dry", "wet", "both"]
MINIMUM_FREE = 32 * 2**20
"""Bytes of the disk that a recording leaves free: it ends as a complete file before the disk is full."""


def recorded_files(path: Path, what: What) -> list[Path]:
    """The files that a recording to ``path`` writes: itself, or for ``"both"`` the dry one and the wet one.

    Raises
    ------
    AudioFileError
        If the name does not end in .wav.
    """
    if path.suffix.lower() != ".wav":
        raise AudioFileError(f"{path}: WAV is what is written; let the name end in .wav")
    return [path.with_stem(f"{path.stem}-{part}") for part in ("dry", "wet")] if what == "both" else [path]


class Recorder:
    """A recording in float32. `drain` it at least once a second; the audio thread never waits for it.

    Dry is what the chain hears, wet what it makes of it, before master volume and mute; both begin at
    the same sample.

    Parameters
    ----------
    path : the file; ``"both"`` writes ``take-dry.wav`` and ``take-wet.wav`` for ``take.wav``

    Attributes
    ----------
    files : what is written
    problem : a sentence once writing has failed (a full disk, say); the sound goes on

    Raises
    ------
    AudioFileError
        If a file cannot be written.
    """

    def __init__(self, engine: Engine, path: Path, what: What) -> None:
        self._engine = engine
        dry = list(range(engine.playing.inputs))
        wet = [2 + c for c in range(min(engine.outputs, engine.playing.outputs))]
        parts = {"dry": dry, "wet": wet}
        parts_rows = [parts["dry"], parts["wet"]] if what == "both" else [parts[what]]
        self.files = recorded_files(path, what)
        self._rows = dict(zip(self.files, parts_rows, strict=True))
        self.problem: str | None = None
        self.frames = 0
        self._writers: dict[Path, WavWriter] = {}
        try:
            for file, rows in self._rows.items():
                self._writers[file] = WavWriter(file, engine.rate, len(rows))
        except AudioFileError:
            self.discard()
            raise
        engine.set_recording(True)

    def drain(self) -> None:
        """Write what has come since the last time."""
        frames = self._engine.read_tap()
        if not self._writers or frames.shape[1] == 0:
            return
        try:
            for file, writer in self._writers.items():
                writer.write(frames[self._rows[file]])
            self.frames += frames.shape[1]
        except AudioFileError as error:
            self._complete()  # what can be kept of it is
            self.problem = str(error)
            return
        try:
            free = shutil.disk_usage(self.files[0].resolve().parent).free
        except OSError as error:
            self._complete()
            self.problem = f"{self.files[0]}: its folder is gone: {error.strerror}"
            return
        if free < MINIMUM_FREE:
            self._complete()
            self.problem = self.problem or (
                f"{self.files[0]}: the disk is nearly full; what was played until now is kept"
            )

    def close(self) -> None:
        """Write the rest and complete the files."""
        self._engine.set_recording(False)
        self.drain()
        self._complete()

    def discard(self) -> None:
        """Remove what was written."""
        for writer in self._writers.values():
            writer.discard()
        self._writers.clear()

    def _complete(self) -> None:
        for file, writer in list(self._writers.items()):
            try:
                writer.close()
            except AudioFileError as error:
                self.problem = str(error)
                writer.discard()
            del self._writers[file]
