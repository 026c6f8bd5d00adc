"""``tonerig latency``: the round trip from output to input."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Annotated

import typer

from .options import JsonOption


def latency(
    block: Annotated[int, typer.Option(min=1, max=8192, help="Frames at a time.")] = 64,
    rate: Annotated[float, typer.Option(min=8000, max=384000, help="Sample rate in Hz.")] = 48000,
    input_device: Annotated[str | None, typer.Option(help="Number or name from 'tonerig devices'.")] = None,
    output_device: Annotated[str | None, typer.Option(help="Number or name from 'tonerig devices'.")] = None,
    input_channel: Annotated[int, typer.Option(min=1, max=64, help="Channel that the cable goes to.")] = 1,
    loop: Annotated[
        bool, typer.Option("--loop", help="With JACK: connect output to input, no cable.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the round trip: from output 1 through a cable (or a JACK connection) back to the input.

    Noise bursts are played at -12 dBFS: turn speakers and headphones down first.
    """
    from ..roundtrip import BURSTS, measure

    print(f"playing {BURSTS} bursts and listening", file=sys.stderr)
    result = measure(rate, block, input_device, output_device, input_channel, loop)
    if as_json:
        print(json.dumps(dataclasses.asdict(result), indent=2))
        return
    print(
        f"round trip {result.samples:.1f} samples, {result.milliseconds:.2f} ms"
        f" at {rate:g} Hz, {result.block} frames at a time"
    )
    if result.lost or result.spread_samples > 1:
        print(
            f"it varied by {result.spread_samples:.1f} samples and {result.lost} blocks were late; "
            "see tonerig doctor"
        )
