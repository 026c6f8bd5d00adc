"""``tonerig live`` as a person starts it, on a JACK server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.export.files import save_model
from tonerig.realtime.audio_files import AudioReader
from tonerig.realtime.bench.server import start_server, stop_server
from tonerig.realtime.patches import new_patch, save_patch
from tonerig.realtime.wav_writer import WavWriter

from tests.models import random_model

from ..midi.keyboard import keyboard

pytestmark = pytest.mark.usefixtures("jack_server")
LIVE = [sys.executable, "-m", "tonerig.realtime.cli", "live"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file."""
    path = tmp_path_factory.mktemp("models") / "amp.nam"
    save_model(random_model("lstm_1x16", 0), path)
    return path


def _live(*words: object, limit_kb: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [*LIVE, *map(str, words)]
    if limit_kb is not None:
        command = ["sh", "-c", f'ulimit -f {2 * limit_kb} && exec "$@"', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)


def _is_one_sentence(text: str) -> bool:
    return text.startswith("tonerig: ") and text.count("\n") == 1 and "Traceback" not in text


def test_a_session_plays_records_and_reports(model: Path, tmp_path: Path) -> None:
    """Two seconds of a model: exit code 0, a report that counts them, and a recording as long."""
    report, take = tmp_path / "report.json", tmp_path / "take.wav"
    words = (
        "--model",
        model,
        "--seconds",
        2,
        "--report",
        report,
        "--record",
        take,
        "--set",
        "neural.input_db=3",
    )
    result = _live(*words)
    assert result.returncode == 0, result.stderr
    found = json.loads(report.read_text())
    assert found["block"] == 64
    assert found["callbacks_served"] > 1000
    assert found["callbacks_due"] == found["callbacks_served"] + found["missing"]
    assert found["added_latency_frames"] == 0
    with AudioReader(take) as reader:
        assert (reader.rate, reader.channels) == (48000, 1)
        assert reader.frames == found["recorded_frames"] == 64 * found["callbacks_served"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--input-device", "Nagra"), "there is no input device 'Nagra'"),
        (("--output-device", "77"), "there is no output device '77'"),
        (("--rate", "44100"), "the JACK server runs at 48000 Hz"),
        (("--input-channel", "9"), "has 2 input channels, asked for 9"),
        (("--record", "nowhere/take.wav"), "the folder nowhere does not exist"),
        (("--record", "take.mp3"), "take.mp3: WAV is what is written"),
        (("--record", "."), "is not a file; choose another name"),
        (("--report", "."), "is not a file; choose another name"),
        (("--record", "take.mp3", "--input-device", "Nagra"), "take.mp3: WAV is what is written"),
        (("--record", ".", "--record-what", "both"), "is not a file; choose another name"),
        (("--output-device", ""), "the output device has no name"),
        (("--set", "reverb.mix=3"), "the chain has no reverb; it has neural"),
        (("--output-device", "7" * 5000), "there is no output device '777"),
        (("--set", f"{'7' * 5000}.mix=3"), "it has neural"),
        (("--set", "neural.drive=3"), "neural has no parameter drive"),
        (("--set", "neural.input_db=300"), "input_db is 300, expected -40 to 40 dB"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(model: Path, words: tuple[str, ...], sentence: str) -> None:
    """A wrong device, rate, channel, file or knob ends with exit code 1 and says what is wrong."""
    result = _live("--model", model, "--seconds", 1, *words)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert _is_one_sentence(result.stderr.splitlines(keepends=True)[-1])


@pytest.mark.parametrize("channel", ["²", "0", "1,2,3", "", "9" * 5000])
def test_a_channel_that_is_no_number_is_a_usage_error(model: Path, channel: str) -> None:
    """Exit code 2, and the option is named."""
    result = _live("--model", model, "--seconds", 1, "--input-channel", channel)
    assert result.returncode == 2
    assert "--input-channel is" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_chains_own_files_are_never_overwritten(model: Path, tmp_path: Path) -> None:
    """A report onto the model or the preset, a recording onto the impulse: refused, all left as they were."""
    impulse, preset, link = tmp_path / "cab-wet.wav", tmp_path / "rig.toml", tmp_path / "link.json"
    with WavWriter(impulse, 48000, 1) as writer:
        writer.write(np.eye(1, 64, dtype=np.float32))
    preset.write_text(
        'tonerig = 1\nname = "rig"\n[[chain]]\nprocessor = "parallel"\n'
        '[[chain.a]]\nprocessor = "cabinet"\nimpulse = "cab-wet.wav"\n'
    )
    link.symlink_to(model)
    before = [file.read_bytes() for file in (impulse, preset, model)]
    for words in (
        ("--model", model, "--report", link),
        ("--preset", preset, "--report", preset),
        ("--preset", preset, "--record", impulse),
        ("--preset", preset, "--record", tmp_path / "cab.wav", "--record-what", "both"),
    ):
        result = _live("--seconds", 1, *words)
        assert result.returncode == 1
        assert "belongs to the chain, which is never overwritten" in result.stderr
    assert [file.read_bytes() for file in (impulse, preset, model)] == before


def test_a_missing_or_broken_model_is_refused(tmp_path: Path) -> None:
    """A model that is not there, and one that is no JSON, are named."""
    broken = tmp_path / "broken.nam"
    broken.write_text("{")
    for path in (broken, tmp_path / "gone.nam"):
        result = _live("--model", path, "--seconds", 1)
        assert result.returncode == 1
        assert path.name in result.stderr
        assert _is_one_sentence(result.stderr)


def test_a_full_disk_ends_the_recording_and_not_the_sound(model: Path, tmp_path: Path) -> None:
    """When the file cannot grow any more the sound goes on to the end; nothing half-written stays."""
    report, take = tmp_path / "report.json", tmp_path / "take.wav"
    words = ("--model", model, "--seconds", 3, "--report", report, "--record", take)
    result = _live(*words, limit_kb=100)
    assert result.returncode == 1
    assert "recording stopped" in result.stderr
    assert "take.wav: cannot be written" in result.stderr.splitlines()[-1]
    assert json.loads(report.read_text())["callbacks_served"] > 1700
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "take.wav"]
    with AudioReader(take) as reader:  # what was written before is a whole file
        assert 0 < reader.frames <= json.loads(report.read_text())["recorded_frames"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_session_that_is_told_to_end_completes_its_recording(
    model: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    """Ctrl-C and a polite kill both end with exit code 0 and a whole file."""
    take = tmp_path / "take.wav"
    command = [*LIVE, "--model", str(model), "--record", str(take)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as session:
        assert session.stderr is not None
        assert any("frames at a time" in line for line in iter(session.stderr.readline, ""))
        time.sleep(1)
        session.send_signal(ending)
        assert session.wait(20) == 0
    with AudioReader(take) as reader:
        assert reader.frames > 24000
    assert list(tmp_path.iterdir()) == [take]


def test_keys_mute_bypass_turn_the_volume_and_quit(model: Path) -> None:
    """In a terminal each key does what the help says, and q ends the session at once."""
    import pty

    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [*LIVE, "--model", str(model), "--seconds", "60"], stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        screen = bytearray()

        def watch() -> None:
            try:
                while part := os.read(keyboard, 4096):
                    screen.extend(part)
            except OSError:
                pass  # the terminal is closed

        watcher = threading.Thread(target=watch)
        watcher.start()
        for key, shown in ((b"", b"volume +0 dB"), (b"m", b"MUTE"), (b"b", b"BYPASS"), (b"--", b"-2 dB")):
            os.write(keyboard, key)
            end = time.monotonic() + 20
            while shown not in screen and time.monotonic() < end:
                time.sleep(0.05)
            assert shown in screen, bytes(screen[-500:])
        os.write(keyboard, b"q")
        assert process.wait(20) == 0
        watcher.join()
        os.close(keyboard)


def test_a_device_that_goes_away_and_comes_back(model: Path, tmp_path: Path) -> None:
    """The server is killed and started again: the session waits, goes on, and counts no time without it."""
    name, report = f"tonerig-gone-{os.getpid()}", tmp_path / "report.json"
    environment = {**os.environ, "JACK_DEFAULT_SERVER": name}
    server = start_server(name)
    time.sleep(2)
    command = [*LIVE, "--model", str(model), "--seconds", "60", "--report", str(report)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as session:
        try:
            assert session.stderr is not None
            lines = iter(session.stderr.readline, "")
            assert any("frames at a time" in line for line in lines)
            server.kill()
            server.wait()
            assert any("the device has gone away" in line for line in lines)
            server = start_server(name)
            assert any("the device is back" in line for line in lines)
            time.sleep(1)
            session.send_signal(signal.SIGINT)
            assert session.wait(20) == 0
        finally:
            session.kill()
            stop_server(server)
    found = json.loads(report.read_text())
    assert found["missing"] < 0.2 * found["callbacks_served"]
    assert found["events"][-2:] == [
        "the device has gone away; waiting for it to come back",
        "the device is back",
    ]


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    """A patch file: a saw that sounds as long as its key is down, and no longer."""
    values = {"sustain": 1.0, "release_s": 0.001, "velocity": 0.0}
    return save_patch(new_patch("Saw", "four", values, program=(7, 7), bank=9), tmp_path / "saw.toml")


def _played(
    folder: Path, words: tuple[object, ...], messages: list[list[int]]
) -> tuple[str, NDArray[np.float32]]:
    """What a session says, and its wet take, of shape (2, frames), when a keyboard sends these messages."""
    take = folder / "take.wav"
    with keyboard("keys") as keys:
        command = [*LIVE, *map(str, words), "--seconds", "60", "--record", str(take)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as session:
            assert session.stderr is not None
            said = []
            for line in iter(session.stderr.readline, ""):
                said.append(line)
                if "frames at a time" in line:
                    break
            time.sleep(0.5)
            for message in messages:
                keys.send_message(message)
            time.sleep(1)
            session.send_signal(signal.SIGINT)
            said.append(session.stderr.read())
            assert session.wait(20) == 0, said
    with AudioReader(take) as reader:
        return "".join(said), np.concatenate([block.copy() for block in reader.blocks()], axis=1)


def _pitch_hz(sound: NDArray[np.float32]) -> float:
    """The strongest partial of the last half second, within 2 Hz."""
    return float(np.argmax(_spectrum(sound))) * 2.0


@pytest.mark.parametrize("with_guitar", [False, True])
def test_a_patch_is_played_from_the_only_keyboard(
    model: Path, patch: Path, tmp_path: Path, with_guitar: bool
) -> None:
    """Silence until the key A4 goes down, then 440 Hz on both sides; a guitar's chain may stand beside it."""
    guitar = ("--model", model) if with_guitar else ()
    said, wet = _played(tmp_path, ("--patch", patch, *guitar), [[0x93, 69, 100]])
    assert "played from keys:out (JACK), the only MIDI input" in said
    assert f"{'amp, ' if with_guitar else ''}Saw: 48000 Hz, 64 frames at a time" in said
    assert wet.shape[0] == 2
    if not with_guitar:  # the amp answers silence with an offset
        assert not wet[:, :4800].any()
    assert _pitch_hz(wet[0]) == _pitch_hz(wet[1]) == 440


def test_a_map_gives_channels_their_patches(patch: Path, tmp_path: Path) -> None:
    """Of three channels the mapped one is heard; with --patch the others are too."""
    octave = save_patch(new_patch("Octave", "four", {"transpose_semitones": 12.0}), tmp_path / "octave.toml")
    keys = [[0x90, 57, 100], [0x91, 64, 100]]
    _, wet = _played(tmp_path, ("--map", f"1={octave}", "--midi-in", "keys"), keys)
    assert _pitch_hz(wet[0]) == 440
    assert _level(wet[0], 330) < 0.01 * _level(wet[0], 440)
    _, wet = _played(tmp_path, ("--map", f"1={octave}", "--patch", patch, "--midi-in", "keys"), keys)
    assert _level(wet[0], 330) > 0.1 * _level(wet[0], 440)


def _level(sound: NDArray[np.float32], frequency_hz: float) -> float:
    """Of the partial at that frequency, in the last half second; relative."""
    return float(_spectrum(sound)[round(frequency_hz / 2)])


def _spectrum(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    part = sound[-24000:].astype(float)
    spectrum: NDArray[np.float64] = np.abs(np.fft.rfft((part - part.mean()) * np.hanning(24000)))
    return spectrum


def test_the_keyboards_programs_choose_among_the_librarys_patches(
    patch: Path, tmp_path: Path, user_library: Path
) -> None:
    """With a MIDI input alone, bank 9 and program 7 call the patch that states them."""
    (user_library / "patches").mkdir(parents=True)
    patch.rename(user_library / "patches" / "saw.toml")
    messages = [[0xB0, 0, 0], [0xB0, 32, 9], [0xC0, 6], [0x90, 69, 100]]
    said, wet = _played(tmp_path, ("--midi-in", "keys:out"), messages)
    assert "the library's patches: 48000 Hz" in said
    assert _pitch_hz(wet[0]) == 440


def test_a_keyboard_that_goes_is_in_the_report(patch: Path, tmp_path: Path) -> None:
    """A note held by a keyboard that is unplugged ends; the report says what happened."""
    report, take = tmp_path / "report.json", tmp_path / "take.wav"
    words = ("--patch", patch, "--midi-in", "keys", "--report", report, "--record", take)
    with ExitStack() as plugged:
        keys = plugged.enter_context(keyboard("keys"))
        session = plugged.enter_context(
            subprocess.Popen([*LIVE, *map(str, words)], stderr=subprocess.PIPE, text=True)
        )
        assert session.stderr is not None
        lines = iter(session.stderr.readline, "")
        assert any("frames at a time" in line for line in lines)
        keys.send_message([0x90, 69, 100])
        time.sleep(0.5)
        keys.delete()
        assert any("the MIDI input keys:out has gone away" in line for line in lines)
        time.sleep(0.5)
        session.send_signal(signal.SIGINT)
        session.stderr.read()
        assert session.wait(20) == 0
    found = json.loads(report.read_text())
    assert found["midi_lost"] == 0
    assert [event for event in found["events"] if "MIDI" in event] == [
        "the MIDI input keys:out has gone away; its notes are ended, waiting for it to come back"
    ]
    with AudioReader(take) as reader:
        wet = np.concatenate([block.copy() for block in reader.blocks()], axis=1)
    assert np.abs(wet).max() > 0.01
    assert not wet[:, -9600:].any()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 2, "give --preset NAME or --model FILE for a guitar, --patch NAME for a keyboard"),
        (
            ("--patch", "PATCH"),
            2,
            "there are no MIDI inputs; connect a keyboard, or choose one with --midi-in",
        ),
        (
            ("--patch", "PATCH", "--midi-in", "organ"),
            1,
            "there is no MIDI input 'organ'; there are no MIDI inputs",
        ),
        (("--patch", "PATCH", "--input-device", "system"), 2, "--input-device is for a guitar"),
        (("--patch", "nowhere.toml", "--midi-in", "keys"), 1, "nowhere.toml"),
        (("--patch", "PATCH", "--midi-in", "9" * 5000), 1, "there is no MIDI input '999"),
        (("--map", "17=PATCH", "--midi-in", "keys"), 1, "expected a channel from 1 to 16 and a patch"),
        (("--map", "1=PATCH,1=PATCH", "--midi-in", "keys"), 1, "the map names channel 1 twice"),
    ],
)
def test_a_keyboard_that_cannot_be_is_refused(
    patch: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    """Nothing to play, no port, a wrong port, patch or map: one sentence each."""
    result = _live("--seconds", 1, *(word.replace("PATCH", str(patch)) for word in words))
    assert result.returncode == code
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_without_a_guitar_nothing_dry_is_recorded(patch: Path) -> None:
    """A dry take of a keyboard alone would be silence: a usage error."""
    with keyboard("keys"):
        result = _live("--patch", patch, "--record", "take.wav", "--record-what", "both", "--seconds", 1)
    assert result.returncode == 2
    assert "without a guitar nothing is dry" in " ".join(result.stderr.split())


def test_a_knob_is_of_the_patch_that_was_asked_for(patch: Path) -> None:
    """The library's patches, there for program changes, have none to turn."""
    with keyboard("keys"):
        result = _live("--patch", patch, "--set", "two.cutoff_hz=500", "--seconds", 1)
    assert result.returncode == 1
    assert "the chain has no two; it has four" in result.stderr


def test_of_two_keyboards_one_has_to_be_chosen(patch: Path) -> None:
    """A usage error that says which there are."""
    with keyboard("keys"), keyboard("pads"):
        result = _live("--patch", patch, "--seconds", 1)
    assert result.returncode == 2
    assert "choose a MIDI input with --midi-in" in result.stderr
    assert "keys:out (JACK), pads:out (JACK)" in " ".join(result.stderr.split())


@pytest.mark.parametrize("option", ["--report", "--record"])
def test_a_patch_is_never_overwritten(patch: Path, option: str) -> None:
    """A report onto the patch that is played, or a take onto another name of it, is refused."""
    before = patch.read_bytes()
    output = patch if option == "--report" else patch.with_suffix(".wav")
    if output != patch:
        output.hardlink_to(patch)
    with keyboard("keys"):
        result = _live("--patch", patch, "--seconds", 1, option, output)
    assert result.returncode == 1
    assert "belongs to the chain, which is never overwritten" in result.stderr
    assert output.read_bytes() == patch.read_bytes() == before


def test_a_report_never_takes_the_recordings_place(patch: Path, tmp_path: Path) -> None:
    """The same file for both is a usage error, also where both takes are written."""
    with keyboard("keys"):
        for name, what in (("take.wav", "wet"), ("take-dry.wav", "both")):
            words = ("--record", tmp_path / "take.wav", "--record-what", what, "--report", tmp_path / name)
            result = _live("--patch", patch, "--seconds", 1, *words)
            assert result.returncode == 2 and "--report and --record name the same file" in result.stderr
