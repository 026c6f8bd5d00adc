"""Tests of reading torch modules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tonerig.export.model import Metadata, NeuralModel
from tonerig.export.parity import compare
from tonerig.export.reference import evaluate
from tonerig.export.streaming import write_onnx
from tonerig.export.torch_module import ModuleNotKnownError, from_torch
from tonerig.training.effects.networks import A1_SHAPES, LstmNetwork, WaveNetNetwork
from torch import nn

from tests.export.test_streaming import play
from tests.models import METADATA

SIGNAL = (0.3 * np.random.default_rng(1).standard_normal(3000)).astype(np.float32)


def output_of(network: nn.Module, signal: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(network(torch.from_numpy(signal)[None])[0][0].numpy())


@pytest.mark.parametrize(("layers", "skip"), [(1, True), (2, False)])
def test_the_trained_lstm(layers: int, skip: bool) -> None:
    """From the state the network settled in, every sample within 1e-5 of torch."""
    torch.manual_seed(0)
    network = LstmNetwork(8, layers, skip)
    network.settle(2000)
    model = from_torch(network, metadata=METADATA)
    assert (model.metadata, model.prewarm) == (METADATA, 0)
    assert compare(evaluate(model, SIGNAL), output_of(network, SIGNAL)).max_error < 1e-5


@pytest.mark.parametrize("shape", ["standard", "nano"])
def test_the_trained_wavenet(shape: str, tmp_path: Path) -> None:
    """torch, the reference and onnxruntime agree from the first sample, within 1e-5."""
    import onnx

    torch.manual_seed(0)
    network = WaveNetNetwork(A1_SHAPES[shape])
    model = from_torch(network, sample_rate=44100.0)
    expected = output_of(network, SIGNAL)
    assert model.prewarm == network.receptive_field - 1
    assert compare(evaluate(model, SIGNAL), expected).max_error < 1e-5
    write_onnx(model, tmp_path / "model.onnx")
    assert compare(play(onnx.load(tmp_path / "model.onnx"), SIGNAL, 64), expected).max_error < 1e-5


def test_a_sequential_of_convolutions() -> None:
    """Conv1d, BatchNorm1d in evaluation mode, and activations with their constants."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv1d(1, 4, 3, dilation=2),
        nn.BatchNorm1d(4),
        nn.PReLU(4),
        nn.Conv1d(4, 4, 2, groups=2, bias=False),
        nn.Sequential(nn.LeakyReLU(0.2), nn.Hardtanh(-0.5, 0.5), nn.ELU(0.5), nn.SiLU()),
        nn.Conv1d(4, 1, 1),
    )
    network(torch.randn(8, 1, 50))
    network.eval()
    with torch.no_grad():
        padded = nn.functional.pad(torch.from_numpy(SIGNAL)[None, None], (4, 0))
        first = network[0](padded)
        expected = network[4:](network[3](nn.functional.pad(network[1:3](first), (1, 0))))[0, 0].numpy()
    model = from_torch(network)
    np.testing.assert_allclose(evaluate(model, SIGNAL, prewarm=False), expected, atol=1e-6)


def test_a_sequential_of_recurrent_layers() -> None:
    """An LSTM and a GRU without biases, from zeros, and a linear layer."""
    torch.manual_seed(0)
    lstm, gru, linear = nn.LSTM(1, 5, 2), nn.GRU(5, 4, bias=False), nn.Linear(4, 1)
    with torch.no_grad():
        expected = linear(gru(lstm(torch.from_numpy(SIGNAL)[:, None])[0])[0])[:, 0].numpy()
    model = from_torch(nn.Sequential(lstm, gru, linear), metadata=Metadata(name="Both"))
    assert isinstance(model, NeuralModel)
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-6)


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Conv1d(1, 1, 3, stride=2)),
        nn.Sequential(nn.LSTM(1, 2, bidirectional=True)),
        nn.Sequential(nn.Dropout()),
        nn.Bilinear(1, 1, 1),
    ],
)
def test_modules_without_a_counterpart(module: nn.Module) -> None:
    """What cannot be said is refused by name."""
    with pytest.raises(ModuleNotKnownError, match="counterpart"):
        from_torch(module)


def test_layers_that_do_not_fit() -> None:
    """Two outputs, and a weight that is not finite."""
    with pytest.raises(ValueError, match="2 output channels"):
        from_torch(nn.Sequential(nn.Linear(1, 2)))
    broken = nn.Linear(1, 1)
    nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        from_torch(nn.Sequential(broken))
