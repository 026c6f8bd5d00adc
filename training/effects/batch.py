"""A folder of recordings through a teacher, in several processes: pairs of dry and wet sound."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ...realtime.audio_files import SUFFIXES, AudioFileError, read_audio
from ...realtime.cluster import Cluster, ClusterError
from ...realtime.wav_writer import write_wav
from .teachers import Settings, TeacherError, find_teacher, wet_signal

Array: TypeAlias = NDArray[np.float32]

MANIFEST = "manifest.json"
FINEST_RATIO = 1000


class BatchError(ValueError):
    """A folder that cannot be rendered."""


@dataclass(frozen=True)
class WetFile:
    """What became of one recording.

    Attributes
    ----------
    source : its path below the source folder
    dry, wet : WAV files below the target folder, mono float32 at one rate, frame for frame; empty after a
        failure
    frames : of each
    peak : of the wet sound, 1 is full scale
    sha256 : of the wet samples
    problem : why it failed, or empty
    """

    source: str
    dry: str = ""
    wet: str = ""
    frames: int = 0
    peak: float = 0.0
    sha256: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Job:
    """One recording to render: ``file`` is where it lies, ``path`` and ``name`` are below the folders."""

    teacher: str
    settings: dict[str, float | str]
    file: Path
    path: Path
    target: Path
    name: Path
    rate: float


def render_folder(
    teacher: str,
    settings: Settings,
    source: Path,
    target: Path,
    *,
    workers: int = 1,
    rate: float = 48000.0,
    cluster: Cluster | None = None,
    progress: Callable[[float], None] = lambda done: None,
) -> list[WetFile]:
    """Every recording of a folder through a teacher, and a manifest of what was done.

    ``target`` gets ``dry`` and ``wet``, with the source's subfolders, and ``manifest.json``, which is
    written last. Nothing depends on the number of workers. A file that fails costs nothing but itself.

    Parameters
    ----------
    teacher : see `find_teacher`
    settings : of the teacher; what is not named has its default
    source : folder with sound files of any format and rate; several channels become their mean
    target : folder, made where it is missing; not within ``source``
    workers : processes, 1 or more; with 1, this one
    rate : sample rate in Hz of what is written
    cluster : renders instead of processes here; files are read and written here all the same
    progress : called with the fraction of the files that are done

    Returns
    -------
    list of WetFile
        In the order of the names; those that failed have a problem.

    Raises
    ------
    BatchError
        If there is no such folder, it has no sound file, or every one of them failed.
    TeacherError, ParameterError
        For a teacher or settings that there are not.
    ClusterError
        If the cluster is lost.
    """
    chosen = find_teacher(teacher)
    values = chosen.settings(settings)
    files = _sound_files(source, target)
    if workers < 1 or not 8000.0 <= rate <= 768000.0 or rate != round(rate):
        raise BatchError(
            f"{workers} workers and {rate:g} Hz were asked for; give 1 worker or more, and 8000 to 768000 Hz"
        )
    names = _wav_names(files)
    jobs = [_Job(teacher, dict(settings), source / path, path, target, names[path], rate) for path in files]
    results: dict[Path, WetFile] = {}

    def keep(path: Path, result: WetFile) -> None:
        results[path] = result
        progress(len(results) / len(files))

    if cluster is not None:
        _on_cluster(jobs, cluster, keep)
    elif workers == 1:
        for job in jobs:
            keep(job.path, _render(job))
    else:
        broken = _in_processes(jobs, min(workers, len(jobs)), keep)
        for job in broken:  # whichever ended its process, it does not end the others' any more
            if _in_processes([job], 1, keep):
                keep(job.path, WetFile(str(job.path), problem=f"{job.path}: its process ended twice"))
    done = [results[path] for path in files]
    if all(result.problem for result in done):
        raise BatchError(f"{source}: none of {len(done)} sound files was rendered; {done[0].problem}")
    _write_manifest(
        target / MANIFEST,
        {
            "teacher": chosen.name,
            "settings": values,
            "rate": rate,
            "files": [asdict(result) for result in done],
        },
    )
    return done


def _sound_files(source: Path, target: Path) -> list[Path]:
    """Paths below ``source``, in order."""
    if not source.is_dir():
        raise BatchError(f"{source}: is no folder; give a folder with sound files")
    if target.resolve().is_relative_to(source.resolve()):
        raise BatchError(f"{target}: lies within {source}, whose files it would join; choose another folder")
    files = [path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not files:
        raise BatchError(f"{source}: has no sound file ({', '.join(SUFFIXES)}); choose another folder")
    return sorted(path.relative_to(source) for path in files)


def _wav_names(files: list[Path]) -> dict[Path, Path]:
    """A name in .wav for each: its own, and where one before has that, its whole name and a number."""
    names: dict[Path, Path] = {}
    taken: set[str] = set()
    for path in files:
        name = path.with_suffix(".wav")
        if str(name).lower() in taken:
            name = path.with_name(f"{path.name}-{len(taken)}.wav")
        taken.add(str(name).lower())
        names[path] = name
    return names


def _in_processes(jobs: list[_Job], workers: int, keep: Callable[[Path, WetFile], None]) -> list[_Job]:
    """Render in processes; gives back the jobs whose process ended, or that were waiting for it."""
    broken = []
    others = set(active_children())
    with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent) as pool:
        waiting = {}
        try:
            for job in jobs:
                try:
                    waiting[pool.submit(_render, job)] = job
                except (BrokenProcessPool, OSError):  # it broke before, or while a process was starting
                    broken.append(job)
            for future in as_completed(waiting):
                try:
                    keep(waiting[future].path, future.result())
                except BrokenProcessPool:
                    broken.append(waiting[future])
            if broken:  # a process that was started while the pool broke is waited for, but never ended
                for child in set(active_children()) - others:
                    child.kill()
        except BaseException:  # interrupted
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return sorted(broken, key=lambda job: job.path)


def _end_with_parent() -> None:
    """In a process of its own: end when the parent has ended, even by SIGKILL."""
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _on_cluster(jobs: list[_Job], cluster: Cluster, keep: Callable[[Path, WetFile], None]) -> None:
    """Send the contents of the files, and write the pairs that come back."""

    def recordings() -> Iterator[tuple[_Job, tuple[_Job, bytes]]]:
        for job in jobs:
            try:
                yield job, (job, job.file.read_bytes())
            except OSError as error:
                keep(job.path, _failure(job, error))

    for job, pair in cluster.each(_render_sent, recordings()):
        if isinstance(pair, ClusterError):
            keep(job.path, _failure(job, pair))
        else:
            keep(job.path, _write(job, *pair))


def _render_sent(recording: tuple[_Job, bytes]) -> tuple[Array, Array]:
    """On a worker of a cluster: dry and wet."""
    job, content = recording
    with tempfile.TemporaryDirectory(prefix="tonerig-") as folder:
        file = Path(folder, job.path.name)
        file.write_bytes(content)
        return _pair(replace(job, file=file))


def _render(job: _Job) -> WetFile:
    try:
        dry, wet = _pair(job)
    except (AudioFileError, BatchError, TeacherError, OSError, MemoryError) as error:
        return _failure(job, error)
    return _write(job, dry, wet)


def _pair(job: _Job) -> tuple[Array, Array]:
    dry = _read_dry(job.file, job.rate)
    wet = wet_signal(find_teacher(job.teacher), dry, job.rate, job.settings)
    if not np.isfinite(wet).all():
        raise BatchError(f"{job.path}: {job.teacher} gave NaN or infinity; change its settings")
    return dry, wet


def _failure(job: _Job, error: BaseException) -> WetFile:
    sentence = str(error) or type(error).__name__
    named = sentence if job.path.name in sentence else f"{job.path}: {sentence}"
    return WetFile(str(job.path), problem=named)


def _write(job: _Job, dry: Array, wet: Array) -> WetFile:
    sides = {"dry": (Path("dry") / job.name, dry), "wet": (Path("wet") / job.name, wet)}
    try:
        for path, sound in sides.values():
            (job.target / path).parent.mkdir(parents=True, exist_ok=True)
            write_wav(job.target / path, sound, job.rate)
    except (AudioFileError, OSError, MemoryError) as error:
        return _failure(job, error)
    return WetFile(
        str(job.path),
        dry=str(sides["dry"][0]),
        wet=str(sides["wet"][0]),
        frames=len(wet),
        peak=float(np.abs(wet).max(initial=0.0)),
        sha256=hashlib.sha256(wet.astype("<f4").tobytes()).hexdigest(),
    )


def _read_dry(path: Path, rate: float) -> Array:
    """Mono, at ``rate`` Hz."""
    samples, recorded = read_audio(path)
    mono = samples.mean(axis=0, dtype=np.float64)
    ratio = Fraction(rate / recorded).limit_denominator(FINEST_RATIO)
    if ratio != 1:
        mono = resample_poly(mono, ratio.numerator, ratio.denominator)
    return np.asarray(mono, np.float32)


def _write_manifest(path: Path, content: object) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BatchError(f"{path}: cannot be written: {error.strerror}") from None
