"""Tests of reading torch modules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tonerig.export.model import Chain, Gain, Knob, Metadata, NeuralModel, Response, Stack
from tonerig.export.parity import compare
from tonerig.export.reference import evaluate
from tonerig.export.streaming import write_onnx
from tonerig.export.torch_module import ModuleNotKnownError, from_torch
from tonerig.training.effects.cascade import CascadeNetwork
from tonerig.training.effects.networks import FEATURES, Core, EffectNetwork
from tonerig.training.effects.recurrent import GruNetwork, LstmNetwork
from tonerig.training.effects.wavenet import A1_SHAPES, WaveNetNetwork, plain_shape, tcn_shape
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


KNOBS = (
    Knob("drive", 0.0, 10.0, 4.0),
    Knob("tone", 100.0, 6400.0, 800.0, "Hz", "logarithmic"),
)
CORES: dict[str, Callable[[int], Core]] = {
    "lstm": lambda features: LstmNetwork(6, 2, True, features),
    "gru": lambda features: GruNetwork(6, 1, False, features),
    "wavenet": lambda features: WaveNetNetwork(plain_shape(6, 5), features),
    "tcn": lambda features: WaveNetNetwork(tcn_shape(4, 2), features),
    "cascade": lambda _: CascadeNetwork(2, 60),
}


def effect(core: str, knobs: tuple[Knob, ...], taps: int) -> EffectNetwork:
    """A network with random weights everywhere."""
    torch.manual_seed(1)
    network = EffectNetwork(CORES[core](FEATURES if knobs else 0), knobs, taps)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith(("gain", "response")) or "film" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
    network.settle(500)
    return network


@pytest.mark.parametrize("core", CORES)
def test_a_network_with_knobs(core: str) -> None:
    """Gain, core, FiLM and response as torch computes them, at the defaults and with the knobs turned."""
    network = effect(core, KNOBS, 40)
    model = from_torch(network)
    assert isinstance(model.network, Chain)
    first, *_, last = model.network.models
    assert isinstance(first.network, Gain) and isinstance(last.network, Response)
    assert model.knobs is not None
    assert (model.knobs.knobs, model.knobs.count) == (KNOBS, FEATURES)
    expected = output_of(network, SIGNAL)
    late = 0 if network.receptive_field is not None else 600
    np.testing.assert_allclose(evaluate(model, SIGNAL)[late:], expected[late:], atol=1e-5)
    with torch.no_grad():
        turned = network(torch.from_numpy(SIGNAL)[None], turns=torch.tensor([[0.9, 0.5]]))[0][0].numpy()
    heard = evaluate(model, SIGNAL, knobs={"drive": 9.0, "tone": 800.0})
    assert np.abs(turned - expected).max() > 1e-3
    np.testing.assert_allclose(heard[600:], turned[600:], atol=1e-5)


@pytest.mark.parametrize("core", CORES)
def test_a_network_without_knobs(core: str) -> None:
    """A core alone stays what it was, and a response without knobs is a convolution."""
    bare = from_torch(effect(core, (), 0))
    assert bare.knobs is None
    assert isinstance(bare.network, Chain) == (core == "cascade")
    network = effect(core, (), 30)
    model = from_torch(network)
    assert isinstance(model.network, Chain)
    assert isinstance(model.network.models[-1].network, Stack)
    late = 0 if network.receptive_field is not None else 600
    np.testing.assert_allclose(evaluate(model, SIGNAL)[late:], output_of(network, SIGNAL)[late:], atol=1e-5)


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
