"""``tonerig convert``: models keep their sound, and what a format cannot say is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.export.files import load_model, save_model
from tonerig.export.model import NeuralModel
from tonerig.export.reference import evaluate

from ...export.learnt import learnt_model
from ...models import random_model
from .command import tonerig


@pytest.mark.parametrize(
    ("kind", "suffixes"), [("a1_nano", ["nam", "onnx", "nam"]), ("lstm_1x16", ["onnx", "nam", "onnx"])]
)
def test_there_and_back(tmp_path: Path, kind: str, suffixes: list[str]) -> None:
    """Through each format in turn, the model sounds as it did at first."""
    model = random_model(kind, 5)
    path = tmp_path / f"0.{suffixes[0]}"
    save_model(model, path)
    for number, suffix in enumerate(suffixes[1:], 1):
        target = tmp_path / f"{number}.{suffix}"
        found = tonerig("convert", path, target)
        assert found.code == 0 and found.out == f"{target}: written\n"
        path = target
    last = load_model(path)
    assert isinstance(last, NeuralModel)
    x = np.random.default_rng(0).normal(0, 0.1, 500).astype(np.float32)
    np.testing.assert_allclose(evaluate(last, x), evaluate(model, x), atol=1e-6)


def test_what_cannot_be_said(tmp_path: Path) -> None:
    """A WaveNet has no place in an AIDA-X file: one sentence, and nothing written."""
    save_model(random_model("a1_nano", 1), tmp_path / "a.nam")
    found = tonerig("convert", tmp_path / "a.nam", tmp_path / "b.json")
    assert found.code == 1 and found.err.startswith("tonerig: b.json: ") and found.err.count("\n") == 1
    assert not (tmp_path / "b.json").exists()


def test_bad_sources_and_targets(tmp_path: Path) -> None:
    """A broken file, a missing one, an unknown suffix, and the model itself as the target."""
    save_model(random_model("a1_nano", 1), tmp_path / "a.nam")
    (tmp_path / "bad.nam").write_text("{}")
    for source, target, code, words in (
        ("bad.nam", "b.onnx", 1, "bad.nam: "),
        ("no.nam", "b.onnx", 1, "no.nam: does not exist"),
        ("a.nam", "b.txt", 1, "b.txt: has no known suffix"),
        ("a.nam", "a.nam", 2, "is the model itself"),
    ):
        found = tonerig("convert", tmp_path / source, tmp_path / target)
        assert found.code == code and words in found.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nam", "bad.nam"]


def test_held_knobs(tmp_path: Path) -> None:
    """A model with knobs goes into a .nam only as they stand: a sentence says how, and then it sounds so."""
    model = learnt_model("amp", 1)
    save_model(model, tmp_path / "amp.onnx")
    found = tonerig("convert", tmp_path / "amp.onnx", tmp_path / "amp.nam")
    assert found.code == 1 and "--set drive=4 --set tone_hz=800" in found.err
    for wrong, words in (("drive", "a knob and a number are expected"), ("mids=1", "no knob 'mids'")):
        found = tonerig("convert", tmp_path / "amp.onnx", tmp_path / "amp.nam", "--set", wrong)
        assert found.code == 2 and words in " ".join(found.err.split())
    assert not (tmp_path / "amp.nam").exists()
    found = tonerig("convert", tmp_path / "amp.onnx", tmp_path / "amp.nam", "--set", "drive=9")
    assert found.code == 0
    held = load_model(tmp_path / "amp.nam")
    assert isinstance(held, NeuralModel)
    x = np.random.default_rng(0).normal(0, 0.1, 1500).astype(np.float32)
    expected = evaluate(model, x, knobs={"drive": 9.0})
    np.testing.assert_allclose(evaluate(held, x)[400:], expected[400:], atol=1e-5)
