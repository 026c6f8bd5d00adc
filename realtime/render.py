"""Run sound files through the program that plays live: the same chain, the same code, the same bits."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .audio_files import SUFFIXES, AudioReader, name_problem
from .engine.program import Program
from .engine.runner import Runner
from .presets import Preset
from .processors.neural import Neural
from .processors.processor import problems
from .wav_writer import SampleFormat, WavWriter

if TYPE_CHECKING:
    from .loudness import LoudnessMeter

Samples: TypeAlias = NDArray[np.float32]

MAX_BLOCK = 4096
TAIL_BLOCK = 1024
LONGEST_TAIL_S = 30.0
SILENT_FOR_S = 3.0  # longer than any echo of the delay takes to come back
SILENCE = 1e-5
"""A block that moves less than this around its mean, -100 dBFS, is silent."""
PEAK_CEILING_DB = -1.0
"""True peak that normalising never exceeds, in dB over full scale."""


PART_OF_THE_CHAIN = "belongs to the chain, which is never overwritten; choose another output"


class BlockProcess(Protocol):
    """What turns a block into the next one of the output, as `Runner` does."""

    def process(self, block: Samples, /) -> Samples:
        """Shape (channels, frames) to (outputs, frames)."""
        ...


class RenderError(ValueError):
    """Files that cannot be rendered as asked; the text names them."""


@dataclass(frozen=True)
class Finish:
    """How rendered files are written.

    Attributes
    ----------
    form : sample format
    normalize : integrated loudness to bring the output to, in LUFS; None leaves the level alone
    keep_loudness : bring the output to the loudness of the input
    tail : go on after the input's end until the chain is silent, `LONGEST_TAIL_S` at most
    """

    form: SampleFormat = "float32"
    normalize: float | None = None
    keep_loudness: bool = False
    tail: bool = True


AS_IT_IS = Finish()


@dataclass(frozen=True)
class Rendered:
    """What came of one file.

    Attributes
    ----------
    rate : in Hz
    channels, frames : of the output
    elapsed_s : for reading, processing and writing, without compiling and loading
    times_realtime : seconds of input for each second that it took
    latency : samples of delay that were taken out
    loudness_lufs, true_peak_db : of the output; None unless the loudness was to be set, and for silence
    gain_db : applied to set the loudness
    clipped : samples over full scale in an integer format
    replaced : input samples that were NaN or infinite and became 0
    muted : numbers (from 1) of processors that put out NaN or Inf and were silenced
    resampled : rates in Hz of models that are not the file's, around which it was resampled
    problems : what kept processors from their work, in sentences
    """

    input: Path
    output: Path
    rate: float
    channels: int
    frames: int
    elapsed_s: float
    times_realtime: float
    latency: int
    loudness_lufs: float | None = None
    true_peak_db: float | None = None
    gain_db: float = 0.0
    clipped: int = 0
    replaced: int = 0
    muted: tuple[int, ...] = ()
    resampled: tuple[float, ...] = ()
    problems: tuple[str, ...] = ()


def expand(inputs: Sequence[Path]) -> list[Path]:
    """The files themselves, a folder standing for the sound files in it.

    Raises
    ------
    RenderError
        If a folder has none.
    """
    files: list[Path] = []
    for path in inputs:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise RenderError(f"{path}: has no sound files ({', '.join(SUFFIXES)}) in it")
            files += inside
        else:
            files.append(path)
    return files


def outputs(files: Sequence[Path], output: Path, kept: Sequence[Path] = ()) -> list[Path]:
    """Where each file's output goes: ``output`` itself for one file, else a WAV of its name in that folder.

    Parameters
    ----------
    kept : files that no output may overwrite, besides the inputs: `Preset.files`

    Raises
    ------
    RenderError
        If an output would overwrite an input, a file to keep or another output, or is no file.
    """
    into_folder = output.is_dir() or len(files) > 1 or output.suffix == ""
    if into_folder and output.exists() and not output.is_dir():
        kind = "a file, but a folder is needed" if output.is_file() else "not a file"
        raise RenderError(f"{output}: is {kind}; choose another output")
    targets = [output / f"{file.stem}.wav" for file in files] if into_folder else [output]
    seen: dict[Path, Path] = {}
    originals, parts = ({file.resolve() for file in some} for some in (files, kept))
    for file, target in zip(files, targets, strict=True):
        if target.resolve() in originals:
            raise RenderError(f"{target}: is an input, which is never overwritten; choose another output")
        if target.resolve() in parts:
            raise RenderError(f"{target}: {PART_OF_THE_CHAIN}")
        if (problem := name_problem(target)) is not None:
            raise RenderError(problem)
        if target in seen:
            raise RenderError(
                f"{file} and {seen[target]} would both become {target}; render them into two folders"
            )
        seen[target] = file
    return targets


def process(
    runner: BlockProcess,
    blocks: Iterable[Samples],
    channels: int,
    latency: int,
    tail_frames: int,
    rate: float,
) -> Iterator[Samples]:
    """The runner's output for a sound, aligned with it and as long, then its tail.

    Parameters
    ----------
    blocks : of shape (channels, up to `MAX_BLOCK`)
    latency : samples to take out
    tail_frames : the longest tail; 0 keeps none
    rate : in Hz

    Yields
    ------
    ndarray, shape (outputs, frames)
    """
    skip = latency
    for block in itertools.chain(blocks, _silence(channels, latency)):
        done = runner.process(block)
        if skip < done.shape[1]:
            yield done[:, skip:]
        skip = max(0, skip - done.shape[1])
    silent = 0
    pending: list[Samples] = []
    for block in _silence(channels, tail_frames):
        done = runner.process(block)
        pending.append(done.copy())
        if np.max(np.abs(done - np.mean(done, axis=1, keepdims=True))) < SILENCE:
            silent += done.shape[1]
            if silent > SILENT_FOR_S * rate:
                return
        else:
            yield from pending
            pending, silent = [], 0


def _silence(channels: int, frames: int) -> Iterator[Samples]:
    for start in range(0, frames, TAIL_BLOCK):
        yield np.zeros((channels, min(TAIL_BLOCK, frames - start)), np.float32)


def check_target(source: Path, target: Path, preset: Preset) -> None:
    """Raise a `RenderError` if the target is the input or belongs to the chain, by whatever name."""
    if target.exists() and source.exists() and target.samefile(source):
        raise RenderError(f"{target}: is the input, which is never overwritten; choose another output")
    if target.exists() and any(file.exists() and target.samefile(file) for file in preset.files()):
        raise RenderError(f"{target}: {PART_OF_THE_CHAIN}")


def render_file(
    source: Path,
    target: Path,
    preset: Preset,
    finish: Finish = AS_IT_IS,
    progress: Callable[[float], None] = lambda _: None,
) -> Rendered:
    """Run one file through a preset and write what comes out, aligned with the input.

    Parameters
    ----------
    source : any file that `AudioReader` reads; the program runs at its rate, with its channels
    target : the WAV to write
    progress : called with the fraction done, 0 to 1

    Raises
    ------
    AudioFileError, RenderError, ModelFileError
        If a file cannot be used; nothing is left at ``target``.
    """
    check_target(source, target, preset)
    levelled = finish.keep_loudness or finish.normalize is not None
    with AudioReader(source) as reader:
        program = Program(preset.build(), reader.rate, MAX_BLOCK, reader.channels)
        runner = Runner(program)
        tail = round(LONGEST_TAIL_S * reader.rate) if finish.tail else 0
        heard = _meter(reader.rate, reader.channels) if finish.keep_loudness else None
        started = time.perf_counter()
        blocks = _reported(reader, heard, lambda fraction: progress(fraction * (0.8 if levelled else 1.0)))
        sound = process(runner, blocks, reader.channels, program.latency, tail, reader.rate)
        facts: dict[str, Any] = {}
        if levelled:
            loudness = (lambda: heard.integrated()) if heard is not None else (lambda: finish.normalize)
            form = (reader.rate, program.outputs, finish.form)
            writer, facts = _write_levelled(sound, target, *form, loudness)
        else:
            with WavWriter(target, reader.rate, program.outputs, finish.form) as writer:
                for block in sound:
                    writer.write(block)
        elapsed = time.perf_counter() - started
        progress(1.0)
        return Rendered(
            source,
            target,
            reader.rate,
            program.outputs,
            writer.frames,
            elapsed,
            reader.frames / reader.rate / elapsed,
            program.latency,
            clipped=writer.clipped,
            replaced=reader.replaced,
            muted=tuple(number + 1 for number in program.muted()),
            resampled=_other_rates(program),
            problems=tuple(problems(program.chain)),
            **facts,
        )


def _other_rates(program: Program) -> tuple[float, ...]:
    rates = {p.model.sample_rate for p in program.chain if isinstance(p, Neural)}
    return tuple(sorted(rates - {program.rate}))


def _meter(rate: float, channels: int) -> LoudnessMeter:
    from .loudness import LoudnessMeter  # imports scipy.signal, which takes longer than a short render

    return LoudnessMeter(rate, channels)


def _reported(
    reader: AudioReader, heard: LoudnessMeter | None, progress: Callable[[float], None]
) -> Iterator[Samples]:
    done = 0
    for block in reader.blocks(MAX_BLOCK):
        if heard is not None:
            heard.add(block)
        yield block
        done += block.shape[1]
        progress(done / reader.frames)


def _write_levelled(
    sound: Iterator[Samples],
    target: Path,
    rate: float,
    channels: int,
    form: SampleFormat,
    wanted: Callable[[], float | None],
) -> tuple[WavWriter, dict[str, float]]:
    """Write at the wanted loudness: first as it is, to a file beside the target, then with the gain."""
    first = target.with_name(f".{target.stem}.level.wav")
    meter = _meter(rate, channels)
    try:
        with WavWriter(first, rate, channels) as unlevelled:
            for block in sound:
                unlevelled.write(block)
                meter.add(block)
        loudness, peak, goal = meter.integrated(), meter.true_peak_db(), wanted()
        gain = 0.0
        if goal is not None and math.isfinite(goal) and math.isfinite(loudness):
            gain = min(goal - loudness, PEAK_CEILING_DB - peak)
        factor = np.float32(10 ** (gain / 20))
        with AudioReader(first) as reader, WavWriter(target, rate, channels, form) as writer:
            for block in reader.blocks():
                writer.write(block * factor)
    finally:
        first.unlink(missing_ok=True)
    if not math.isfinite(loudness):
        return writer, {}
    return writer, {"gain_db": gain, "loudness_lufs": loudness + gain, "true_peak_db": peak + gain}
