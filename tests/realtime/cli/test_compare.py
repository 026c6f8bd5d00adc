"""``tonerig compare``: a report from three files."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tonerig.export.files import save_model
from tonerig.export.model import Convolution, Metadata, NeuralModel, Stack
from tonerig.realtime.wav_writer import write_wav

from .command import Result, tonerig

RATE = 48000.0
FINDER = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else super().find_spec(name, path, target)

sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Dry, wet, and a model's output, which is the wet sound at half its level."""
    dry = (0.1 * np.random.default_rng(0).standard_normal(24000)).astype(np.float32)
    wet = np.tanh(20 * dry).astype(np.float32) / 2
    sounds = {"dry.wav": dry, "wet.wav": wet, "model.wav": wet / 2}
    first, second, third = (write_wav(tmp_path / name, sound, RATE) for name, sound in sounds.items())
    return first, second, third


def without(packages: tuple[str, ...], *words: object) -> Result:
    """What the command does in a Python that has none of these packages."""
    main = f"from tonerig.realtime.cli import main; main({[str(word) for word in words]!r})"
    code = f"BLOCKED = {packages!r}\n{FINDER}\n{main}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    return Result(done.returncode, done.stdout, done.stderr)


def test_three_files_become_a_report(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """The figures in JSON; the page stands where it says."""
    found = tonerig("compare", *files, "-o", tmp_path / "report", "--json")
    assert found.code == 0, found.err
    figures = json.loads(found.out)
    assert Path(figures["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert figures["model_to_wet"]["esr"] == pytest.approx(0.25)
    assert figures["model_to_wet"]["logmel_db"] == pytest.approx(20 * math.log10(2), abs=1e-4)
    assert figures["closer_in_waveform"] is True and figures["closer_in_logmel"] is True
    assert figures["aliasing"] is None


def test_a_model_that_is_given_is_measured_too(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """A gain of one half, written as ONNX and played by the engine: nothing between the harmonics."""
    half = Convolution(np.full((1, 1, 1), 0.5, np.float32), np.zeros(1, np.float32))
    path = tmp_path / "half.onnx"
    save_model(NeuralModel(Stack((half,)), RATE, Metadata(name="half")), path)
    found = tonerig("compare", *files, "-o", tmp_path / "report", "--model", path)
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert "error-to-signal ratio (ESR)             0.25" in found.out
    (aliasing,) = [line for line in lines if line.startswith("aliasing")]
    assert float(aliasing.split()[1].replace("−", "-")) < -120
    assert lines[-2].startswith("The model is closer to the wet sound than the dry sound is, in waveform and")
    assert lines[-1] == f"{tmp_path / 'report' / 'index.html'}: written; open it in a browser"


def test_without_torch_the_rest_is_measured(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Only the STFT distance needs it."""
    found = without(("torch", "auraloss"), "compare", *files, "-o", tmp_path / "report", "--json")
    assert found.code == 0, found.err
    distances = json.loads(found.out)["model_to_wet"]
    assert distances["spectral"] is None and distances["logmel_db"] == pytest.approx(6.02, abs=0.01)
    assert "needs torch and auraloss" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_without_librosa_it_says_what_to_install(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """And makes no folder."""
    found = without(("librosa",), "compare", *files, "-o", tmp_path / "report")
    assert (found.code, found.out) == (1, "")
    assert found.err == "tonerig: comparing needs librosa; pip install 'tonerig[training]'\n"
    assert not (tmp_path / "report").exists()


def test_files_that_do_not_fit_are_a_sentence(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Exit code 1; a wrong command line is 2."""
    found = tonerig("compare", files[0], tmp_path / "none.wav", files[2], "-o", tmp_path / "report")
    assert found.code == 1 and "none.wav: does not exist; check the path" in found.err
    found = tonerig("compare", *files, "-o", tmp_path / "report", "--model", tmp_path / "none.onnx")
    assert found.code == 1 and "none.onnx" in found.err
    assert tonerig("compare", *files[:2]).code == 2
    assert not (tmp_path / "report").exists()


def test_help_names_the_blind_test() -> None:
    """Both forms have help of their own."""
    plain, blind = tonerig("compare", "--help"), tonerig("compare", "abx", "--help")
    assert plain.code == blind.code == 0
    assert plain.out.startswith("Usage: tonerig compare [OPTIONS]") and "tonerig compare abx" in plain.out
    assert blind.out.startswith("Usage: tonerig compare abx [OPTIONS]")
