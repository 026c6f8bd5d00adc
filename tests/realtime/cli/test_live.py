"""``tonerig live`` as a person starts it, on a JACK server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import AudioReader
from tonerig.realtime.bench.server import start_server, stop_server
from tonerig.realtime.engine.devices import refresh
from tonerig.realtime.wav_writer import WavWriter

from ..servers import wait_until_seen
from .live_command import LIVE, live, wait_for_samples

pytestmark = pytest.mark.usefixtures("jack_server")


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
    result = live(*words)
    assert result.returncode == 0, result.stderr
    found = json.loads(report.read_text())
    assert found["block"] == 64
    assert found["callbacks_due"] > 1000 and found["callbacks_served"] > 100
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
    result = live("--model", model, "--seconds", 1, *words)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert _is_one_sentence(result.stderr.splitlines(keepends=True)[-1])


@pytest.mark.parametrize("channel", ["²", "0", "1,2,3", "", "9" * 5000])
def test_a_channel_that_is_no_number_is_a_usage_error(model: Path, channel: str) -> None:
    """Exit code 2, and the option is named."""
    result = live("--model", model, "--seconds", 1, "--input-channel", channel)
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
        result = live("--seconds", 1, *words)
        assert result.returncode == 1
        assert "belongs to the chain, which is never overwritten" in result.stderr
    assert [file.read_bytes() for file in (impulse, preset, model)] == before


def test_a_missing_or_broken_model_is_refused(tmp_path: Path) -> None:
    """A model that is not there, and one that is no JSON, are named."""
    broken = tmp_path / "broken.nam"
    broken.write_text("{")
    for path in (broken, tmp_path / "gone.nam"):
        result = live("--model", path, "--seconds", 1)
        assert result.returncode == 1
        assert path.name in result.stderr
        assert _is_one_sentence(result.stderr)


def test_a_full_disk_ends_the_recording_and_not_the_sound(model: Path, tmp_path: Path) -> None:
    """When the file cannot grow any more the sound goes on to the end; nothing half-written stays."""
    report, take = tmp_path / "report.json", tmp_path / "take.wav"
    words = ("--model", model, "--seconds", 3, "--report", report, "--record", take)
    result = live(*words, limit_kb=100)
    assert result.returncode == 1
    assert "recording stopped" in result.stderr
    assert "take.wav: cannot be written" in result.stderr.splitlines()[-1]
    assert json.loads(report.read_text())["callbacks_due"] > 1200  # 400 of them fill the file
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
        wait_for_samples(tmp_path, 30000)
        session.send_signal(ending)
        assert session.wait(120) == 0
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
            end = time.monotonic() + 120
            while shown not in screen and time.monotonic() < end:
                time.sleep(0.05)
            assert shown in screen, bytes(screen[-500:])
        os.write(keyboard, b"q")
        assert process.wait(120) == 0
        watcher.join()
        os.close(keyboard)


def test_a_device_that_goes_away_and_comes_back(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is killed and started again: the session waits, goes on, and counts no time without it."""
    name, report = f"tonerig-gone-{os.getpid()}", tmp_path / "report.json"
    server = start_server(name)
    with monkeypatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        wait_until_seen(server)
        environment = dict(os.environ)
    refresh()  # PortAudio lets go of the server
    command = [*LIVE, "--model", str(model), "--seconds", "600", "--report", str(report)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as session:
        try:
            assert session.stderr is not None
            lines = iter(session.stderr.readline, "")
            assert any("frames at a time" in line for line in lines)
            server.kill()
            server.wait()
            assert any("the device has gone away" in line for line in lines)
            away = time.monotonic()
            time.sleep(3)
            away = time.monotonic() - away
            server = start_server(name)
            assert any("the device is back" in line for line in lines)
            time.sleep(1)
            session.send_signal(signal.SIGINT)
            assert session.wait(120) == 0
        finally:
            session.kill()
            stop_server(server)
    found = json.loads(report.read_text())
    assert found["missing"] < 750 * away / 2
    assert found["events"][-2:] == [
        "the device has gone away; waiting for it to come back",
        "the device is back",
    ]
