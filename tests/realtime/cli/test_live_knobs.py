"""Knobs of ``tonerig live`` that a MIDI controller and lines turn while it plays, on a JACK server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.export.files import save_model
from tonerig.export.reference import evaluate
from tonerig.realtime.audio_files import AudioReader

from ..kernels.knobbed import knobbed
from ..midi.keyboard import keyboard
from .live_command import LIVE, live, wait_for_samples

pytestmark = pytest.mark.usefixtures("jack_in_step")

FEEDER = Path(__file__).parents[1] / "engine" / "feeder.py"
PART = 24000
"""Samples over which a level is measured."""
FIRST, LAST = 2 * PART + 10_000, 2 * (PART + 48_000)
"""Samples, dry and wet, that are recorded before a knob is turned and after it."""


@pytest.fixture(scope="module")
def feeder(jack_in_step: str) -> Iterator[str]:
    """Another process that plays noise into JACK ports; gives the name of its client."""
    command = [sys.executable, str(FEEDER), "knobs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield "knobs"
        process.stdin.close()


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """A gain of 0 dB, then a parallel chain with an equalizer and another one inside."""
    path = tmp_path / "gains.toml"
    path.write_text(
        'tonerig = 1\nname = "Gains"\n[[chain]]\nprocessor = "gain"\n'
        '[[chain]]\nprocessor = "parallel"\nmix = 0\n[[chain.a]]\nprocessor = "equalizer"\n'
        '[[chain.a]]\nprocessor = "gain"\n'
    )
    return path


@contextmanager
def _session(*words: object) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A session that plays, and what it has said so far; ends it."""
    command = [*LIVE, *map(str, words), "--seconds", "600"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as session:
        assert session.stderr is not None
        said: list[str] = []

        def listen() -> None:
            assert session.stderr is not None
            said.extend(iter(session.stderr.readline, ""))

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            _until(lambda: any("frames at a time" in line for line in said) or session.poll() is not None)
            yield session, said
        finally:
            session.send_signal(signal.SIGINT)
            session.wait(120)
            listener.join()
    assert session.returncode == 0, said


def _until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


def _gain_db(take: Path, *, start: bool = False) -> float:
    """Wet over dry, in dB, in the last half second or the first."""
    dry, wet = (_read(take.with_name(f"{take.stem}-{part}.wav"))[0].astype(float) for part in ("dry", "wet"))
    part = slice(PART) if start else slice(-PART, None)
    assert np.sqrt(np.mean(dry[part] ** 2)) > 0.05
    return float(10 * np.log10(np.mean(wet[part] ** 2) / np.mean(dry[part] ** 2)))


def _read(path: Path) -> NDArray[np.float32]:
    with AudioReader(path) as reader:
        return np.concatenate([block.copy() for block in reader.blocks()], axis=1)


def test_a_controller_turns_a_knob_of_a_guitars_chain(feeder: str, preset: Path, tmp_path: Path) -> None:
    """Position 51 of 127 of a gain from -60 to 40 dB is -19.84 dB, on its channel; no synth is started."""
    take = tmp_path / "take.wav"
    words = ("--preset", preset, "--input-device", feeder, "--record", take, "--record-what", "both")
    with keyboard("keys") as keys, _session(*words, "--control", "20@2=gain.gain_db") as (_, said):
        wait_for_samples(tmp_path, FIRST)
        keys.send_message([0xB0, 20, 127])
        keys.send_message([0xB1, 20, 51])
        keys.send_message([0x91, 60, 100])
        wait_for_samples(tmp_path, LAST)
    assert "turned from keys:out (JACK), the only MIDI input\n" in said
    assert any(line.startswith("Gains: 48000 Hz") for line in said)
    assert _gain_db(take, start=True) == pytest.approx(0.0, abs=1e-3)
    assert _gain_db(take) == pytest.approx(-60 + 100 * 51 / 127, abs=0.01)
    assert _read(take.with_name("take-wet.wav")).shape[0] == 1  # a synth would make it stereo


def test_knobs_of_a_bare_model_turn_too(feeder: str, tmp_path: Path) -> None:
    """Stated, by a controller, and by a line that calls it by its file's name: the reference's gain."""
    model, take = knobbed("gain", 1), tmp_path / "take.wav"
    save_model(model, tmp_path / "amp.onnx")
    words = ("--model", tmp_path / "amp.onnx", "--input-device", feeder, "--record", take)
    knobs = ("--set", "neural.drive=2", "--control", "20=neural.drive", "--record-what", "both")
    with keyboard("keys") as keys, _session(*words, *knobs) as (session, said):
        assert session.stdin is not None
        wait_for_samples(tmp_path, FIRST)
        keys.send_message([0xB0, 20, 127])
        session.stdin.write("amp.cutoff_hz=300\n")
        session.stdin.flush()
        wait_for_samples(tmp_path, LAST)
    assert "knobs of amp: drive 2 (0 to 10), cutoff_hz 1000 Hz (200 to 8000 Hz)\n" in said
    for start, values in ((True, {"drive": 2.0}), (False, {"drive": 10.0, "cutoff_hz": 300.0})):
        [gain] = evaluate(model, [1.0], knobs=values)
        assert _gain_db(take, start=start) == pytest.approx(20 * np.log10(gain), abs=0.01)


def test_lines_turn_knobs_and_bad_ones_are_told(feeder: str, preset: Path, tmp_path: Path) -> None:
    """Lines come in pieces, good and bad; each bad one is a sentence, and the end of the file is no end."""
    take = tmp_path / "take.wav"
    words = ("--preset", preset, "--input-device", feeder, "--record", take, "--record-what", "both")
    bad = {
        "hello": "'hello' sets no knob, expected PROCESSOR.PARAMETER=VALUE\n",
        "reverb.mix=3": "the chain has no reverb; it has gain, parallel, equalizer\n",
        "gain.drive=3": "gain has no parameter drive; it has gain_db\n",
        "gain.gain_db=300": "gain_db is 300, expected -60 to 40 dB\n",
        "gain.gain_db=nan": "gain_db is nan, expected -60 to 40 dB\n",
        "gain.gain_db=\x1b[2J": "gain_db is '\\x1b[2J', expected -60 to 40 dB\n",
    }
    with _session(*words) as (session, said):
        assert session.stdin is not None
        wait_for_samples(tmp_path, FIRST)
        for piece in ("gain.ga", "in_db=-6\nhel", "lo\n", *[f"{line}\n" for line in list(bad)[1:]]):
            session.stdin.write(piece)
            session.stdin.flush()
            time.sleep(0.1)
        session.stdin.write("2.mix=100\ngain.gain_db = -20.5")
        session.stdin.close()
        _until(lambda: all(sentence in said for sentence in bad.values()))
        wait_for_samples(tmp_path, LAST)
        assert session.poll() is None
        session.stdin = None
    assert [line for line in said if line in bad.values()] == list(bad.values())
    assert _gain_db(take, start=True) == pytest.approx(0.0, abs=1e-3)
    assert _gain_db(take) == pytest.approx(-20.5, abs=0.01)


def test_a_line_typed_after_a_colon_turns_a_knob(preset: Path) -> None:
    """The prompt is shown; keys belong to it until Enter or Esc, and mean what they mean afterwards."""
    import pty

    hand, terminal = pty.openpty()
    command = [*LIVE, "--preset", str(preset), "--seconds", "600"]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        screen = bytearray()

        def watch() -> None:
            try:
                while part := os.read(hand, 4096):
                    screen.extend(part)
            except OSError:
                pass  # the terminal is closed

        watcher = threading.Thread(target=watch)
        watcher.start()
        for typed, shown in (
            (b"", b"volume +0 dB"),
            (b":gain.gain_db=-q", b"\r\x1b[K:gain.gain_db=-q"),
            (b"\x7f12\n", b"gain: gain_db is -12 dB"),
            (b":m", b"\r\x1b[K:m"),
            (b"\x1b-", b"volume -1 dB"),
            (b":gain.gain_db=much\n", b"gain_db is 'much', expected -60 to 40 dB"),
        ):
            os.write(hand, typed)
            _until(partial(screen.__contains__, shown))
        assert b"MUTE" not in screen
        os.write(hand, b"q")
        assert process.wait(120) == 0
        watcher.join()
        os.close(hand)


@pytest.mark.parametrize(
    ("control", "code", "sentence"),
    [
        ("20=parallel.mix", 2, "there are no MIDI inputs; connect a keyboard, or choose one with --midi-in"),
        ("gain.gain_db", 2, "--control: 'gain.gain_db' gives no controller a knob"),
        ("120=gain.gain_db", 2, "there is no controller 120; they go from 0 to 119"),
    ],
)
def test_a_control_that_cannot_be_is_refused(preset: Path, control: str, code: int, sentence: str) -> None:
    """No MIDI input, no controller of that number, no knob: a sentence each."""
    result = live("--preset", preset, "--seconds", 1, "--control", control)
    assert result.returncode == code
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        ("20=limiter.look_ahead_ms", "limiter's look_ahead_ms is read before it plays"),
        ("20=gate.mix", "the chain has no gate; it has limiter"),
        ("20=limiter.mix", "limiter has no parameter mix"),
    ],
)
def test_a_knob_that_no_controller_can_turn_is_refused(tmp_path: Path, control: str, sentence: str) -> None:
    """A fixed parameter, or none, ends with exit code 1 before anything plays."""
    preset = tmp_path / "limiter.toml"
    preset.write_text('tonerig = 1\nname = "Limiter"\n[[chain]]\nprocessor = "limiter"\n')
    with keyboard("keys"):
        result = live("--preset", preset, "--seconds", 1, "--control", control)
    assert result.returncode == 1
    assert sentence in result.stderr.splitlines()[-1]
    assert "frames at a time" not in result.stderr
