"""``tonerig tune``: a tuner, live through the engine's tap or along a file."""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption

if TYPE_CHECKING:
    from ..tuner import Pitch

STEP_S = 0.1
SMOOTHED = 5
NEEDLE = 41


def tune(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A recording; without it, the guitar is heard live."),
    ] = None,
    reference: Annotated[float, typer.Option(min=400, max=480, help="A4 in Hz.")] = 440.0,
    input_device: Annotated[str | None, typer.Option(help="Number or name from 'tonerig devices'.")] = None,
    input_channel: Annotated[int, typer.Option(min=1, max=64, help="Channel of the guitar.")] = 1,
    rate: Annotated[float, typer.Option(min=8000, max=384000, help="Sample rate in Hz, when live.")] = 48000,
    block: Annotated[int, typer.Option(min=1, max=8192, help="Frames at a time, when live.")] = 64,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after this long, when live.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tune a guitar, one string at a time: the note, and the cents it is off.

    Live, the output is muted; Ctrl-C stops.
    """
    if file is not None:
        readings = _from_file(file, reference)
    else:
        live = _live(input_device, input_channel, rate, block, seconds, reference)
        readings = _shown(live, quiet=as_json)
    if as_json:
        print(json.dumps([dataclasses.asdict(reading) for reading in readings], indent=2))
    elif file is not None:
        _print_notes(readings)


def _from_file(file: Path, reference: float) -> list[Pitch]:
    from ..audio_files import read_audio
    from ..tuner import frames_needed, pitches

    sound, rate = read_audio(file)
    readings = list(pitches(sound.mean(axis=0), rate, STEP_S, reference))
    if not readings:
        least = frames_needed(rate) / rate
        raise RuntimeError(f"{file.name}: no pitch to hear; expected {least:.2f} s or more of one string")
    return readings


def _live(
    device: str | None, channel: int, rate: float, block: int, seconds: float | None, reference: float
) -> Iterator[Pitch | None]:
    """A reading every tenth of a second, None where nothing is heard."""
    import numpy as np

    from ..live import Session, Setup
    from ..tuner import frames_needed, pitch

    needed = frames_needed(rate)
    setup = Setup(rate, block, input_device=device, channels=(channel,))
    session = Session(list, setup, lambda sentence: print(sentence, file=sys.stderr))
    session.engine.set_mute(True)
    session.engine.set_recording(True)
    heard = np.zeros(needed, np.float32)
    end = None if seconds is None else time.monotonic() + seconds
    due = time.monotonic()
    try:
        while end is None or time.monotonic() < end:
            session.step()
            heard = np.concatenate([heard, session.engine.read_tap()[0]])[-needed:]
            if time.monotonic() >= due:
                due += STEP_S
                yield pitch(heard, rate, reference)
            time.sleep(0.02)
    except KeyboardInterrupt:
        return
    finally:
        session.close()


def _shown(live: Iterator[Pitch | None], quiet: bool) -> list[Pitch]:
    """Gather the readings, showing the middle of the last few on one line of the terminal."""
    readings: list[Pitch] = []
    recent: list[Pitch] = []
    show = not quiet and sys.stdout.isatty()
    for reading in live:
        if reading is None:
            recent = []
            continue
        readings.append(reading)
        recent = [*(r for r in recent if r.note == reading.note), reading][-SMOOTHED:]
        middle = statistics.median(r.cents for r in recent)
        line = f"{reading.note:<4}{_needle(middle)} {middle:+6.1f} cents  {reading.frequency_hz:8.2f} Hz"
        if not quiet:
            print(f"\r\033[K{line}" if show else line, end="" if show else "\n", flush=True)
    if show:
        print()
    return readings


def _needle(cents: float) -> str:
    """A scale of -50 to 50 cents with a mark; the middle is in tune."""
    place = round((cents + 50) / 100 * (NEEDLE - 1))
    scale = ["·"] * NEEDLE
    scale[NEEDLE // 2] = "|"
    scale[min(NEEDLE - 1, max(0, place))] = "●"
    return "".join(scale)


def _print_notes(readings: list[Pitch]) -> None:
    """A line for each note along the sound."""
    for note, group in groupby(readings, key=lambda reading: reading.note):
        part = list(group)
        cents = sorted(reading.cents for reading in part)
        middle = statistics.median(cents)
        spread = cents[-1 - len(cents) // 4] - cents[len(cents) // 4]
        frequency = statistics.median(reading.frequency_hz for reading in part)
        print(
            f"{part[0].time_s:7.2f} s  {note:<4}{_needle(middle)} {middle:+6.1f} cents  {frequency:8.2f} Hz"
            f"  ({len(part)} readings, half of them within {spread:.1f} cents)"
        )
