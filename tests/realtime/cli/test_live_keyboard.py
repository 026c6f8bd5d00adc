"""``tonerig live`` with a keyboard, alone and beside a guitar, on a JACK server."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.audio_files import AudioReader
from tonerig.realtime.patches import new_patch, save_patch

from ..midi.keyboard import keyboard
from .live_command import LIVE, live, wait_for_samples

pytestmark = pytest.mark.usefixtures("jack_server")


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
        command = [*LIVE, *map(str, words), "--seconds", "600", "--record", str(take)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as session:
            assert session.stderr is not None
            said = []
            for line in iter(session.stderr.readline, ""):
                said.append(line)
                if "frames at a time" in line:
                    break
            wait_for_samples(folder, 2 * 12_000)
            for message in messages:
                keys.send_message(message)
            wait_for_samples(folder, 2 * 60_000)
            session.send_signal(signal.SIGINT)
            said.append(session.stderr.read())
            assert session.wait(120) == 0, said
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
        wait_for_samples(tmp_path, 2 * 24_000)
        keys.delete()
        assert any("the MIDI input keys:out has gone away" in line for line in lines)
        wait_for_samples(tmp_path, 2 * 36_000)
        session.send_signal(signal.SIGINT)
        session.stderr.read()
        assert session.wait(120) == 0
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
    result = live("--seconds", 1, *(word.replace("PATCH", str(patch)) for word in words))
    assert result.returncode == code
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_without_a_guitar_nothing_dry_is_recorded(patch: Path) -> None:
    """A dry take of a keyboard alone would be silence: a usage error."""
    with keyboard("keys"):
        result = live("--patch", patch, "--record", "take.wav", "--record-what", "both", "--seconds", 1)
    assert result.returncode == 2
    assert "without a guitar nothing is dry" in " ".join(result.stderr.split())


def test_a_knob_is_of_the_patch_that_was_asked_for(patch: Path) -> None:
    """The library's patches, there for program changes, have none to turn."""
    with keyboard("keys"):
        result = live("--patch", patch, "--set", "two.cutoff_hz=500", "--seconds", 1)
    assert result.returncode == 1
    assert "the chain has no two; it has four" in result.stderr


def test_of_two_keyboards_one_has_to_be_chosen(patch: Path) -> None:
    """A usage error that says which there are."""
    with keyboard("keys"), keyboard("pads"):
        result = live("--patch", patch, "--seconds", 1)
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
        result = live("--patch", patch, "--seconds", 1, option, output)
    assert result.returncode == 1
    assert "belongs to the chain, which is never overwritten" in result.stderr
    assert output.read_bytes() == patch.read_bytes() == before


def test_a_report_never_takes_the_recordings_place(patch: Path, tmp_path: Path) -> None:
    """The same file for both is a usage error, also where both takes are written."""
    with keyboard("keys"):
        for name, what in (("take.wav", "wet"), ("take-dry.wav", "both")):
            words = ("--record", tmp_path / "take.wav", "--record-what", what, "--report", tmp_path / name)
            result = live("--patch", patch, "--seconds", 1, *words)
            assert result.returncode == 2 and "--report and --record name the same file" in result.stderr
