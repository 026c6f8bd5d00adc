"""``tonerig render`` as a person uses it."""

from __future__ import annotations

import functools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.export.files import save_model
from tonerig.realtime.wav_writer import write_wav

from ...models import random_model
from ..wav_bytes import tone, wav
from .command import tonerig

GAIN = 'tonerig = 1\nname = "x"\n[[chain]]\nprocessor = "gain"\ngain_db = -6\n'


@pytest.fixture
def folder(tmp_path: Path, user_library: Path) -> Path:
    """A folder with a guitar, a preset and a model."""
    write_wav(tmp_path / "guitar.wav", tone(9600), 48000)
    (tmp_path / "gain.toml").write_text(GAIN)
    save_model(random_model("a1_nano", 1), tmp_path / "amp.nam")
    return tmp_path


def test_a_preset(folder: Path) -> None:
    """A file through a preset: what is printed, and what is in the file."""
    found = tonerig("render", folder / "guitar.wav", "-o", folder / "out.wav", "-p", folder / "gain.toml")
    assert found.code == 0, found.err
    assert found.out.startswith(f"{folder}/out.wav: ") and "× real time" in found.out
    _, y = wavfile.read(folder / "out.wav")
    np.testing.assert_allclose(y, tone(9600)[0] * 10 ** (-6 / 20), rtol=1e-6)


@pytest.mark.parametrize(("form", "kind"), [("float32", np.float32), ("24", np.int32), ("16", np.int16)])
def test_sample_formats(folder: Path, form: str, kind: type) -> None:
    """The three formats, as SciPy reads them."""
    words = ["render", folder / "guitar.wav", "-o", folder / "out.wav", "-p", folder / "gain.toml"]
    assert tonerig(*words, "--format", form).code == 0
    assert wavfile.read(folder / "out.wav")[1].dtype == kind


def test_several_files_into_a_folder_as_json(folder: Path) -> None:
    """A folder of files, two at a time, into another one that is made; the result as JSON."""
    (folder / "in").mkdir()
    for name in ("a", "b"):
        write_wav(folder / "in" / f"{name}.wav", tone(4800), 44100)
    found = tonerig(
        "render", folder / "in", "-o", folder / "new" / "out", "-m", folder / "amp.nam", "-j", 2, "--json"
    )
    assert found.code == 0, found.err
    rows = json.loads(found.out)
    assert [Path(row["output"]).name for row in rows] == ["a.wav", "b.wav"]
    assert all(row["rate"] == 44100 and row["frames"] == 4800 and row["latency"] > 0 for row in rows)
    assert wavfile.read(folder / "new" / "out" / "a.wav")[0] == 44100


def test_a_model_at_another_rate_says_that_it_is_resampled(folder: Path) -> None:
    """The model's own rate is 48 kHz: a file of 44.1 is resampled around it, and the line says so."""
    write_wav(folder / "cd.wav", tone(4410, rate=44100), 44100)
    found = tonerig("render", folder / "cd.wav", "-o", folder / "out.wav", "-m", folder / "amp.nam")
    assert found.code == 0, found.err
    assert "resampled" in found.out
    found = tonerig("render", folder / "guitar.wav", "-o", folder / "out.wav", "-m", folder / "amp.nam")
    assert "resampled" not in found.out


def test_nothing_to_play_through(folder: Path) -> None:
    """Neither or both of --preset and --model is a usage error."""
    words = ["render", folder / "guitar.wav", "-o", folder / "out.wav"]
    for more in ([], ["-p", "crunch", "-m", folder / "amp.nam"]):
        found = tonerig(*words, *more)
        assert found.code == 2 and "give either --preset NAME or --model FILE" in found.err
    found = tonerig(*words, "-p", "crunch", "--normalize", "-14", "--keep-loudness")
    assert found.code == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"text" * 100, "is no sound"),
        (wav(tone(100).tobytes())[:-8], "is cut off"),
        (wav(tone(200).tobytes(), channels=8), "has 8 channels"),
        (wav(tone(100).tobytes(), rate=0), "0 Hz"),
    ],
)
def test_bad_sounds(folder: Path, content: bytes, words: str) -> None:
    """One sentence with the file's name, exit code 1, and no output."""
    (folder / "bad.wav").write_bytes(content)
    before = sorted(folder.iterdir())
    found = tonerig("render", folder / "bad.wav", "-o", folder / "out.wav", "-p", folder / "gain.toml")
    assert found.code == 1 and found.out == ""
    assert found.err.startswith("tonerig: bad.wav: ") and words in found.err and found.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_bad_models_and_presets(folder: Path) -> None:
    """A model that is no model, one that is not there, and a preset with a value out of range."""
    (folder / "bad.nam").write_text('{"architecture": ')
    (folder / "bad.toml").write_text(GAIN.replace("-6", "600"))
    words = ["render", folder / "guitar.wav", "-o", folder / "out.wav"]
    for more, start in (
        (["-m", folder / "bad.nam"], "tonerig: bad.nam: "),
        (["-m", folder / "no.nam"], "tonerig: no.nam: does not exist"),
        (["-p", folder / "bad.toml"], "tonerig: bad.toml, chain 1 (gain): gain_db is 600, expected"),
        (["-p", "no-such"], "tonerig: there is no preset no-such; there are "),
    ):
        found = tonerig(*words, *more)
        assert found.code == 1 and found.err.startswith(start) and found.err.count("\n") == 1, found.err
    assert not (folder / "out.wav").exists()


