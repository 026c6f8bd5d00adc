"""``tonerig evaluate``: how good the shipped models are, measured here and now."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from . import PLAIN
from .evaluate_match import EXAMPLE as MATCH_EXAMPLE
from .evaluate_match import match
from .options import JsonOption

if TYPE_CHECKING:
    from ...training.effects.shipped import Figures

EXAMPLE = "Example: tonerig evaluate effects chorus delay"
HEADINGS = (
    "effect",
    "model",
    "ESR",
    "target",
    "log-mel, dB",
    "dry",
    "nearer in",
    "block, µs",
    "of it",
    "kB",
    "knobs' ESR",
)
TABLE_WIDTH = 160

app = typer.Typer(**PLAIN)


@app.callback(epilog=EXAMPLE)
def evaluate() -> None:
    """Measure how near the shipped models come to what they learnt from."""


app.command("match", epilog=MATCH_EXAMPLE)(match)


@app.command("effects", epilog=EXAMPLE)
def effects(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[EFFECT...]", help="Which ones. [default: all]")
    ] = None,
    knobs: Annotated[
        int, typer.Option(min=0, metavar="N", help="Settings to try of a model with knobs, drawn by chance.")
    ] = 16,
    as_json: JsonOption = False,
) -> None:
    """Play the shipped effects over a real guitar that none was trained on, and compare with their teachers.

    ESR is the energy of the error over that of the wet sound; log-mel the mean difference of levels in 80
    mel bands, beside it that of the dry sound. A block is 64 frames at 48 kHz on one core; "of it" is the
    share of its 1333 µs. With knobs, the median and the worst ESR over settings of all of them.
    """
    try:
        import librosa

        from ...training.effects import shipped
    except ModuleNotFoundError as error:
        raise RuntimeError(f"evaluating needs {error.name}; pip install 'tonerig[training]'") from None
    del librosa  # the distances import it when they are asked for
    from ..presets import model_preset
    from .progress import FileProgress, compile_for

    recordings = shipped.guitar()
    chosen = names or shipped.shipped_effects()
    for name in chosen:
        compile_for(model_preset(shipped.model_file(shipped.check(name))))
    with FileProgress(chosen, quiet=as_json) as progress:
        results = [
            shipped.evaluate_shipped(name, recordings, knobs, partial(progress.update, n))
            for n, name in enumerate(chosen)
        ]
    if as_json:
        print(json.dumps([figures.as_json() for figures in results], indent=2))
    else:
        _print(results)


def _print(results: list[Figures]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ...training.effects.shipped import TARGETS

    table = Table(box=box.MARKDOWN)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True, justify="left" if heading in HEADINGS[:2] else "right")
    for figures in results:
        table.add_row(*_cells(figures, TARGETS[figures.effect].text()))
    console = Console(width=TABLE_WIDTH)
    with console.capture() as drawn:
        console.print(table)
    print("\n".join(line.rstrip() for line in drawn.get().strip().splitlines()))
    total = sum(figures.size_bytes for figures in results)
    short = [figures.effect for figures in results if not figures.holds]
    verdict = f"short of the target: {', '.join(short)}" if short else "all within their targets"
    print(f"{len(results)} models, {total / 1e6:.2f} MB together; {verdict}")


def _cells(figures: Figures, target: str) -> tuple[str, ...]:
    overall, knobs = figures.overall, figures.knobs_esr
    both = {"waveform": overall.closer_in_waveform, "log-mel": overall.closer_in_logmel}
    nearer = [name for name, holds in both.items() if holds]
    return (
        figures.effect,
        figures.network,
        f"{overall.esr:.2g}",
        target,
        f"{overall.logmel:.2g}",
        f"{overall.logmel_dry:.2f}",
        "both" if len(nearer) == len(both) else "".join(nearer) or "neither",
        f"{figures.block_us:.1f}",
        f"{100 * figures.block_us / figures.budget_us:.2f} %",
        f"{figures.size_bytes / 1000:.0f}",
        "" if knobs is None else f"{knobs.median:.2g}, {knobs.worst:.2g}",
    )
