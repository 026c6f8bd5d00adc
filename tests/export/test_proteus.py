"""Tests of Proteus files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tonerig.export.errors import FormatCannotSay, ModelFileError
from tonerig.export.model import NeuralModel, Stack
from tonerig.export.proteus import read_proteus, write_proteus
from tonerig.export.reference import evaluate

from tests.export.same import same
from tests.models import METADATA, random_model

SIGNAL = (0.3 * np.random.default_rng(1).standard_normal(600)).astype(np.float32)


def proteus_document(unit: str, layers: int = 1, **changes: Any) -> tuple[dict[str, Any], Any]:
    """A file as CoreAudioML's SimpleRNN saves it, and its output for `SIGNAL`."""
    torch.manual_seed(0)
    rec = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}[unit](1, 4, layers, batch_first=True)
    lin = torch.nn.Linear(4, 1)
    state = {f"rec.{name}": value.tolist() for name, value in rec.state_dict().items()}
    state |= {f"lin.{name}": value.tolist() for name, value in lin.state_dict().items()}
    config = {
        "model": "SimpleRNN",
        "input_size": 1,
        "skip": 1,
        "output_size": 1,
        "unit_type": unit,
        "num_layers": layers,
        "hidden_size": 4,
        "bias_fl": True,
    }
    with torch.no_grad():
        output = lin(rec(torch.from_numpy(SIGNAL)[None, :, None])[0])[0, :, 0].numpy() + SIGNAL
    return {"model_data": config | changes, "state_dict": state}, output


def write_document(folder: Path, document: Any) -> Path:
    path = folder / "model.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("unit", ["LSTM", "GRU"])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_file_computes_what_torch_computes(unit: str, layers: int, tmp_path: Path) -> None:
    """From a zero state, the input added to the output."""
    document, expected = proteus_document(unit, layers)
    model = read_proteus(write_document(tmp_path, document))
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-6)
    assert (model.sample_rate, model.prewarm) == (48000.0, 0)


@pytest.mark.parametrize("kind", ["lstm_1x16", "lstm_2x8", "gru_1x12", "lstm_skip"])
def test_round_trip(kind: str, tmp_path: Path) -> None:
    """What is written reads back to the same sound from the first sample, and to the same metadata."""
    model = random_model(kind, 4)
    write_proteus(model, tmp_path / "model.json")
    again = read_proteus(tmp_path / "model.json")
    assert again.metadata == METADATA
    assert (again.sample_rate, again.prewarm) == (model.sample_rate, model.prewarm)
    np.testing.assert_allclose(evaluate(again, SIGNAL), evaluate(model, SIGNAL), atol=1e-6)
    write_proteus(again, tmp_path / "again.json")
    assert same(read_proteus(tmp_path / "again.json"), again)


def test_what_the_format_cannot_say(tmp_path: Path) -> None:
    """Convolutions, and gains beside a skip that do not cancel."""
    with pytest.raises(FormatCannotSay, match="Proteus cannot say a WaveNet"):
        write_proteus(random_model("a1_nano", 0), tmp_path / "model.json")
    with pytest.raises(FormatCannotSay, match="recurrent layers and one dense output"):
        write_proteus(random_model("convnet", 0), tmp_path / "model.json")
    plain = random_model("lstm_1x16", 0).network
    assert isinstance(plain, Stack)
    with pytest.raises(FormatCannotSay, match="gains"):
        write_proteus(NeuralModel(Stack(plain.layers, True, 2.0, 1.0)), tmp_path / "model.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("problem", "changes"),
    [
        ("input_size is 2, but only sound", {"input_size": 2}),
        ('unit_type is "RNN"', {"unit_type": "RNN"}),
        ("hidden_size is 10000000", {"hidden_size": 10**7}),
        ("has 16 rows, but 20 are expected", {"hidden_size": 5}),
        ("has no 'rec.weight_ih_l1'", {"num_layers": 2}),
        ("output_size is 2", {"output_size": 2}),
    ],
)
def test_bad_documents_are_refused_with_a_sentence(
    problem: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    """Knobs, unknown cells and sizes that do not fit are named."""
    with pytest.raises(ModelFileError) as caught:
        read_proteus(write_document(tmp_path, proteus_document("LSTM", **changes)[0]))
    assert problem in str(caught.value)
