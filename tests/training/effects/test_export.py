"""Trained networks leave torch unchanged: the ONNX file in onnxruntime plays what the module computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tonerig.export import NeuralModel, from_torch, load_model, write_onnx
from tonerig.training.effects.config import make_network
from tonerig.training.effects.data import held_out_guitar, held_out_pairs
from tonerig.training.effects.evaluate import evaluate, run_network
from tonerig.training.effects.teachers import TEACHERS
from tonerig.training.signals import dry_signal

MODELS = Path(__file__).resolve().parents[3] / "presets" / "models"


def _stream(path: Path, signal: np.ndarray, block: int) -> np.ndarray:
    """The output of a streaming file, block by block; the first call starts from its default states."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    state: dict[str, np.ndarray] = {}
    parts = []
    for start in range(0, len(signal), block):
        feed = {"input": signal[None, None, start : start + block], **state}
        found = dict(zip(names, session.run(names, feed), strict=True))
        parts.append(found.pop("output")[0, 0])
        state = {name.removesuffix("_out"): value for name, value in found.items()}
    return np.concatenate(parts)


@pytest.mark.parametrize(
    "name", ["wavenet-standard", "wavenet-feather", "wavenet-nano", "tcn-8x3", "lstm-16", "lstm-2x8", "gru-8"]
)
def test_the_file_plays_what_torch_computes(tmp_path: Path, name: str) -> None:
    """At blocks of 1, 16, 64, 96, 441 and 2048: within 1e-5, recurrent 1e-4 and an ESR under 1e-8."""
    torch.manual_seed(0)
    network = make_network(name)
    network.settle(2000)
    signal = dry_signal(0.2, 48000, 1)
    expected = run_network(network, signal)
    write_onnx(from_torch(network), tmp_path / "model.onnx")
    for block in (1, 16, 64, 96, 441, 2048):
        frames = 300 if block == 1 else len(signal)
        error = _stream(tmp_path / "model.onnx", signal[:frames], block) - expected[:frames]
        assert np.abs(error).max() <= (1e-5 if network.receptive_field else 1e-4)
        assert np.square(error).sum() < 1e-8 * np.square(expected[:frames]).sum()


@pytest.mark.parametrize("name", ["zamtube_crunch_wavenet", "zamtube_crunch_lstm"])
def test_a_shipped_model_is_as_good_as_it_says(name: str) -> None:
    """On the held-out guitar, through the teacher's defaults, it has the ESR that its metadata states."""
    teacher = TEACHERS["zamtube"]
    if not teacher.installed or not held_out_guitar(48000.0):
        pytest.skip("needs the Debian packages zam-plugins and sonic-pi-samples")
    model = load_model(MODELS / f"{name}.onnx")
    assert isinstance(model, NeuralModel)
    pairs = held_out_pairs(teacher, model.sample_rate, {})
    result = evaluate(lambda dry: _stream(MODELS / f"{name}.onnx", dry, 48000), pairs)
    assert result.overall.esr == pytest.approx(model.metadata.validation_esr, rel=0.01)
    stated = json.loads((MODELS / f"{name}.json").read_text())
    assert result.overall.esr == pytest.approx(stated["overall"]["esr"], rel=0.01)
