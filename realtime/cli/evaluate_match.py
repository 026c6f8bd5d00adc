"""``tonerig evaluate match``: how good the shipped estimators are, measured here and now."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption

if TYPE_CHECKING:
    from ...training.match.evaluate import Evaluation, Stage

EXAMPLE = "Example: tonerig evaluate match --sounds 200 --refine 10"
TABLE_WIDTH = 160
TITLES = {"network": "network alone", "look": "with the look", "refined": "refined"}
ROWS = {
    "mpr": ("mean percentile rank", "{:.2f}"),
    "calibration_error": ("calibration error", "{:.3f}"),
    "stft_pcc_mean": ("STFT correlation, mean", "{:.2f}"),
    "stft_pcc_median": ("STFT correlation, median", "{:.2f}"),
    "fourier_pcc_mean": ("Fourier correlation, mean", "{:.2f}"),
    "fourier_pcc_median": ("Fourier correlation, median", "{:.2f}"),
    "time_pcc_mean": ("time correlation, mean", "{:.2f}"),
    "time_pcc_median": ("time correlation, median", "{:.2f}"),
    "frobenius_mean": ("Frobenius distance, mean", "{:.1f}"),
    "frobenius_median": ("Frobenius distance, median", "{:.1f}"),
    "multi_resolution_mean": ("multi-resolution distance, mean", "{:.3f}"),
    "multi_resolution_mean_share": ("… of the network's alone", "{:.3f}"),
    "multi_resolution_median": ("multi-resolution distance, median", "{:.3f}"),
    "multi_resolution_median_share": ("… of the network's alone", "{:.3f}"),
    "switches_right": ("switches right", "{:.3f}"),
    "knob_error": ("knobs' error, of 10", "{:.2f}"),
    "knob_error_of_medians": ("… of the medians believed", "{:.2f}"),
    "seconds": ("seconds a sound", "{:.3f}"),
    "processor_seconds": ("… of one processor", "{:.3f}"),
}
"""What each row of the table is called and how its numbers are written, by the name in the JSON."""


def match(
    synth: Annotated[str, typer.Option(metavar="SYNTH", help="Whose estimator: four or two.")] = "four",
    sounds: Annotated[int, typer.Option(min=1, metavar="N", help="Sounds to try it on.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, max=2**32, metavar="S", help="Of these sounds.")] = 0,
    refine: Annotated[
        float,
        typer.Option(min=0.0, metavar="SECONDS", help="Improve each answer so long; 0: not at all."),
    ] = 0.0,
    estimator: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An estimator of yours instead of the shipped one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Match sounds that no estimator was trained on, and compare parameters and sounds with the right ones.

    A mean percentile rank of 100 is the optimum, 50 is chance. Correlations, × 100, are of the sound with
    the one rendered from the answer; where one of two is silent they count as 0, where both are as 100. The
    multi-resolution distance is that of log magnitudes and convergence in three windows.
    """
    if not math.isfinite(refine):
        raise typer.BadParameter(f"{refine} is no number of seconds", param_hint="--refine")
    from ...training.match.evaluate import evaluate_shipped
    from .progress import FileProgress

    with FileProgress([f"{sounds} sounds"]) as progress:
        found = evaluate_shipped(
            synth, sounds, seed, refine, lambda share: progress.update(0, share), estimator
        )
    if as_json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        _print(found)


def _print(found: Evaluation) -> None:
    stages = found.stages
    used = {
        key: row for key, row in ROWS.items() if any(getattr(s, key) is not None for s in stages.values())
    }
    _table(
        ["", *(TITLES[name] for name in stages)],
        [
            [title, *(_number(getattr(stage, key), form) for stage in stages.values())]
            for key, (title, form) in used.items()
        ],
    )
    print()
    ranked = {name: stage for name, stage in stages.items() if stage.mpr is not None}
    last = list(stages)[-1]
    _table(
        [
            "parameter",
            *(f"rank, {name}" for name in ranked),
            *(f"first right, {name}" for name in ranked),
            f"error of 10, {last}",
        ],
        [
            [name, *_row(name, list(ranked.values())), _answer(stages[last].parameters[name])]
            for name in stages[last].parameters
        ],
    )
    print(f"{found.sounds} sounds of the synth {found.synth!r}, seed {found.seed}")


def _row(name: str, ranked: list[Stage]) -> list[str]:
    return [f"{stage.parameters[name]['rank']:.2f}" for stage in ranked] + [
        f"{stage.parameters[name]['top_1']:.3f}" for stage in ranked
    ]


def _answer(figures: dict[str, float]) -> str:
    return f"{figures['error']:.2f}" if "error" in figures else f"{figures['right']:.3f} right"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _table(headings: list[str], rows: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.MARKDOWN)
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=True, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(width=TABLE_WIDTH)
    with console.capture() as drawn:
        console.print(table)
    print("\n".join(line.rstrip() for line in drawn.get().strip().splitlines()))