def test_places_that_cannot_be_written(folder: Path) -> None:
    """The input itself, a folder that is not there, another suffix: refused, and nothing is left."""
    before = sorted(folder.iterdir())
    for output, words in (
        (folder / "guitar.wav", "is an input, which is never overwritten"),
        (folder / "no" / "out.wav", "does not exist; make it first"),
        (folder / "out.mp3", "let the name end in .wav"),
    ):
        found = tonerig("render", folder / "guitar.wav", "-o", output, "-p", folder / "gain.toml")
        assert found.code == 1 and words in found.err and found.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs /sys, where nobody may make a file")
def test_a_folder_without_permission(folder: Path) -> None:
    """The system's reason is in the sentence."""
    found = tonerig("render", folder / "guitar.wav", "-o", "/sys/tonerig.wav", "-p", folder / "gain.toml")
    assert found.code == 1 and "cannot be written: Permission denied" in found.err


def test_one_of_several_fails(folder: Path) -> None:
    """The good file is rendered and told, the bad one is an error at the end."""
    (folder / "bad.wav").write_bytes(b"text" * 100)
    found = tonerig(
        "render",
        folder / "bad.wav",
        folder / "guitar.wav",
        "-o",
        folder / "out",
        "-p",
        folder / "gain.toml",
    )
    assert found.code == 1
    assert "guitar.wav" in found.out and "bad.wav: is no sound" in found.err
    assert [path.name for path in (folder / "out").iterdir()] == ["guitar.wav"]


@pytest.mark.parametrize(("jobs", "ending"), [(1, "SIGTERM"), (2, "SIGTERM"), (1, "SIGHUP")])
def test_a_killed_render_leaves_nothing(folder: Path, jobs: int, ending: str) -> None:
    """A signal in the middle of writing: 128 and its number, no half-written file, no traceback."""
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    for name in "abc":
        write_wav(folder / "in" / f"{name}.wav", np.zeros((1, 48000 * 300), np.float32), 48000)
    words = ["render", folder / "in", "-o", folder / "out", "-m", folder / "amp.nam", "-j", jobs]
    command = [sys.executable, "-m", "tonerig.realtime.cli", *map(str, words)]
    number = signal.Signals[ending]
    heard = functools.partial(signal.signal, number, signal.SIG_DFL)  # even where the tests run under nohup
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as run:
        while len(list((folder / "out").glob(".*.part"))) < jobs and run.poll() is None:
            time.sleep(0.02)
        run.send_signal(number)
        _, said = run.communicate(timeout=300)
    assert run.returncode == 128 + number, said
    assert "Traceback" not in said
    assert not list((folder / "out").iterdir())


def test_a_render_that_is_killed_takes_its_processes_along(folder: Path) -> None:
    """SIGKILL cannot be heard; the processes that render end by themselves, no file looks whole."""
    (folder / "in").mkdir()
    for name in "abc":
        write_wav(folder / "in" / f"{name}.wav", np.zeros((1, 48000 * 300), np.float32), 48000)
    words = ["render", folder / "in", "-o", folder / "out", "-m", folder / "amp.nam", "-j", 2]
    command = [sys.executable, "-m", "tonerig.realtime.cli", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as run:
        while len(list(folder.glob("out/.*.part"))) < 2 and run.poll() is None:
            time.sleep(0.02)
        others = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.kill()
    end = time.monotonic() + 120
    while any(map(_runs, others)) and time.monotonic() < end:
        time.sleep(0.05)
    assert len(others) >= 3 and not any(map(_runs, others))
    assert not list(folder.glob("out/*.wav"))


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_missing_plugin_is_heard_of(folder: Path, installed: Path, jobs: int) -> None:
    """Also inside another processor; the sound goes on, the sentence is printed once a file and in JSON."""
    gone = '[[chain.a]]\nprocessor = "plugin"\nplugin = "Nobody"\n'
    (folder / "gone.toml").write_text(GAIN + '[[chain]]\nprocessor = "parallel"\nmix = 0\n' + 2 * gone)
    (folder / "in").mkdir()
    for name in ("a.wav", "b.wav"):
        write_wav(folder / "in" / name, tone(4800), 48000)
    words = ("render", folder / "in", "-o", folder / "out", "-p", folder / "gone.toml", "-j", jobs)
    found = tonerig(*words)
    assert found.code == 0, found.err
    assert found.out.count("there is no plugin Nobody") == 2 and "in the chain is a wire" in found.out
    for result in json.loads(tonerig(*words, "--json").out):
        assert [problem.partition(";")[0] for problem in result["problems"]] == ["there is no plugin Nobody"]
    _, y = wavfile.read(folder / "out" / "a.wav")
    np.testing.assert_allclose(y, tone(4800)[0] * 10 ** (-6 / 20), rtol=1e-6)
