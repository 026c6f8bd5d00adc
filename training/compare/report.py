"""Write a comparison as a folder: page, pictures, sounds and figures, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ...realtime.audio_files import AudioFileError
from ...realtime.wav_writer import write_wav
from .aliasing import Process
from .figures import Figures, measure, need_librosa
from .page import page
from .pictures import draw_all
from .sounds import ROLES, CompareError, Three, read_three

PAGE, FIGURES = "index.html", "figures.json"
MEASURING = 0.5  # of the time


def compare(
    dry: Path,
    wet: Path,
    model: Path,
    folder: Path,
    *,
    process: Callable[[float], Process] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Figures:
    """Compare three files and write the report into a folder.

    Parameters
    ----------
    folder : made where it is missing; an earlier report in it is replaced
    process : from the rate in Hz to the model itself, to measure its aliasing
    progress : called with the fraction done, 0 to 1

    Raises
    ------
    CompareError
        If the sounds do not fit together (`sounds.read_three`), librosa is missing, or the folder holds
        other files or cannot be written; nothing is changed then.
    AudioFileError
        If a sound cannot be read.
    """
    need_librosa()
    _check_folder(folder, (dry, wet, model))
    three = read_three(dry, wet, model)
    model_itself = None if process is None else process(three.rate)
    figures = measure(three, model_itself, lambda done: progress(MEASURING * done))
    files = draw_all(three, lambda done: progress(MEASURING + (1 - MEASURING) * done))
    files[FIGURES] = (json.dumps(figures.as_json(), indent=2, allow_nan=False) + "\n").encode()
    files[PAGE] = page(figures).encode()
    _write(folder, three, files)
    return figures


def _check_folder(folder: Path, sounds: tuple[Path, Path, Path]) -> None:
    """Raise where the report would lie among, or replace, files that are not an earlier report's."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CompareError(f"{folder}: is a file, but a folder is needed; choose another output")
    try:
        found = {file.name for file in folder.iterdir()}
    except OSError as error:
        raise CompareError(f"{folder}: cannot be read: {error.strerror}") from None
    if found and not {PAGE, FIGURES} <= found:
        raise CompareError(f"{folder}: holds other files, and no earlier report; choose another folder")
    for role in ROLES:
        copy = folder / f"{role}.wav"
        if copy.exists() and any(sound.exists() and copy.samefile(sound) for sound in sounds):
            raise CompareError(f"{folder}: holds {copy.name} itself; choose another folder")


def _write(folder: Path, three: Three, files: dict[str, bytes]) -> None:
    """Write all files beside or inside the folder first, then bring them to their places, the page last."""
    fresh = not folder.exists()
    place = folder.absolute().parent if fresh else folder
    try:
        part = place / f".report.{os.getpid()}"
        part.mkdir()
    except OSError as error:
        where = (
            "does not exist; make it first" if not place.is_dir() else f"cannot be written: {error.strerror}"
        )
        raise CompareError(f"{folder}: the folder {place} {where}") from None
    try:
        for role, sound in three.by_role().items():
            write_wav(part / f"{role}.wav", sound.samples, sound.rate)
        for name, data in files.items():
            (part / name).write_bytes(data)
        if fresh:
            part.rename(folder)
        else:
            for name in [*(f"{role}.wav" for role in three.by_role()), *files]:
                (part / name).replace(folder / name)
    except AudioFileError as error:
        raise CompareError(f"{folder}: cannot be written; {error}") from None
    except OSError as error:
        raise CompareError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
