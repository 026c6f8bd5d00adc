"""``tonerig live``: play through a chain."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from .options import ModelOption, PresetOption, chosen_preset
from .typed import in_terminal, standard_input

if TYPE_CHECKING:
    from ..engine.control import Levels
    from ..engine.knobs import Knob
    from ..live import Session
    from ..patches import Patch
    from ..processors.processor import Processor

Read = TypeVar("Read")

STEP_S = 0.03
LINE_S = 0.1
STEP_DB = 1.0
KEYS = "q quit, m mute, b bypass, + and - volume, : and a knob"


def live(
    preset: PresetOption = None,
    model: ModelOption = None,
    patch: Annotated[str | None, typer.Option(help="A patch to play: its name or path.")] = None,
    channels: Annotated[
        str | None,
        typer.Option("--map", metavar="CHANNEL=PATCH,...", help="Patches of channels: 1=bass,10=drums."),
    ] = None,
    midi_in: Annotated[str | None, typer.Option(help="Number or name from 'tonerig devices'.")] = None,
    block: Annotated[int, typer.Option(min=1, max=8192, help="Frames at a time.")] = 64,
    rate: Annotated[float, typer.Option(min=8000, max=384000, help="Sample rate in Hz.")] = 48000,
    input_device: Annotated[str | None, typer.Option(help="Number or name from 'tonerig devices'.")] = None,
    output_device: Annotated[str | None, typer.Option(help="Number or name from 'tonerig devices'.")] = None,
    input_channel: Annotated[str, typer.Option(help="Channel of the guitar, or a pair: 2 or 1,2.")] = "1",
    volume_db: Annotated[float, typer.Option(min=-100, max=12, help="Master volume in dB.")] = 0.0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A knob, by a processor, its number, a plugin, a patch, a model: gate.threshold_db=-60.",
        ),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            help="A knob for a MIDI controller to turn: 20=gate.threshold_db; 20@2=... on channel 2 alone.",
            metavar="CONTROLLER=KNOB",
        ),
    ] = None,
    restarts: Annotated[
        int, typer.Option(min=0, help="Times a minute that a plugin which went wrong is started again.")
    ] = 3,
    record: Annotated[Path | None, typer.Option(help="Record to this WAV file.")] = None,
    record_what: Annotated[
        Literal["dry", "wet", "both"], typer.Option(help="What to record; both go to two files.")
    ] = "wet",
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after this long.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write what happened to this JSON file.")] = None,
) -> None:
    """Play through a preset or a model, guitar in, sound out; or play a patch from a keyboard; or both.

    The keyboard's program changes choose among the library's patches; until one comes a channel has the
    patch that --map or --patch gives it, or, where neither is given, that of program 1 and, on channel 10,
    drums.

    Keys in a terminal: q quits, m mutes, b bypasses, + and - change the volume; a colon and a line such as
    gate.threshold_db=-60 turn a knob. Without a terminal such lines are read from standard input.
    """
    from ..documents import printable
    from .knobs import Control, Setting, of_models

    heard = _channels(input_channel)
    settings = [_option("--set", Setting.read, text) for text in set_ or ()]
    controls = [_option("--control", Control.read, text) for text in control or ()]
    guitar = preset is not None or model is not None
    # With knobs to turn, a MIDI input beside a guitar does not by itself ask for synths.
    keyboard = (
        patch is not None or channels is not None or (midi_in is not None and not (guitar and controls))
    )
    if not guitar and not keyboard:
        raise typer.BadParameter(
            "give --preset NAME or --model FILE for a guitar, --patch NAME for a keyboard"
        )
    if not guitar and input_device is not None:
        raise typer.BadParameter("--input-device is for a guitar; add --preset NAME or --model FILE")
    chosen = chosen_preset(preset, model) if guitar else None
    patches = _patches(patch, channels)
    called = _called(patches) if keyboard else []
    port = _midi_port(midi_in, "played" if keyboard else "turned") if keyboard or controls else None
    from ..live import Session, Setup

    devices = (rate, block, input_device, output_device, heard if guitar else ())
    setup = Setup(*devices, record, record_what, port, plugin_restarts=restarts)
    files = [file for part in (chosen, *called) if part is not None for file in part.files()]
    for path in (report, record):
        if path is not None:
            _check_output(path, files)
    if record is not None:
        from ..engine.recorder import recorded_files

        takes = recorded_files(record, record_what)
        for path in takes:
            _check_output(path, files)
        if report is not None and report.resolve() in {path.resolve() for path in takes}:
            raise typer.BadParameter("--report and --record name the same file; give each its own")
        if not guitar and record_what != "wet":
            raise typer.BadParameter("without a guitar nothing is dry; record what is wet")

    mine = {part.name if part.path is None else part.path.stem for part in patches.values()}

    def asked(chain: Sequence[Processor]) -> list[Processor]:
        """Without the library's patches, where others were asked for."""
        return [part for part in chain if not patches or getattr(part, "patch", "") in {"", *mine}]

    def knobs(chain: Sequence[Processor]) -> list[Knob]:
        found = [one.knob(asked(chain)) for one in controls]
        return [knob for knob in found if knob is not None]

    def build() -> list[Processor]:
        chain = [] if chosen is None else chosen.build()
        if keyboard:
            from ..synths.band import band

            chain += band(patches, follow=True)
        for setting in settings:
            setting.set(asked(chain))
        knobs(chain)  # what cannot be turned is refused before a device is opened
        return chain

    _prepare(build)
    for ending in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, ending):  # a recording is completed whichever way the session ends
            signal.signal(getattr(signal, ending), signal.default_int_handler)
    session = Session(build, setup, _say, knobs)
    try:
        if volume_db != 0:
            session.engine.set_master(volume_db)
        names = [] if chosen is None else [chosen.name]
        names += dict.fromkeys(patch.name for patch in patches.values())
        names += ["the library's patches"] if called and not patches else []
        _say(
            f"{', '.join(names)}: {rate:g} Hz, {session.block} frames at a time, "
            f"the chain adds {session.latency} samples; {KEYS if in_terminal() else 'Ctrl-C stops'}"
        )
        for sentence in of_models(session.engine.newest.chain):
            _say(printable(sentence))
        _play(session, seconds, asked)
    except KeyboardInterrupt:
        pass
    finally:
        result = session.close()
        if report is not None:
            from ...export.writing import write_bytes

            write_bytes(report, (json.dumps(result.as_dict(), indent=2) + "\n").encode())
    if session.recorder is not None and session.recorder.problem is not None:
        raise RuntimeError(session.recorder.problem)
    _say(
        f"served {result.callbacks_served} of {result.callbacks_due} blocks, {result.xruns} xruns, "
        f"load {100 * result.load_p50:.1f} % (99 % under {100 * result.load_p99:.1f} %)"
    )
    for plugin in result.plugins:
        times = f", started again {plugin.restarts} times" if plugin.restarts else ""
        _say(f"{plugin.name}: {plugin.late} of {plugin.blocks} blocks late{times}{', off' * plugin.off}")


