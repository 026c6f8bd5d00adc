"""``tonerig preset audition``: hear patches, each with a phrase that fits it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import JsonOption

if TYPE_CHECKING:
    from ..audition import Auditioned


def audition(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where each patch's NAME.wav goes.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Patches, by name or path; all of the library without."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hear patches: each plays a phrase that fits it into a sound file, and is measured."""
    from ..audition import audition as render
    from ..documents import printable
    from ..patches import library_patches, load_patch
    from ..render import RenderError
    from .failures import raise_failed
    from .progress import FileProgress, say_compiling

    patches = [load_patch(name) for name in names] if names else list(library_patches().values())
    if not patches:
        raise RenderError("the library has no patches; see tonerig preset list")
    files = [patch.path.stem if patch.path else patch.name for patch in patches]
    if doubles := {name for name in files if files.count(name) > 1}:
        raise RenderError(f"{', '.join(sorted(doubles))}: named twice; each would become the same file")
    if output.exists() and not output.is_dir():
        raise RenderError(f"{output}: is a file, but a folder is needed; choose another output")
    output.mkdir(parents=True, exist_ok=True)
    done: list[tuple[str, Auditioned]] = []
    failed: list[tuple[str, Exception]] = []
    with FileProgress(files, quiet=as_json) as progress:
        for number, (name, patch) in enumerate(zip(files, patches, strict=True)):
            try:
                tell = partial(progress.update, number)
                found = render(patch, output / f"{name}.wav", progress=tell, on_unit=say_compiling)
                done.append((name, found))
            except (ValueError, OSError, RuntimeError) as error:
                failed.append((name, error))
    if as_json:
        print(json.dumps([_audition_as_json(name, found) for name, found in done], indent=2))
    elif done:
        width = max(len(name) for name, _ in done)
        print(f"{'patch':{width}}  {'phrase':20}  seconds  peak dBTP  LUFS   × real time")
        for name, found in done:
            print(
                f"{printable(name):{width}}  {found.phrase:20}  {found.seconds:7.1f}  "
                f"{found.true_peak_db:9.1f}  {found.loudness_lufs:5.1f}  {found.times_realtime:11.0f}"
                + ("  put out NaN or Inf and was muted" if found.muted else "")
            )
    raise_failed(failed, len(files), "patches")


def _audition_as_json(name: str, found: Auditioned) -> dict[str, Any]:
    """The measures of one patch; silence, which has neither peak nor loudness, as null."""
    row = {**asdict(found), "patch": name, "path": str(found.path)}
    for key in ("true_peak_db", "loudness_lufs"):
        row[key] = row[key] if math.isfinite(row[key]) else None
    return row
