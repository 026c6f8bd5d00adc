"""``tonerig compare abx``: a blind listening test at the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption
from .typed import AT_ONCE, CURSOR_KEYS, in_terminal

END = "\x04"


def abx(
    a: Annotated[Path, typer.Argument(metavar="A", help="The dry sound.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The effect.")],
    x: Annotated[
        Path | None,
        typer.Argument(metavar="X", help="The model's output; without it X is A or B, by chance."),
    ] = None,
    score: Annotated[Path, typer.Option(help="The file that keeps the answers.")] = Path("abx.json"),
    trials: Annotated[int | None, typer.Option(min=1, max=1000, help="How many. [default: 16]")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Of what changes by chance. [default: any]")
    ] = None,
    same_loudness: Annotated[
        bool, typer.Option("--same-loudness", help="Bring all to the loudness of the softest first.")
    ] = False,
    output_device: Annotated[str | None, typer.Option(help="Number or name from 'tonerig devices'.")] = None,
    player: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="Play with this program instead: 'aplay -q'.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Listen without knowing what is what: is X nearer to A or to B?

    With two sounds it asks whether they can be told apart: X is one of them. Keys: 1, 2 and x play, a and b
    answer, q stops. Each answer is kept at once; the same command goes on after an interruption.
    """
    from ...training.compare.abx import audible, begin, read_sounds
    from ...training.compare.listening import listen, result
    from ...training.compare.players import DevicePlayer, ProgramPlayer

    if player is not None and output_device is not None:
        raise typer.BadParameter("--player and --output-device exclude each other")
    sounds = read_sounds([a, b] if x is None else [a, b, x])
    state = begin(sounds, score, trials, seed)
    if not state.complete:
        heard = audible(sounds, same_loudness)
        with ProgramPlayer(player) if player is not None else DevicePlayer(output_device) as through:
            try:
                with _keys() as keys:
                    state = listen(state, score, heard, sounds[0].rate, through, keys, _say)
            except KeyboardInterrupt:
                _say(f"{score}: keeps what was answered; the same command goes on")
                raise
    if as_json:
        print(score.read_text(), end="")
    elif state.complete:
        print(result(state))
        print(f"{score}: keeps the answers; give another --score for a new test")
    else:
        print(f"{score}: {len(state.answers)} of {state.trials} answered; the same command goes on")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _keys() -> Iterator[Iterator[str]]:
    """Keys as they are pressed in a terminal; else the characters of standard input, until it ends."""
    if sys.platform == "win32" or not in_terminal():
        yield (key for line in sys.stdin or () for key in line)
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield _pressed(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _pressed(descriptor: int) -> Iterator[str]:
    """Keys until the terminal goes or Ctrl-D comes; a cursor key, whose code ends in a letter, is none."""
    while True:
        try:
            part = os.read(descriptor, AT_ONCE)
        except OSError:
            return
        for key in CURSOR_KEYS.sub("", part.decode(errors="ignore")):
            if key == END:
                return
            yield key
        if not part:
            return
