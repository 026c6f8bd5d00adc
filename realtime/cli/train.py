"""``tonerig train``: models of your own."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from . import PLAIN
from .options import ClusterOption
from .settings import setting
from .train_match import match as match_sounds
from .train_wet import wet as wet_sounds

app = typer.Typer(**PLAIN)


@app.callback(epilog="Example: tonerig train effect --dry test.wav --wet recorded.wav -o mine.onnx")
def train() -> None:
    """Train models of your own."""


app.command("wet")(wet_sounds)
app.command("match", epilog="Example: tonerig train match --model conv6 --sounds 200000 --epochs 100")(
    match_sounds
)


@app.command("effect", epilog="Example: tonerig train effect --dry test.wav --wet recorded.wav -o mine.onnx")
def effect(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The ONNX file; by default TEACHER-NETWORK.onnx.")
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="What it learns: distortion, fuzz, compressor, amp, lowpass, highpass, octave, chorus, "
            "delay, reverb, zamtube, or a VST3 effect's name or path."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A knob of the teacher: tube_drive=8.")
    ] = None,
    dry: Annotated[
        Path | None, typer.Option(help="What was played into your own gear; see tonerig capture.")
    ] = None,
    wet: Annotated[Path | None, typer.Option(help="What came out of it, instead of a teacher.")] = None,
    knobs: Annotated[
        str | None, typer.Option(help="Knobs of the teacher to learn, all settings of them: drive,tone.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="wavenet-standard, -lite, -feather, -nano or -8x10; cascade-2x2048; tcn-8x3; lstm-16, "
            "lstm-2x8, gru-16; linear, echo, modulation, octave, compression. [default: as the shipped "
            "model was learnt; of other gear cascade-2x2048 with 2048 taps]"
        ),
    ] = None,
    taps: Annotated[
        int | None, typer.Option(min=0, help="Length of a filter after the network: a cabinet has 2048.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.001, help="Time to train for. [default: 20]")] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, help="End after so many looks that were no better; 0: never.")
    ] = None,
    music: Annotated[
        Path | None, typer.Option(help="Folder of your recordings, which become half of the dry sound.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The model's name.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of signal, weights and order.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps. [default: auto]")] = None,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the checkpoint. [default: runs/NAME of the output]")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on from the checkpoint.")] = False,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file with these and more; see docs/training.md.")
    ] = None,
    cluster: ClusterOption = None,
) -> None:
    """Train a network to sound like an effect, and write it as streaming ONNX for live and render.

    An interrupted training goes on where it was when the same command is given again.
    """
    try:
        from ...training.effects.config import ESTIMATED, TrainingConfig, read_config, shipped_config
        from ...training.effects.teachers import find_teacher, preferred_amp
        from ...training.effects.train import Progress as Step
        from ...training.effects.train import train_effect
    except ModuleNotFoundError as error:
        raise RuntimeError(f"training needs {error.name}; pip install 'tonerig[training]'") from None
    stated: dict[str, Any] = {
        "output": output,
        "teacher": teacher,
        "dry": dry,
        "wet": wet,
        "knobs": None if knobs is None else tuple(filter(None, map(str.strip, knobs.split(",")))),
        "network": network,
        "taps": taps,
        "minutes": minutes,
        "patience": patience,
        "music": music,
        "name": name,
        "seed": seed,
        "device": device,
        "run": run,
        "resume": False if fresh else None,
    }
    stated = {key: value for key, value in stated.items() if value is not None}
    settings = dict(map(setting, set_ or ()))
    if config is None and dry is None and wet is None:
        config = shipped_config(stated.setdefault("teacher", preferred_amp()))
    if config is not None:
        read = read_config(config)
        if read.network != stated.get("network", read.network):  # its filter belongs to its network
            stated = {"taps": 0, "knobs": (), **stated}
        wanted = dataclasses.replace(read, **stated, settings={**read.settings, **settings})
    else:
        learnt = wet.stem if wet is not None else find_teacher(stated.get("teacher", preferred_amp())).name
        if network is None:  # what comes nearest to unknown gear in a short time
            stated = {"network": "cascade-2x2048", "taps": 2048, **stated}
        kind = stated["network"]
        called = re.sub(r"[^\w.-]", "_", learnt)
        stated.setdefault("output", Path(f"{called}-{kind}.onnx"))
        wanted = TrainingConfig(**stated, settings=settings)
    if run is None and wanted.run == TrainingConfig.run:
        wanted = dataclasses.replace(wanted, run=Path("runs") / wanted.output.stem)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bars = Progress(
        TextColumn("{task.percentage:>3.0f} %"),
        BarColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
    )
    what = wanted.teacher if wanted.wet is None else wanted.wet.name
    for_long = "" if wanted.network in ESTIMATED else f" for {wanted.minutes:g} minutes"
    print(f"{wanted.network} learns {what}{for_long}", file=sys.stderr)
    with bars:
        task = bars.add_task("making the signals", total=1.0)

        def show(step: Step) -> None:
            loss = "estimating" if step.loss is None else f"loss {step.loss:.4f}"
            esr = "" if step.validation_esr is None else f", ESR {step.validation_esr:.4f} on sound held back"
            bars.update(task, completed=step.fraction, description=f"{loss}{esr}")

        path = train_effect(wanted, show, cluster)
    print(f"{path}: written; try it with tonerig live --model {path}")
