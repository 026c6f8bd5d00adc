"""A match as files: patches, what the instrument plays with them, and a picture; all of them or none."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..audio_files import AudioFileError
from ..documents import PresetError
from ..patches import save_patch
from ..wav_writer import write_wav
from .match import Matches
from .patch import played
from .picture import draw_match

RATE = 48000.0


@dataclass(frozen=True)
class Written:
    """Where a match went.

    Attributes
    ----------
    patches : best first
    auditions : for each patch a WAV of the instrument playing the key that was told
    picture : PNG
    """

    patches: list[Path]
    auditions: list[Path]
    picture: Path


def places(output: Path, count: int) -> Written:
    """Where so many patches go: ``patch.toml``, ``patch-2.toml``, and what belongs to them beside them.

    Raises
    ------
    PresetError
        If the name does not end in ``.toml``.
    """
    if output.suffix.lower() != ".toml":
        raise PresetError(f"{output}: a patch is a TOML file; let the name end in .toml")
    stems = [output.stem if k == 0 else f"{output.stem}-{k + 1}" for k in range(count)]
    patches = [output, *(output.with_name(f"{stem}{output.suffix}") for stem in stems[1:])]
    return Written(
        patches,
        [output.with_name(f"{stem}.audition.wav") for stem in stems],
        output.with_name(f"{output.stem}.png"),
    )


def check_places(output: Path, count: int, source: Path | None = None) -> None:
    """Refuse places that cannot be written to, or where the recording lies, before work is done for them.

    Raises
    ------
    PresetError
    """
    written = places(output, count)
    if not output.parent.is_dir():
        raise PresetError(f"{output}: the folder {output.parent} does not exist; make it first")
    _room(output).rmdir()
    for path in (*written.patches, *written.auditions, written.picture):
        if path.exists() and not path.is_file():
            raise PresetError(f"{path}: is not a file; choose another output")
        if source is not None and path.exists() and source.exists() and path.samefile(source):
            raise PresetError(f"{path}: is the recording, and is never overwritten; choose another output")


def write_matches(found: Matches, output: Path) -> Written:
    """Write patches, auditions and the picture; files of those names are replaced.

    Raises
    ------
    PresetError, AudioFileError
        If something cannot be written; nothing is left then.
    """
    check_places(output, len(found.matches))
    targets = places(output, len(found.matches))
    folder = _room(output)
    try:
        made = places(folder / output.name, len(found.matches))
        sounds = []
        for match, patch, audition in zip(found.matches, made.patches, made.auditions, strict=True):
            save_patch(match.patch, patch)
            sounds.append(played(match.patch, found.key.number, found.synth.key_up_s, RATE))
            write_wav(audition, sounds[-1], RATE)
        draw_match(found, made.picture)
        pairs = [
            *zip(made.patches, targets.patches, strict=True),
            *zip(made.auditions, targets.auditions, strict=True),
            (made.picture, targets.picture),
        ]
        _move(pairs)
    except OSError as error:
        raise AudioFileError(f"{output}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return targets


def _room(output: Path) -> Path:
    """A new folder beside a file that is to be written."""
    try:
        return Path(tempfile.mkdtemp(prefix=".match.", dir=output.parent))
    except OSError as error:
        raise PresetError(f"{output}: cannot be written: {error.strerror}; choose another output") from None


def _move(pairs: list[tuple[Path, Path]]) -> None:
    """Give every file its place, or none: what was there before an error comes back."""
    kept: list[tuple[Path, Path | None]] = []
    try:
        for made, target in pairs:
            before = made.with_name(f"{made.name}.before") if target.exists() else None
            if before is not None:
                _keep(target, before)
            kept.append((target, before))
            made.replace(target)
    except BaseException:
        for target, before in kept:
            with contextlib.suppress(OSError):
                if before is not None:
                    before.replace(target)
                else:
                    target.unlink()
        raise


def _keep(file: Path, other: Path) -> None:
    """Give a file a second name, or only that where the file system, as on memory cards, knows but one."""
    try:
        os.link(file, other)
    except OSError:
        file.replace(other)
