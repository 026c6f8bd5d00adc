"""``tonerig play``: MIDI files to sound files."""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import JsonOption

if TYPE_CHECKING:
    from ..play import Played


def play(
    songs: Annotated[list[Path], typer.Argument(metavar="SONG...", help="MIDI files.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A WAV file; or a folder, where each song keeps its name.")
    ],
    patch: Annotated[
        str | None, typer.Option("--patch", help="The patch of all channels: its name or path.")
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="CHANNEL=PATCH,...", help="Patches of channels: 1=bass,2=pad,10=drums."
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="HZ", min=8000, max=192000, help="Sample rate, 48000 without it.")
    ] = None,
    guitar: Annotated[
        Path | None, typer.Option(help="A sound file heard with the song, through --preset; its rate counts.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", "-p", help="What the guitar goes through: a preset's name or path."),
    ] = None,
    form: Annotated[
        Literal["float32", "24", "16"],
        typer.Option("--format", help="Samples of the WAV: float32, 24 bits, or 16 bits with dither."),
    ] = "float32",
    as_json: JsonOption = False,
) -> None:
    """Play MIDI files into sound files, in stereo, with the synths and the code that play live.

    Without --patch and --map the song's own programs choose among the library's patches. What --map
    leaves out has --patch, or is silent. The end of each note is kept until it is silent.
    """
    if preset is not None and guitar is None:
        raise typer.BadParameter("--preset needs a sound to go through it; give --guitar FILE")
    if guitar is not None and rate is not None:
        raise typer.BadParameter("--guitar and --rate exclude each other; the guitar's rate counts")
    from ..patches import load_map, load_patch
    from ..play import RATE, play_song
    from ..presets import load_preset
    from ..render import outputs
    from .failures import raise_failed
    from .progress import FileProgress, say_compiling

    assignments = {0: load_patch(patch)} if patch is not None else {}
    assignments |= load_map(channels) if channels is not None else {}
    chain = load_preset(preset) if preset is not None else None
    kept = [file for part in (*assignments.values(), *((chain,) if chain else ())) for file in part.files()]
    targets = outputs(songs, output, kept + ([guitar] if guitar is not None else []))
    if len(songs) > 1 or output.suffix == "":
        output.mkdir(parents=True, exist_ok=True)
    done: list[Played] = []
    failed: list[tuple[str, Exception]] = []
    with FileProgress([song.name for song in songs], quiet=as_json) as progress:
        for number, (song, target) in enumerate(zip(songs, targets, strict=True)):
            try:
                done.append(
                    play_song(
                        song,
                        target,
                        assignments,
                        rate=rate or RATE,
                        preset=chain,
                        guitar=guitar,
                        form=form,
                        progress=partial(progress.update, number),
                        on_unit=say_compiling,
                    )
                )
            except (ValueError, OSError, RuntimeError) as error:
                failed.append((song.name, error))
    if as_json:
        print(json.dumps([dataclasses.asdict(result) for result in done], default=str, indent=2))
    else:
        for result in done:
            print(_line(result))
    raise_failed(failed, len(songs), "songs")


def _line(result: Played) -> str:
    from ..documents import printable

    peak = "silence" if result.peak_db is None else f"peak {result.peak_db:.1f} dBFS"
    parts = [
        f"{printable(str(result.path))}: {result.notes} notes, {result.seconds:.1f} s, {peak}, "
        f"{result.times_realtime:.1f} × real time"
    ]
    if result.unended:
        parts.append(f"{result.unended} notes had no end and were released with the song's")
    if result.clipped:
        parts.append(f"{result.clipped} samples were over full scale and clipped")
    if result.muted:
        numbers = ", ".join(map(str, result.muted))
        parts.append(f"processor {numbers} put out NaN or Inf and was muted")
    parts += result.problems
    return "; ".join(parts)
