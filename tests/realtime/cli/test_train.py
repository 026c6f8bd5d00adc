"""``tonerig train effect``: what it learns, and from which settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tonerig.export import NeuralModel, load_model

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
    settings = json.loads(Path("runs/effect/config.json").read_text())["settings"]
    assert (settings["gain_db"], settings["voicing"], settings["output_db"]) == (-12.0, 2.0, 0.0)


def test_a_knob_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a value it is a wrong command line; of a teacher that has no such knob, a sentence."""
    monkeypatch.chdir(tmp_path)
    assert tonerig("train", "effect", "--teacher", "amp", "--set", "drive").code == 2
    found = tonerig("train", "effect", "--teacher", "amp", "--set", "gain=3")
    assert found.code == 1 and "amp has no parameter 'gain'; it has drive, treble" in found.err