def _patches(patch: str | None, channels: str | None) -> dict[int, Patch]:
    """Patches by channel, 0 for all that have none of their own."""
    if patch is None and channels is None:
        return {}
    from ..patches import load_map, load_patch

    everywhere = {} if patch is None else {0: load_patch(patch)}
    return everywhere if channels is None else everywhere | load_map(channels)


def _called(patches: dict[int, Patch]) -> list[Patch]:
    """These patches, and the library's, which a keyboard's programs call.

    Raises
    ------
    typer.BadParameter
        If there are none of either.
    """
    from ..patches import library_patches

    programs = [patch for patch in library_patches().values() if patch.program is not None]
    if not patches and not programs:
        raise typer.BadParameter("no patch of the library states a program; give --patch NAME")
    return [*patches.values(), *programs]


def _midi_port(wanted: str | None, used: str) -> str:
    """The name of the port of that name or number, or of the only one that there is.

    Parameters
    ----------
    used : what is done from it

    Raises
    ------
    MidiPortError
    typer.BadParameter
        If one has to be chosen.
    """
    from ..midi.ports import MidiPortError, choose_midi, only_midi

    if wanted is not None:
        return choose_midi(wanted).name
    try:
        port = only_midi()
    except MidiPortError as error:
        raise typer.BadParameter(str(error)) from None
    _say(f"{used} from {port.name} ({port.api}), the only MIDI input")
    return port.name


def _check_output(path: Path, files: Sequence[Path]) -> None:
    """Refuse a file that could not be written at the end, or that is one of the chain's ``files``.

    Raises
    ------
    AudioFileError
    """
    from ..audio_files import AudioFileError

    if not path.parent.is_dir():
        raise AudioFileError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.exists() and not path.is_file():
        raise AudioFileError(f"{path}: is not a file; choose another name")
    if path.exists() and any(file.exists() and path.samefile(file) for file in files):
        raise AudioFileError(f"{path}: belongs to the chain, which is never overwritten; choose another")


