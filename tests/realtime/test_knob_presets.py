"""Presets of models with knobs: written, read, shown, made anew; and files that cannot be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tonerig.export.errors import ModelFileError
from tonerig.export.files import save_model
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.presets import PresetError, load_preset, model_preset, new_preset, save_preset

from tests.models import random_model

from .cli.command import tonerig
from .kernels.knobbed import CUTOFF, DRIVE, knobbed

SIGNAL = (0.3 * np.random.default_rng(0).standard_normal((1, 2000))).astype(np.float32)


def _preset(folder: Path, *lines: str) -> Path:
    path = folder / "amp.toml"
    head = ["tonerig = 1", 'name = "Amp"', "[[chain]]", 'processor = "neural"']
    path.write_text("\n".join([*head, *lines]))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with the knobs ``drive`` and ``cutoff_hz``."""
    save_model(knobbed("gain", 1), tmp_path / "amp.onnx")
    return tmp_path / "amp.onnx"


def test_knobs_stand_beside_the_other_parameters(model: Path, tmp_path: Path) -> None:
    """A stated knob is read, another one is at its default; written with all it reads as the same chain."""
    preset = load_preset(_preset(tmp_path, 'model = "amp.onnx"', "drive = 6.5", "input_db = 3"))
    [link] = preset.chain
    assert link.values == {"drive": 6.5, "input_db": 3.0}
    [amp] = preset.build()
    assert (amp.values["drive"], amp.values["cutoff_hz"]) == (6.5, 1000.0)
    whole = new_preset("Amp", preset.chain)
    again = load_preset(save_preset(whole, tmp_path / "again.toml"))
    assert again.chain == whole.chain and again.chain[0].values["cutoff_hz"] == 1000.0
    sounds = [Runner(Program(each.build(), 48000, 256, 1)).process(SIGNAL) for each in (preset, again)]
    assert np.array_equal(*sounds)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (('model = "amp.onnx"', "drive = 10.5"), "drive is 10.5, expected 0 to 10"),
        (('model = "amp.onnx"', 'drive = "much"'), "drive is 'much', expected 0 to 10"),
        (('model = "amp.onnx"', "driv = 1"), "unknown key driv; did you mean drive"),
        (('model = "plain.onnx"', "drive = 1"), "unknown key drive; neural knows input_db"),
        (("drive = 1",), "model is missing; name its file"),
        (('model = "gone.onnx"', "drive = 1"), "gone.onnx"),
    ],
)
def test_what_a_model_does_not_take_is_refused(
    model: Path, tmp_path: Path, lines: tuple[str, ...], words: str
) -> None:
    """One sentence, with the preset's name and the place in it."""
    save_model(random_model("lstm_2x8", 0), tmp_path / "plain.onnx")
    with pytest.raises(PresetError, match=words) as refused:
        load_preset(_preset(tmp_path, *lines))
    assert str(refused.value).startswith("amp.toml, chain 1 (neural): ")


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    """A preset of such a model is refused where the preset is read."""
    found = knobbed("gain", 1)
    assert found.knobs is not None
    taken = replace(found.knobs, knobs=(replace(DRIVE, name="output_db"), CUTOFF))
    save_model(replace(found, knobs=taken), tmp_path / "amp.onnx")
    with pytest.raises(PresetError, match=r"chain 1 \(neural\): amp.onnx: has a knob named output_db, which"):
        load_preset(_preset(tmp_path, 'model = "amp.onnx"'))


def test_a_damaged_model_is_refused_when_it_is_built(model: Path, tmp_path: Path) -> None:
    """The preset itself can be read, its knobs are kept, and what is wrong with the file is said."""
    model.write_bytes(model.read_bytes()[:-100])
    preset = load_preset(_preset(tmp_path, 'model = "amp.onnx"', "drive = 6.5"))
    assert preset.chain[0].unread == {"drive": 6.5}
    with pytest.raises(ModelFileError, match=r"^amp.onnx: "):
        preset.build()
    shown = tonerig("preset", "show", tmp_path / "amp.toml")
    assert shown.code == 0 and "     amp.onnx: " in shown.out and "drive" in shown.out


def test_a_bare_model_has_its_knobs(model: Path, tmp_path: Path) -> None:
    """As on the command line: raw, the knobs at their defaults unless said otherwise."""
    [amp] = model_preset(model, drive=2.0).build()
    assert (amp.values["drive"], amp.values["cutoff_hz"], amp.values["normalization"]) == (2.0, 1000.0, 0.0)
    with pytest.raises(ParameterError, match="has no parameter tone"):
        model_preset(model, tone=2.0)
    missing = model_preset(tmp_path / "none.onnx")
    with pytest.raises(ModelFileError, match=r"none.onnx: "):
        missing.build()


def test_show_and_new_know_them(model: Path, tmp_path: Path, user_library: Path) -> None:
    """`preset show` has a line for each knob; `preset new` states them, and keeps what another model has."""
    path = _preset(tmp_path, 'model = "amp.onnx"', "drive = 6.5", "cutoff_hz = 300")
    shown = tonerig("preset", "show", path)
    assert shown.code == 0, shown.err
    assert any(
        line.split()[:2] == ["drive", "6.5"] and "(0 to 10)" in line for line in shown.out.splitlines()
    )
    assert "(200 to 8000 Hz)" in shown.out
    data = json.loads(tonerig("preset", "show", path, "--json").out)
    assert (data["chain"][0]["drive"], data["chain"][0]["cutoff_hz"]) == (6.5, 300.0)

    made = tonerig("preset", "new", "mine", "--chain", "neural", "--model", model)
    assert made.code == 0, made.err
    [link] = load_preset("mine").chain
    assert (link.values["drive"], link.values["cutoff_hz"]) == (5.0, 1000.0)

    found = knobbed("gain", 1)
    assert found.knobs is not None
    narrower = replace(CUTOFF, minimum=500.0)
    other = replace(found, knobs=replace(found.knobs, knobs=(DRIVE, narrower)))
    save_model(other, tmp_path / "other.onnx")
    made = tonerig("preset", "new", "theirs", "--from", path, "--model", tmp_path / "other.onnx")
    assert made.code == 0, made.err
    [link] = load_preset("theirs").chain
    assert (link.values["drive"], link.values["cutoff_hz"]) == (6.5, 1000.0)
