"""``tonerig train match``: networks that tell a synthesizer's parameters from its sounds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ...training.match.train import Progress as Step


def match(
    model: Annotated[
        str,
        typer.Option(
            help="tonerig, which is shipped; or one of the paper's: fc-linear, fc1, fc2, fc3, hc, hc3, "
            "conv1 to conv6, conv6xl, conve2e."
        ),
    ] = "tonerig",
    synth: Annotated[str, typer.Option(help="Whose parameters: four or two.")] = "four",
    sounds: Annotated[int, typer.Option(min=1, metavar="N", help="How many different sounds.")] = 200_000,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="How often it hears each.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of checkpoint, figures and estimator. [default: runs/match/SYNTH]"
        ),
    ] = None,
    table: Annotated[
        bool,
        typer.Option(
            "--table",
            help="Every row of the documents' tables instead of one model: of four the fourteen and ours; of "
            "two the study's, for which --sounds, --seed and --output count.",
        ),
    ] = False,
    test_sounds: Annotated[
        int, typer.Option("--test-sounds", min=16, metavar="N", help="Unseen sounds to measure on.")
    ] = 2000,
    precision: Annotated[
        str | None,
        typer.Option(help="32-true or bf16-mixed. [default: the paper's models 32-true, ours bf16-mixed]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of sounds, order and weights.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on from what the folder holds.")] = False,
) -> None:
    """Train an estimator on sounds that a synthesizer makes, and measure it on sounds it has never heard.

    An interrupted training goes on where it was when the same command is given again. Figures are written
    beside the checkpoint, and estimator.onnx for tonerig match where the model hears spectrograms.
    """
    try:
        from ...training.match.rows import Budget, run_row, run_table
        from ...training.match.study.run import run_study
    except ModuleNotFoundError as error:
        raise RuntimeError(f"training needs {error.name}; pip install 'tonerig[training]'") from None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    folder = output or Path("runs/match") / synth
    bars = Progress(
        TextColumn("{task.percentage:>3.0f} %"),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
    )
    with bars:
        if table and synth == "two":
            task = bars.add_task("the study's models", total=1.0)
            run_study(
                sounds=sounds,
                seed=seed,
                out=folder,
                progress=lambda what, part: bars.update(task, completed=part, description=what),
            )
            path = folder / "study.md"
        else:
            budget = Budget(sounds, epochs, test_sounds, seed, device, precision)
            task = bars.add_task("", total=1.0)

            def show(name: str, step: Step) -> None:
                held = "" if step.validation_loss is None else f", {step.validation_loss:.4f} held back"
                said = f"{name}: {step.sounds} sounds, loss {step.loss:.4f}{held}"
                bars.update(task, completed=step.fraction, description=said)

            if table:
                path = run_table(budget, synth, folder, resume=not fresh, progress=show)
            else:
                path = run_row(model, budget, synth, folder / model, resume=not fresh, progress=show)
    print(f"{path}: written", file=sys.stderr)
