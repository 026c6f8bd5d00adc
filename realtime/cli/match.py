"""``tonerig match``: hear a sound, get a patch that sounds like it, play it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .options import JsonOption

if TYPE_CHECKING:
    from ..match.files import Written
    from ..match.match import Matches

BAR = 20


def match(
    sound: Annotated[Path, typer.Argument(metavar="SOUND", help="A recording of one note or hit.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATCH.toml", help="The patch; the rest goes beside it."),
    ],
    synth: Annotated[
        Literal["four", "two"] | None,
        typer.Option(help="Match with this synth; without, with the one that comes nearer."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=5, help="How many patches.")] = 3,
    refine: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, max=3600, help="Improve them so long on all cores."),
    ] = 0,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The sound's key (C4, 60), where its pitch is not found right."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Of what is drawn by chance.")] = 0,
    estimator: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An estimator of your own, see 'tonerig train match'.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find a synth patch that sounds like a recording, ready to be played."""
    from ..match.files import check_places, write_matches
    from ..match.match import as_json as matches_as_json
    from ..match.match import estimators_for
    from ..match.match import match as find
    from ..match.sound import read_sound
    from ..synths.zones import ZoneError, key_number

    try:
        number = None if key is None else key_number(int(key) if key.isdecimal() else key)
    except ZoneError as error:
        raise typer.BadParameter(f"--key: {error}") from None
    check_places(output, top, sound)
    heard = read_sound(sound)
    estimators = estimators_for(synth, estimator)
    with _Falling(quiet=as_json or refine == 0) as bar:
        found = find(
            heard,
            estimators,
            top=top,
            refine_s=refine,
            key=number,
            threads=os.cpu_count() or 1,
            seed=seed,
            progress=bar.update,
        )
    written = write_matches(found, output)
    if as_json:
        files = {
            "patches": [str(path) for path in written.patches],
            "auditions": [str(path) for path in written.auditions],
            "picture": str(written.picture),
        }
        print(json.dumps(matches_as_json(found) | files, indent=2))
    else:
        _print(found, written, told=key is not None)


class _Falling:
    """A bar for the time that is gone, with the distance reached; on stderr where that is a terminal."""

    def __init__(self, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("refining"),
            BarColumn(),
            TextColumn("distance {task.fields[first]} → {task.fields[distance]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bars.add_task("refining", total=1.0, first="…", distance="…")
        self._first: float | None = None

    def update(self, fraction: float, distance: float) -> None:
        """A part of the time is gone, 0 to 1, and this is the smallest distance so far."""
        if self._first is None:
            self._first = distance
        self._bars.update(
            self._task, completed=fraction, first=f"{self._first:.3f}", distance=f"{distance:.3f}"
        )

    def __enter__(self) -> _Falling:
        self._bars.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._bars.stop()


def _print(found: Matches, written: Written, told: bool) -> None:
    """What a person wants to know, and how to go on.

    Parameters
    ----------
    told : the pitch is the key that the person gave
    """
    from ..documents import printable
    from ..synths.zones import key_name

    pitch, best, key = found.pitch, found.matches[0], found.key.number
    print(f"{printable(found.sound.name)}: {_pitch_text(found)}{', as told by --key' if told else ''}")
    if count := found.sound.replaced:
        what = "sample was no number, and counts" if count == 1 else "samples were no numbers, and count"
        print(f"  {count} {what} as 0", file=sys.stderr)
    fell = ""
    if found.estimated_distance > best.distance:
        fell = f" (before refining {found.estimated_distance:.3f})"
    correlation = 100 * best.measures["stft_correlation"]
    print(
        f"synth {found.synth.name}: {found.likeness}; distance {best.distance:.3f}{fell}, "
        f"spectrogram correlation {correlation:.1f} %; {found.elapsed_s:.2f} s"
    )
    print(f"press {key_name(key)} (key {key}) to hear it" + ("" if pitch else ", or any other key"))
    print()
    width = max(len(parameter.name) for parameter in found.synth.parameters)
    print(f"{'parameter':{width}}  {'value':>10}  confidence")
    for parameter, value in zip(found.synth.parameters, best.values, strict=True):
        sure = found.confidence[parameter.name]
        shown = parameter.text(float(f"{value:.3g}"))
        print(f"{parameter.name:{width}}  {shown:>10}  {'█' * round(BAR * sure):{BAR}} {100 * sure:3.0f} %")
    print()
    for match, patch, audition in zip(found.matches, written.patches, written.auditions, strict=True):
        print(f"{printable(str(patch))}: distance {match.distance:.3f}; heard in {printable(audition.name)}")
    print(f"{printable(str(written.picture))}: the recording and the match, and the parameters")
    name = shlex.quote(printable(str(written.patches[0])))
    print(f"play it: tonerig live --patch {name}   or   tonerig play song.mid -o song.wav --patch {name}")


def _pitch_text(found: Matches) -> str:
    pitch = found.pitch
    if pitch is None:
        return "no pitch to hear"
    sure = "" if pitch.sureness >= 0.8 else ", not surely"
    return f"{pitch.note} {pitch.cents:+.0f} cents ({pitch.frequency_hz:.1f} Hz{sure})"
