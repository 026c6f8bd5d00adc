"""``tonerig capture``: the sound to play through real gear, and whether its recording is good."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import PLAIN
from .options import JsonOption

if TYPE_CHECKING:
    from ...training.capture.checks import PairCheck

MARKS = {"ok": "ok", "warning": "--", "fault": "!!"}

app = typer.Typer(**PLAIN)


@app.callback(epilog="Example: tonerig capture check test.wav recorded.wav")
def capture() -> None:
    """Record real gear, to train a model of it."""


@app.command("signal", epilog="Example: tonerig capture signal -o test.wav --minutes 3")
def signal(
    output: Annotated[Path, typer.Option("--output", "-o", help="The WAV file, of 24 bits.")] = Path(
        "test.wav"
    ),
    minutes: Annotated[float, typer.Option(min=0.25, max=60, help="Of dry sound.")] = 3.0,
    rate: Annotated[int, typer.Option(min=8000, max=192000, help="Sample rate in Hz.")] = 48000,
    music: Annotated[
        Path | None, typer.Option(help="A folder of sound files of your own, to make up half of it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the sound.")] = 0,
) -> None:
    """Write the test signal to play through real gear, and say how to record it."""
    try:
        from ...training.capture.signal import test_signal
    except ModuleNotFoundError as error:
        raise RuntimeError(f"capturing needs {error.name}; pip install 'tonerig[training]'") from None
    from ..wav_writer import WavWriter

    with WavWriter(output, rate, 1, "24") as writer:
        sound = test_signal(minutes, rate, seed, music, lambda text: print(text, file=sys.stderr))
        writer.write(sound[None, :])
    print(f"{output}: written, {len(sound) / rate:.0f} s at {rate} Hz, 24 bits, peaks at -1 dBFS")
    wet = output.with_name("recorded.wav")
    print(f"1. Play {output} into the gear as loud as a guitar would be, and record what comes out as {wet}:")
    print(
        f"   one track, {rate} Hz, the same interface for both, no effects, all of it from before the start."
    )
    print("2. Let the recording peak between -12 and -3 dBFS, and turn nothing while it runs.")
    print(f"3. tonerig capture check {output} {wet}")
    print(f"4. tonerig train effect --dry {output} --wet {wet}")


@app.command("check", epilog="Example: tonerig capture check test.wav recorded.wav")
def check(
    dry: Annotated[Path, typer.Argument(help="The sound that was played.")],
    wet: Annotated[Path, typer.Argument(help="What came out of the gear.")],
    as_json: JsonOption = False,
) -> None:
    """Find the latency between a dry sound and its recording, and whether it can be learnt from.

    The exit code is 1 if there is a fault.
    """
    try:
        from ...training.capture.checks import check_pair
    except ModuleNotFoundError as error:
        raise RuntimeError(f"capturing needs {error.name}; pip install 'tonerig[training]'") from None
    result = check_pair(dry, wet)
    if as_json:
        print(json.dumps(_as_json(result), indent=2))
    else:
        width = max(len(finding.name) for finding in result.findings)
        for finding in result.findings:
            print(f"{MARKS[finding.verdict]}  {finding.name:{width}}  {finding.figure}")
            if finding.verdict != "ok":
                print(f"    {'':{width}}  → {finding.file}: {finding.sentence}")
        print(f"\n{_verdict(result, dry, wet)}")
    if result.verdict == "fault":
        raise typer.Exit(1)


def _verdict(result: PairCheck, dry: Path, wet: Path) -> str:
    if result.verdict == "fault":
        return "This recording cannot be learnt from; put right what is marked !!, and record again."
    aside = ", with what is marked -- in mind" if result.verdict == "warning" else ""
    return f"This recording can be learnt from{aside}: tonerig train effect --dry {dry} --wet {wet}"


def _as_json(result: PairCheck) -> dict[str, object]:
    timing = result.timing
    return {
        "verdict": result.verdict,
        "rate": result.rate,
        "timing": None
        if timing is None
        else {**dataclasses.asdict(timing), "found": timing.found, "upside_down": timing.upside_down},
        "frames": None if result.pair is None else len(result.pair[0]),
        "findings": [dataclasses.asdict(finding) for finding in result.findings],
    }
