"""``tonerig compare abx``, through standard input and a terminal, with a program that notes the sounds."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.wav_writer import write_wav

ABX = [sys.executable, "-m", "tonerig.realtime.cli", "compare", "abx"]
LEVELS = {"dry": 0.1, "wet": 0.2, "model": 0.3}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sounds of constant level, and a program that keeps what it is given to play."""
    for name, level in LEVELS.items():
        write_wav(tmp_path / f"{name}.wav", np.full(4800, level, np.float32), 48000.0)
    (tmp_path / "note").write_text('#!/bin/sh\ncp "$1" heard.part\nmv heard.part heard.wav\n')
    (tmp_path / "note").chmod(0o755)
    return tmp_path


def words(*more: str) -> list[str]:
    """The command line of a test of four trials."""
    return [
        *ABX,
        "dry.wav",
        "wet.wav",
        "model.wav",
        "--trials",
        "4",
        "--seed",
        "3",
        "--player",
        "./note",
        *more,
    ]


def run(folder: Path, command: list[str], keys: str) -> subprocess.CompletedProcess[str]:
    """The command with these keys on standard input."""
    return subprocess.run(command, cwd=folder, input=keys, capture_output=True, text=True, timeout=300)


class Terminal:
    """The command in a terminal of its own."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self._main, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: os.login_tty(theirs),
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def press(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    def see(self, text: str) -> None:
        """Wait until this was printed."""
        while text not in self.seen:
            self.seen += os.read(self._main, 4096).decode(errors="replace")

    def end(self) -> int:
        """Exit code, after all was read."""
        try:
            while part := os.read(self._main, 4096):
                self.seen += part.decode(errors="replace")
        except OSError:  # how a terminal says that the other side has gone
            pass
        os.close(self._main)
        return self.process.wait(120)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, two minutes at most."""
    for _ in range(2400):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("it did not become so")


def test_a_test_through_standard_input_gives_its_result(folder: Path) -> None:
    """Always answering a: as often right as the seed has the wet sound there; the file says the same."""
    done = run(folder, words(), "a\na\nb\nb\n")
    assert done.returncode == 0, done.stderr
    score = json.loads((folder / "abx.json").read_text())
    assert (score["answers"], score["answered"], score["seed"]) == ("aabb", 4, 3)
    told = f"model.wav was nearer to wet.wav than to dry.wav in {score['right']} of 4; p = "
    assert done.stdout.startswith(f"{told}{score['p_value']:.4f}")
    assert "trial 4 of 4" in done.stderr and "wet.wav" not in done.stderr


def test_input_that_ends_early_keeps_what_there_is(folder: Path) -> None:
    """The same command goes on, and tells the result at once when all is answered."""
    done = run(folder, words(), "a\n")
    assert done.returncode == 0 and done.stdout == "abx.json: 1 of 4 answered; the same command goes on\n"
    assert run(folder, words(), "bab").returncode == 0
    score = json.loads((folder / "abx.json").read_text())
    assert score["answers"] == "abab"
    again = run(folder, words("--json"), "")
    assert json.loads(again.stdout) == score


def test_in_a_terminal_single_keys_play_and_answer(folder: Path) -> None:
    """The model's level under x, wet or dry under 1; a cursor key is no answer; Ctrl-C loses nothing."""
    from tonerig.realtime.audio_files import read_audio

    terminal = Terminal(folder, words())
    terminal.see("trial 1 of 4")
    heard = folder / "heard.wav"
    levels = []
    for key in "x12":
        terminal.press(key)
        until(heard.exists)
        levels.append(round(float(read_audio(heard)[0][0, 0]), 3))
        heard.unlink()
    assert levels[0] == LEVELS["model"] and sorted(levels[1:]) == [LEVELS["dry"], LEVELS["wet"]]
    terminal.press("\x1b[A\x1b[B")
    terminal.press("b")
    terminal.see("trial 2 of 4")
    assert json.loads((folder / "abx.json").read_text())["answers"] == "b"
    right = json.loads((folder / "abx.json").read_text())["right"]
    assert right == (levels[2] == LEVELS["wet"])
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "abx.json: keeps what was answered; the same command goes on" in terminal.seen
    resumed = Terminal(folder, words())
    resumed.see("trial 2 of 4")
    resumed.press("bbb")
    assert resumed.end() == 0
    assert json.loads((folder / "abx.json").read_text())["answers"] == "bbbb"


def test_without_a_device_it_says_how(folder: Path) -> None:
    """Another device, or a program that plays."""
    command = [*ABX, "dry.wav", "wet.wav", "--output-device", "no such device"]
    done = run(folder, command, "")
    assert done.returncode == 1 and done.stderr.startswith("tonerig: ")
    assert "or name a program that plays WAV files: --player 'aplay -q'" in done.stderr
    assert not (folder / "abx.json").exists()


def test_a_score_among_other_files_is_not_overwritten(folder: Path) -> None:
    """The sounds themselves above all."""
    before = (folder / "dry.wav").read_bytes()
    done = run(folder, words("--score", "dry.wav"), "a")
    assert done.returncode == 1 and "dry.wav: is no score of tonerig compare abx" in done.stderr
    assert (folder / "dry.wav").read_bytes() == before


def test_bad_sounds_and_options_are_a_sentence(folder: Path) -> None:
    """Exit code 1 for sounds, 2 for the command line."""
    write_wav(folder / "wet.wav", np.zeros(4800, np.float32), 48000.0)
    done = run(folder, words(), "a")
    assert (done.returncode, done.stderr) == (
        1,
        "tonerig: wet.wav: is silent; there is nothing to listen to\n",
    )
    assert run(folder, words("--output-device", "0"), "a").returncode == 2
    assert run(folder, words("--trials", "0"), "a").returncode == 2
