"""``tonerig train wet``: pairs from a folder, at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.cli.train_wet import wet
from tonerig.realtime.render import RenderError
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.effects.batch import BatchError
from typer.testing import CliRunner, Result


def _run(*words: str | Path) -> Result:
    app = typer.Typer()
    app.command()(wet)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two half seconds of noise."""
    source = tmp_path / "in"
    source.mkdir()
    for seed, name in enumerate(("one.wav", "two.wav")):
        noise = 0.1 * np.random.default_rng(seed).standard_normal(22050)
        write_wav(source / name, noise.astype(np.float32), 44100)
    return source


def test_wet_says_what_was_written(folder: Path, tmp_path: Path) -> None:
    """A line for each wet file and one for the manifest; the knob has acted."""
    done = _run(
        folder, "-o", tmp_path / "out", "--teacher", "lowpass", "--set", "cutoff_hz=200", "--jobs", "1"
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0].rpartition("/")[2] for line in lines] == [
        "one.wav",
        "two.wav",
        "manifest.json",
    ]
    dry, wet_sound = (read_audio(tmp_path / "out" / side / "one.wav")[0] for side in ("dry", "wet"))
    assert dry.shape == (1, 24000)
    assert wet_sound.std() < 0.2 * dry.std()


def test_wet_prints_json(folder: Path, tmp_path: Path) -> None:
    """The same as the manifest's list of files."""
    done = _run(folder, "-o", tmp_path / "out", "--teacher", "delay", "--json", "--rate", "44100")
    assert done.exit_code == 0, done.output
    listed = json.loads(done.stdout)
    assert listed == json.loads((tmp_path / "out" / "manifest.json").read_text())["files"]
    assert {row["frames"] for row in listed} == {22050}


def test_failures_are_told_after_the_others(folder: Path, tmp_path: Path) -> None:
    """One bad file of three: the two are written, then the one's sentence; no sound at all is refused."""
    (folder / "bad.wav").write_bytes(b"no sound")
    done = _run(folder, "-o", tmp_path / "out", "--teacher", "delay", "--jobs", "1")
    assert isinstance(done.exception, ValueError)
    assert "bad.wav" in str(done.exception)
    assert not isinstance(done.exception, RenderError)
    assert len(list((tmp_path / "out" / "wet").iterdir())) == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    refused = _run(empty, "-o", tmp_path / "out", "--teacher", "delay")
    assert isinstance(refused.exception, BatchError)


def test_a_knob_without_a_value_is_refused(folder: Path, tmp_path: Path) -> None:
    """--set mix is a wrong use, said as such."""
    done = _run(folder, "-o", tmp_path / "out", "--teacher", "delay", "--set", "mix")
    assert done.exit_code == 2
    assert "expected PARAMETER=VALUE" in done.output
