"""``tonerig compare``: how near a model's output is to the effect, in a report, and in a blind test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from . import PLAIN
from .abx import abx
from .options import JsonOption, chosen_preset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ...training.compare.figures import Figures

BLIND = "abx"
EXAMPLE = "Example: tonerig compare dry.wav wet.wav model.wav -o report/"


class _FilesOrBlind(TyperGroup):
    """Three files make a report; the word ``abx`` before them a blind test."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        if args[:1] == [BLIND]:
            return super().make_context(info_name, args, parent, **extra)
        return self.commands["files"].make_context(info_name, args, parent, **extra)


app = typer.Typer(cls=_FilesOrBlind, **PLAIN)


@app.command("files", epilog=f"{EXAMPLE} — A blind test: tonerig compare abx --help")
def compare(
    dry: Annotated[Path, typer.Argument(metavar="DRY", help="The sound before the effect.")],
    wet: Annotated[Path, typer.Argument(metavar="WET", help="What the effect makes of it.")],
    model: Annotated[Path, typer.Argument(metavar="MODEL_OUTPUT", help="What the model makes of it.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report goes.")
    ] = Path("report"),
    itself: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="The model's own file: its aliasing is measured too."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a dry sound, the wet one and a model's output: figures, pictures, players on one page.

    The three must have one rate and one length, frame for frame; of two channels the mean is measured.
    The page opens in any browser, and needs nothing but its folder.
    """
    try:
        from ...training.compare.page import aliasing_text, distance_rows, level, verdict
        from ...training.compare.report import PAGE
        from ...training.compare.report import compare as report
    except ModuleNotFoundError as error:
        raise RuntimeError(f"comparing needs {error.name}; pip install 'tonerig[training]'") from None
    from .progress import FileProgress

    process = None if itself is None else _player_of(itself)
    with FileProgress([model.name], quiet=as_json) as progress:
        figures = report(
            dry, wet, model, output, process=process, progress=lambda done: progress.update(0, done)
        )
    if as_json:
        print(json.dumps({**figures.as_json(), "report": str(output / PAGE)}, indent=2))
        return
    _print(figures, distance_rows(figures), level)
    print(f"aliasing  {aliasing_text(figures)}")
    print(verdict(figures))
    print(f"{output / PAGE}: written; open it in a browser")


app.command(BLIND, epilog="Example: tonerig compare abx dry.wav wet.wav model.wav")(abx)


def _player_of(path: Path) -> Callable[[float], Callable[[NDArray[np.float32]], NDArray[np.float32]]]:
    """From a rate in Hz to the model of a file as it plays, from rest each time."""
    from .progress import compile_for

    preset = chosen_preset(None, path)
    compile_for(preset)

    def at(rate: float) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        from ..engine.program import Program
        from ..engine.runner import Runner

        runner = Runner(Program(preset.build(), rate, 4096, 1))

        def process(sound: NDArray[np.float32]) -> NDArray[np.float32]:
            runner.program.reset()
            return runner.process(sound[None])[0]

        return process

    return at


def _print(figures: Figures, rows: list[tuple[str, str, str]], level: Callable[[float | None], str]) -> None:
    """The two tables."""
    print(f"{'distance from the wet sound':32}  {'model':>10}  {'dry':>10}")
    for name, near, far in rows:
        print(f"{name:32}  {near:>10}  {far:>10}")
    print()
    print(f"{'sound':32}  {'LUFS':>10}  {'dBTP':>10}")
    for role, sound in figures.sounds.items():
        name = f"{role} {sound.file}"
        print(f"{name:32}  {level(sound.loudness_lufs):>10}  {level(sound.true_peak_dbtp):>10}")
    print()
