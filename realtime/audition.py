"""Hear a patch by itself: the phrase of its kind, rendered to a sound file and measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .compiler.unit import Unit
from .engine.program import Program, compile_chain
from .loudness import LoudnessMeter
from .patches import Patch
from .phrases import phrase_for
from .play import RATE, sound_of
from .render import MAX_BLOCK, RenderError
from .wav_writer import WavWriter


@dataclass(frozen=True)
class Auditioned:
    """What came of one patch.

    Attributes
    ----------
    name : of the patch
    phrase : that it played
    path : the sound file
    seconds : of sound, its tail included
    true_peak_db : over full scale; -inf for silence
    loudness_lufs : integrated; -inf for silence
    elapsed_s : for playing and writing, without compiling and loading
    times_realtime : seconds of sound for each second that it took
    muted : whether something in it put out NaN or Inf and was silenced
    """

    name: str
    phrase: str
    path: Path
    seconds: float
    true_peak_db: float
    loudness_lufs: float
    elapsed_s: float
    times_realtime: float
    muted: bool


def audition(
    patch: Patch,
    target: Path,
    *,
    rate: float = RATE,
    progress: Callable[[float], None] = lambda _: None,
    on_unit: Callable[[Unit], None] | None = None,
) -> Auditioned:
    """Play the phrase that fits a patch and write what is heard, in stereo.

    Parameters
    ----------
    target : the WAV to write
    rate : in Hz
    progress : called with the fraction done, 0 to 1
    on_unit : told each unit of code that has to be compiled first

    Raises
    ------
    RenderError, AudioFileError, ModelFileError
        If a file cannot be used; nothing is left at ``target``.
    """
    if target.exists() and any(file.exists() and target.samefile(file) for file in patch.files()):
        raise RenderError(f"{target}: belongs to the patch, and is never overwritten; choose another folder")
    phrase = phrase_for(patch)
    song = phrase.song(rate)
    chain = [patch.build()]
    compile_chain(chain, on_unit)
    program = Program(chain, rate, MAX_BLOCK, 1)
    meter = LoudnessMeter(rate, program.outputs)
    started = time.perf_counter()
    with WavWriter(target, rate, program.outputs, "float32") as writer:
        for block in sound_of(song, program):
            writer.write(block)
            meter.add(block)
            progress(min(1.0, writer.frames / (song.seconds * rate)))
    elapsed = time.perf_counter() - started
    seconds = writer.frames / rate
    return Auditioned(
        patch.name,
        phrase.name,
        target,
        seconds,
        meter.true_peak_db(),
        meter.integrated(),
        elapsed,
        seconds / elapsed,
        bool(program.muted()),
    )
