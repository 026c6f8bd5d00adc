"""The command line: ``tonerig VERB …``.

A verb is a row of `VERBS`, which names the function behind it as ``module:function``, annotated for typer
(or ``module:app`` for a group). The module is imported when the verb is used and not before, so that
``tonerig --help`` answers at once; heavy imports stand inside the function for the same reason.

Whatever goes wrong becomes one sentence on stderr and exit code 1 (2 for a wrong command line);
``TONERIG_TRACEBACK=1`` shows where it came from.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

PLAIN: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,  # importing rich would double the time that --help takes
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
"""Arguments of every `typer.Typer` here."""


class Verb(NamedTuple):
    """A row of `VERBS`: the function's (or group's) place, one line of help, and an example."""

    place: str
    help: str
    example: str


VERBS: dict[str, Verb] = {
    "live": Verb(
        "live:live",
        "Play through a preset from a guitar, or a patch from a keyboard.",
        "tonerig live --preset crunch",
    ),
    "render": Verb(
        "render:render",
        "Run sound files through a preset or a model.",
        "tonerig render guitar.wav -o out.wav --preset crunch",
    ),
    "play": Verb(
        "play:play",
        "Play MIDI files into sound files.",
        "tonerig play song.mid -o out.wav --map 1=bass,10=drums",
    ),
    "match": Verb(
        "match:match",
        "Find a synth patch that sounds like a recording.",
        "tonerig match kick.wav -o kick.toml --refine 10",
    ),
    "preset": Verb("preset:app", "List, show, hear and make presets.", "tonerig preset show crunch"),
    "plugins": Verb(
        "plugins:app", "Find, list and show installed VST3 plugins.", "tonerig plugins show ZamComp"
    ),
    "convert": Verb(
        "convert:convert", "Turn a model file into another format.", "tonerig convert plexi.nam plexi.onnx"
    ),
    "tune": Verb("tune:tune", "Tune a guitar, live or from a file.", "tonerig tune guitar.wav"),
    "devices": Verb("devices:devices", "List audio devices and MIDI inputs.", "tonerig devices --json"),
    "doctor": Verb(
        "doctor:doctor", "Say whether this machine can play live, and what to change.", "tonerig doctor"
    ),
    "latency": Verb(
        "latency:latency",
        "Measure the round trip through a cable or a connection.",
        "tonerig latency --block 64",
    ),
    "train": Verb(
        "train:app", "Train models of your own.", "tonerig train effect --teacher zamtube --minutes 20"
    ),
    "compare": Verb(
        "compare:app",
        "Compare a model's output with the effect: figures, pictures, a blind test.",
        "tonerig compare dry.wav wet.wav model.wav -o report",
    ),
    "capture": Verb(
        "capture:app",
        "Record real gear, to train a model of it.",
        "tonerig capture check test.wav recorded.wav",
    ),
    "evaluate": Verb(
        "evaluate:app",
        "Measure how near the shipped models come to what they learnt from.",
        "tonerig evaluate effects",
    ),
    "bench": Verb(
        "bench:bench",
        "Measure what models cost and what the audio thread keeps up with.",
        "tonerig bench --json",
    ),
    "compile": Verb(
        "compile:compile",
        "Compile the library's presets and patches ahead.",
        "tonerig compile",
    ),
    "demo": Verb("demo:demo", "Render a real guitar through the shipped amp, and draw it.", "tonerig demo"),
}


class _Verbs(TyperGroup):
    """The group of all verbs; only the one that is used gets imported."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        return TyperCommand(cmd_name, help=VERBS[cmd_name].help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands = {name: self.get_command(ctx, name) for name in VERBS}  # for "did you mean"
        name, stub, rest = super().resolve_command(ctx, args)
        return name, None if stub is None else _load(str(stub.name)), rest


def _load(verb: str) -> Any:
    module_name, _, attribute = VERBS[verb].place.partition(":")
    target = getattr(importlib.import_module(f".{module_name}", __name__), attribute)
    if not isinstance(target, typer.Typer):
        single = typer.Typer(**PLAIN)
        single.command(verb, epilog=f"Example: {VERBS[verb].example}")(target)
        target = single
    command = typer.main.get_command(target)
    command.name = verb
    return command


app = typer.Typer(cls=_Verbs, no_args_is_help=True, **PLAIN)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tonerig {version('tonerig')}")
        raise typer.Exit


@app.callback(epilog="Example: tonerig render guitar.wav -o out.wav --preset crunch")
def _tonerig(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Play through learned sound: neural amps, effects and synthesizers, live and offline."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command line (``sys.argv`` without one) and exit with its code."""
    command = typer.main.get_command(app)
    in_charge = threading.current_thread() is threading.main_thread()
    endings = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {ending: signal.getsignal(ending) for ending in endings if in_charge}
    for ending, handler in before.items():
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(ending, end_cleanly)
    try:
        command.main(arguments, prog_name="tonerig")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of a pipe left
        sys.exit(1)
    except Exception as error:
        if os.environ.get("TONERIG_TRACEBACK"):
            raise
        print(f"tonerig: {sentence(error)}", file=sys.stderr)
        sys.exit(1)
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def end_cleanly(number: int, frame: FrameType | None) -> None:
    """On a signal, leave as an exception does, so that half-written files are removed; a second one waits."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def sentence(error: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    text = " ".join(str(error).split())
    if isinstance(error, ValueError | RuntimeError) and text:
        return text
    return (
        f"this is a fault of tonerig itself: {type(error).__name__}: {text} (TONERIG_TRACEBACK=1 shows where)"
    )
