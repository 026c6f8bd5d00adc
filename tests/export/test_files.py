"""Tests of loading and saving by suffix, and of every conversion between formats."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tonerig.export.errors import FormatCannotSay, ModelFileError
from tonerig.export.files import Flavour, load_model, save_model
from tonerig.export.model import Dense, Metadata, NeuralModel, Stack
from tonerig.export.reference import evaluate

from tests.models import KINDS, METADATA, random_model

SIGNAL = (0.3 * np.random.default_rng(1).standard_normal(500)).astype(np.float32)
FORMATS: dict[str, tuple[str, Flavour]] = {
    "nam": ("model.nam", "aida"),
    "onnx": ("model.onnx", "aida"),
    "aida": ("model.aidax", "aida"),
    "aida json": ("model.json", "aida"),
    "proteus": ("model.json", "proteus"),
}


def load(path: Path) -> NeuralModel:
    model = load_model(path)
    assert isinstance(model, NeuralModel)
    return model


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize(
    "kind", ["lstm_1x16", "lstm_skip", "gru_1x12", "convnet", "a1_nano", "wavenet_film", "chain"]
)
def test_every_pair_of_formats(kind: str, source: str, target: str, tmp_path: Path) -> None:
    """From any format to any other that can say the network: the same sound, and the same metadata."""
    (first, first_flavour), (second, second_flavour) = FORMATS[source], FORMATS[target]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    model = random_model(kind, 1)
    try:
        save_model(model, tmp_path / "a" / first, flavour=first_flavour)
        there = load(tmp_path / "a" / first)
        save_model(there, tmp_path / "b" / second, flavour=second_flavour)
    except FormatCannotSay:
        assert not can_say(kind, source) or not can_say(kind, target)
        return
    assert can_say(kind, source) and can_say(kind, target)
    back = load(tmp_path / "b" / second)
    assert back.metadata == METADATA
    assert back.sample_rate == model.sample_rate
    np.testing.assert_allclose(
        evaluate(back, SIGNAL, prewarm=False), evaluate(there, SIGNAL, prewarm=False), atol=1e-6
    )


def can_say(kind: str, format_name: str) -> bool:
    """Which format has words for which network."""
    if format_name == "nam":
        return kind not in ("gru_1x12", "lstm_skip")
    if format_name in ("aida", "aida json"):
        return kind in ("lstm_1x16", "lstm_skip", "gru_1x12", "convnet")
    if format_name == "proteus":
        return kind in ("lstm_1x16", "lstm_skip", "gru_1x12")
    return True


def test_a_conversion_starts_where_the_original_does(tmp_path: Path) -> None:
    """An LSTM capture keeps its prewarmed start in AIDA-X and Proteus files, which have no words for it."""
    model = random_model("lstm_2x8", 2)
    expected = evaluate(model, SIGNAL)
    for name, flavour in FORMATS.values():
        save_model(model, tmp_path / name, flavour=flavour)
        np.testing.assert_allclose(evaluate(load(tmp_path / name), SIGNAL), expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_can_say_everything(kind: str, tmp_path: Path) -> None:
    """Every architecture can be saved as ONNX and loaded again."""
    save_model(random_model(kind, 0), tmp_path / "model.onnx")
    assert load(tmp_path / "model.onnx").metadata == METADATA


def test_the_content_decides_what_a_json_file_is(tmp_path: Path) -> None:
    """A capture of any kind under the name `.json`, or an AIDA-X file called `.nam`."""
    for name, flavour in FORMATS.values():
        if name.endswith(".onnx"):
            continue
        save_model(random_model("lstm_1x16", 0), tmp_path / name, flavour=flavour)
        renamed = tmp_path / "renamed.json"
        (tmp_path / name).replace(renamed)
        assert isinstance(load(renamed).network, Stack)


def test_unknown_names_and_contents(tmp_path: Path) -> None:
    """A suffix that is none of ours, and JSON that is no model."""
    with pytest.raises(ModelFileError, match="is not a model file by its name"):
        load_model(tmp_path / "song.mp3")
    with pytest.raises(ModelFileError, match="has no known suffix"):
        save_model(random_model("linear", 0), tmp_path / "model.wav")
    (tmp_path / "other.json").write_text('{"hello": 1}')
    with pytest.raises(ModelFileError, match="neither a NAM, AIDA-X nor Proteus model"):
        load_model(tmp_path / "other.json")
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(ModelFileError, match="is a list of 2, but an object is expected"):
        load_model(tmp_path / "list.json")


@pytest.mark.parametrize("target", FORMATS)
def test_a_model_that_is_not_finite_is_not_saved(target: str, tmp_path: Path) -> None:
    """A weight or a loudness of NaN, as a failed training leaves them, is named, and no file is left."""
    name, flavour = FORMATS[target]
    model = random_model("lstm_1x16", 0)
    assert isinstance(model.network, Stack) and isinstance(model.network.layers[1], Dense)
    dense = replace(model.network.layers[1], bias=np.full(1, np.nan, np.float32))
    broken = replace(model, network=replace(model.network, layers=(model.network.layers[0], dense)))
    with pytest.raises(ModelFileError, match="a weight that is not finite"):
        save_model(broken, tmp_path / name, flavour=flavour)
    with pytest.raises(ModelFileError, match="has a loudness_db of nan"):
        save_model(replace(model, metadata=Metadata(loudness_db=np.nan)), tmp_path / name, flavour=flavour)
    assert list(tmp_path.iterdir()) == []


def test_importing_costs_only_numpy() -> None:
    """`tonerig.export` loads torch, onnx and onnxruntime only when they are asked for."""
    code = (
        "import sys, tonerig.export, tonerig.export.model, tonerig.export.files\n"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'scipy', 'numba') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_public_face_is_what_it_says() -> None:
    """Every name in `__all__` can be had, and no other."""
    import tonerig.export

    for name in tonerig.export.__all__:
        assert getattr(tonerig.export, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        tonerig.export.nothing  # noqa: B018