def _prepare(build: Callable[[], list[Processor]]) -> None:
    """Compile what is not a model's kernel before the sound starts; say so when there is something to do."""
    from ..compiler.unit import compile_units, is_cached
    from ..engine.program import ENGINE_UNIT
    from ..kernels import onnx_runtime
    from ..processors.neural import Neural
    from .progress import say_compiling

    units = [ENGINE_UNIT, onnx_runtime.unit()]
    for processor in build():
        units += processor.units()[:1] if isinstance(processor, Neural) else processor.units()
    missing = [unit for unit in dict.fromkeys(units) if not is_cached(unit)]
    if missing:
        count = "1 part" if len(missing) == 1 else f"{len(missing)} parts"
        _say(f"compiling {count} of the program for this computer, once; it can take a minute")
        compile_units(missing, say_compiling)


def _play(
    session: Session, seconds: float | None, asked: Callable[[Sequence[Processor]], list[Processor]]
) -> None:
    end = None if seconds is None else session.started + seconds
    show = sys.stderr.isatty()
    next_line = 0.0
    with standard_input() as typed:
        while end is None or time.monotonic() < end:
            levels = session.step()
            for key in typed():
                if key == "q":
                    return
                if len(key) > 1:
                    _turn(session, key[1:], asked)
                else:
                    _press(session, key)
            if show and (typed.prompt is not None or time.monotonic() >= next_line):
                next_line = time.monotonic() + LINE_S
                line = _line(session, levels) if typed.prompt is None else f":{typed.prompt}"
                print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            time.sleep(STEP_S)


def _turn(session: Session, line: str, asked: Callable[[Sequence[Processor]], list[Processor]]) -> None:
    """Turn the knob that a line names, or say why not."""
    from ..documents import printable
    from ..parameters import ParameterError
    from .knobs import Setting

    engine = session.engine
    try:
        sentence = Setting.read(line).turn(engine, asked(engine.newest.chain))
    except ParameterError as error:
        _say(printable(str(error)))
    else:
        if in_terminal():
            _say(printable(sentence))


def _press(session: Session, key: str) -> None:
    engine = session.engine
    if key == "m":
        engine.set_mute(not engine.muted)
    elif key == "b":
        engine.set_bypass(not engine.bypassed)
    elif key in "+=":
        engine.set_master(min(12.0, engine.master_db + STEP_DB))
    elif key == "-":
        engine.set_master(max(-100.0, engine.master_db - STEP_DB))


def _line(session: Session, levels: Levels) -> str:
    engine, statistics = session.engine, session.engine.statistics
    notes = f"  \N{EIGHTH NOTE} {session.sounding}" if session.midi is not None else ""
    states = [word for word, on in (("MUTE", engine.muted), ("BYPASS", engine.bypassed)) if on]
    if not session.connected:
        states.append("NO DEVICE")
    elif session.midi is not None and not session.midi.connected:
        states.append("NO MIDI INPUT")
    return (
        f"in {_meter(max(levels.input))}  out {_meter(max(levels.output))}  "
        f"load {100 * statistics.percentile(50):4.1f} %  xruns {statistics.xruns}  "
        f"volume {engine.master_db:+.0f} dB{notes}  {' '.join(states)}"
    )


def _meter(peak: float) -> str:
    from math import log10

    level = 20 * log10(max(peak, 1e-6))
    bar = "#" * max(0, min(12, round((level + 60) / 5)))
    return f"{bar:<12} {level:6.1f} dB{' CLIP' if peak >= 1 else ''}"


def _say(sentence: str) -> None:
    start = "\r\033[K" if sys.stderr.isatty() else ""
    print(f"{start}{sentence}", file=sys.stderr, flush=True)


def _channels(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(re.fullmatch(" *0*[1-9][0-9]{0,4} *", part) for part in parts) or len(parts) > 2:
        raise typer.BadParameter(
            f"--input-channel is {text[:100]!r}, expected a channel such as 2, or a pair such as 1,2"
        )
    return tuple(int(part) for part in parts)


def _option(name: str, read: Callable[[str], Read], text: str) -> Read:
    """What an option's text says."""
    from ..parameters import ParameterError

    try:
        return read(text)
    except ParameterError as error:
        raise typer.BadParameter(f"{name}: {error}") from None
