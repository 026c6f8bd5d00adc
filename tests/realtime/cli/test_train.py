"""``tonerig train effect``: what it learns, and from which settings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pedalboard.io import AudioFile
from scipy.io import wavfile
from scipy.signal import butter, lfilter
from tonerig.export import NeuralModel, load_model
from tonerig.training.signals import dry_signal

from .command import tonerig

CONFIG = """
output = "unused.onnx"
teacher = "amp"
network = "lstm-4"
seconds = 2.0
steps = 2
looks = 0
device = "cpu"
[settings]
gain_db = -6
voicing = "hard"
[recipe]
batch = 2
segment = 2048
warm_up = 256
"""


def read_wav(path: str) -> np.ndarray:
    """A mono file's samples."""
    with AudioFile(path) as file:
        return file.read(file.frames)[0]


def test_a_plugin_by_path_teaches_with_its_knobs_set(
    test_plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--set`` comes on top of the configuration's settings; the model is named after the plugin."""
    monkeypatch.chdir(tmp_path)
    Path("trouble.toml").write_text(CONFIG)
    plugin = test_plugins / "Trouble.vst3"
    words = ("--config", "trouble.toml", "--teacher", plugin, "--set", "gain_db=-12", "-o", "model.onnx")
    found = tonerig("train", "effect", *words)
    assert found.code == 0, found.err
    model = load_model(Path("model.onnx"))
    assert isinstance(model, NeuralModel) and model.metadata.name == "Trouble lstm-4"
    settings = json.loads(Path("runs/model/config.json").read_text())["settings"]
    assert (settings["gain_db"], settings["voicing"], settings["output_db"]) == (-12.0, 2.0, 0.0)


def test_a_knob_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a value it is a wrong command line; of a teacher that has no such knob, a sentence."""
    monkeypatch.chdir(tmp_path)
    assert tonerig("train", "effect", "--teacher", "amp", "--set", "drive").code == 2
    found = tonerig("train", "effect", "--teacher", "amp", "--set", "gain=3")
    assert found.code == 1 and "amp has no parameter 'gain'; it has drive, bass" in found.err


def test_a_recording_of_gear_becomes_a_model_that_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test signal and, late, what a filter of SciPy's makes of it give a model that filters like it, up
    to the sample by which the beginning of a soft low-pass can be told."""
    monkeypatch.chdir(tmp_path)
    words = ("capture", "signal", "-o", "dry.wav", "--minutes", "0.3", "--rate", "16000")
    assert tonerig(*words).code == 0
    dry = read_wav("dry.wav")
    b, a = butter(2, 900.0, fs=16000)
    late = np.concatenate((np.zeros(700), lfilter(b, a, dry), np.zeros(100))).astype(np.float32)
    wavfile.write("wet.wav", 16000, late)
    learn = ("--dry", "dry.wav", "--wet", "wet.wav", "--network", "linear", "-o", "mine.onnx")
    found = tonerig("train", "effect", *learn)
    assert found.code == 0, found.err
    assert tonerig("render", "dry.wav", "-o", "out.wav", "--model", "mine.onnx").code == 0
    played, expected = read_wav("out.wav")[: len(dry)], lfilter(b, a, dry)
    shifted = [np.sum((played[2:-2] - np.roll(expected, k)[2:-2]) ** 2) for k in (-1, 0, 1)]
    assert min(shifted) < 1e-3 * np.sum(expected**2)


def test_files_that_do_not_belong_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two unrelated sounds, one file alone, and knobs with files are a sentence each; nothing is written."""
    monkeypatch.chdir(tmp_path)
    for name, seed in (("dry.wav", 1), ("other.wav", 2)):
        wavfile.write(name, 16000, dry_signal(6.0, 16000, seed))
    both = ("--dry", "dry.wav", "--wet", "other.wav", "-o", "mine.onnx")
    unrelated = tonerig("train", "effect", *both)
    assert unrelated.code == 1 and "other.wav" in unrelated.err and "Traceback" not in unrelated.err
    alone = tonerig("train", "effect", "--dry", "dry.wav", "-o", "mine.onnx")
    assert alone.code == 1 and "dry and wet belong together" in alone.err
    knobs = tonerig("train", "effect", *both, "--knobs", "drive")
    assert knobs.code == 1 and "knobs are learnt from a teacher" in knobs.err
    assert not Path("mine.onnx").exists()
