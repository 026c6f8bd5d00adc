"""``tonerig train wet``: a folder of recordings through a teacher."""

from __future__ import annotations

import dataclasses
import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from .options import ClusterOption, JsonOption
from .settings import setting


def wet(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Recordings of any format, subfolders too.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder, which gets dry, wet and a manifest.json.")
    ],
    teacher: Annotated[str, typer.Option(help="A teacher, or a VST3 effect's name or path.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="A knob of the teacher: drive=8.")] = None,
    rate: Annotated[float, typer.Option(min=8000, max=768000, help="Sample rate in Hz.")] = 48000.0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes. [default: one for each core]")
    ] = None,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make pairs of dry and wet sound: every recording of a folder through a teacher.

    Both come out mono at one rate, frame for frame, with the folder's subfolders. A file that cannot be
    read is named, and the others go on.
    """
    try:
        from ...training.effects.batch import MANIFEST, render_folder
    except ModuleNotFoundError as error:
        raise RuntimeError(f"training needs {error.name}; pip install 'tonerig[training]'") from None
    from rich.console import Console
    from rich.progress import Progress

    from ..cluster import open_cluster
    from .failures import raise_failed

    settings = dict(map(setting, set_ or ()))
    with ExitStack() as stack:
        workers = None if cluster is None else stack.enter_context(open_cluster(cluster))
        bars = stack.enter_context(Progress(console=Console(stderr=True), transient=True, disable=as_json))
        task = bars.add_task(teacher, total=1.0)
        results = render_folder(
            teacher,
            settings,
            folder,
            output,
            workers=jobs or os.cpu_count() or 1,
            rate=rate,
            cluster=workers,
            progress=lambda fraction: bars.update(task, completed=fraction),
        )
    if as_json:
        print(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
    else:
        for result in results:
            if not result.problem:
                print(f"{output / result.wet}: {result.frames / rate:.1f} s, peak {result.peak:.2f}")
        print(f"{output / MANIFEST}: written")
    failed = [(r.source, ValueError(r.problem)) for r in results if r.problem]
    raise_failed(failed, len(results), "files")
