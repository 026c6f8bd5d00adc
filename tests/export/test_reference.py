"""Tests of the reference evaluation: against the C++ player, torch's layers, and formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from scipy.signal import lfilter
from tonerig.export.activations import FUNCTIONS, activate
from tonerig.export.model import (
    Activation,
    BatchNorm,
    Chain,
    Convolution,
    Dense,
    Gru,
    Lstm,
    NeuralModel,
    PostHead,
    Stack,
    WaveNet,
    WaveNetLayer,
)
from tonerig.export.nam import read_nam
from tonerig.export.parity import check_parity
from tonerig.export.reference import evaluate, run, settled_state

from tests.models import KINDS, random_model

CAPTURES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "nam"
SIGNAL = np.random.default_rng(0).standard_normal(400)
TORCH_ACTIVATIONS: dict[str, Any] = {
    "Identity": torch.nn.Identity(),
    "Tanh": torch.nn.Tanh(),
    "Hardtanh": torch.nn.Hardtanh(-0.5, 0.75),
    "ReLU": torch.nn.ReLU(),
    "LeakyReLU": torch.nn.LeakyReLU(0.2),
    "PReLU": torch.nn.PReLU(init=0.3),
    "ELU": torch.nn.ELU(0.7),
    "Sigmoid": torch.nn.Sigmoid(),
    "SiLU": torch.nn.SiLU(),
    "Hardswish": torch.nn.Hardswish(),
    "Softsign": torch.nn.Softsign(),
    "Softmax": torch.nn.Softmax(dim=0),
    "Softsigmoid": lambda x: 0.5 * (1 + torch.nn.functional.softsign(x)),
    "LeakyHardtanh": lambda x: torch.where(
        x < -0.5, 0.1 * (x + 0.5) - 0.5, torch.where(x > 0.75, 0.2 * (x - 0.75) + 0.75, x)
    ),
    "Fasttanh": torch.nn.Tanh(),
}
CONSTANTS = {
    "Hardtanh": (-0.5, 0.75),
    "LeakyReLU": (0.2,),
    "PReLU": (0.3,),
    "ELU": (0.7,),
    "LeakyHardtanh": (-0.5, 0.75, 0.1, 0.2),
}


def tensor(array: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(array, np.float64))


def torch_convolution(layer: Convolution, signal: torch.Tensor) -> torch.Tensor:
    """torch's grouped, dilated convolution with zeros before the signal; signals are [channels, frames]."""
    padded = torch.nn.functional.pad(signal[None], (layer.memory, 0))
    bias = None if layer.bias is None else tensor(layer.bias)
    weight = tensor(layer.weight)
    return torch.nn.functional.conv1d(padded, weight, bias, dilation=layer.dilation, groups=layer.groups)[0]


def torch_activation(activation: Activation, signal: torch.Tensor) -> torch.Tensor:
    if activation.kind == "PReLU":
        return torch.nn.functional.prelu(signal[None], tensor(activation.parameters))[0]
    if activation.kind == "LeakyHardtanh":
        low, high, below, above = activation.parameters
        inside = torch.clamp(signal, low, high)
        return (
            inside
            + torch.where(signal < low, below * (signal - low), 0)
            + torch.where(signal > high, above * (signal - high), 0)
        )
    module = {"LeakyReLU": torch.nn.LeakyReLU(*activation.parameters)}.get(activation.kind)
    return (module or TORCH_ACTIVATIONS[activation.kind])(signal)


def torch_layer(
    layer: WaveNetLayer, signal: torch.Tensor, condition: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """One layer as neural-amp-modeler's ``_Layer.forward`` writes it, FiLMs in their eight places."""

    def film(slot: str, x: torch.Tensor) -> torch.Tensor:
        if slot not in layer.films:
            return x
        modulation = torch_convolution(layer.films[slot].convolution, condition)
        if not layer.films[slot].shift:
            return modulation * x
        scale, shift = modulation.chunk(2)
        return scale * x + shift

    z = film("conv_post_film", torch_convolution(layer.convolution, film("conv_pre_film", signal)))
    mixed = torch_convolution(layer.mixin, film("input_mixin_pre_film", condition))
    z = film("activation_pre_film", z + film("input_mixin_post_film", mixed))
    if layer.secondary is None:
        activated = torch_activation(layer.activation, z)
    else:
        first, second = z.chunk(2)
        gate = torch_activation(layer.secondary, second)
        activated = gate * torch_activation(layer.activation, first)
        if layer.gating == "blended":
            activated = activated + (1 - gate) * first
    activated = film("activation_post_film", activated)
    residual, skip = signal, activated
    if layer.layer1x1 is not None:
        residual = signal + film("layer1x1_post_film", torch_convolution(layer.layer1x1, activated))
    if layer.head1x1 is not None:
        skip = film("head1x1_post_film", torch_convolution(layer.head1x1, activated))
    return residual, skip


def torch_wavenet(network: WaveNet, signal: torch.Tensor) -> torch.Tensor:
    condition = signal
    if network.condition is not None:
        assert isinstance(network.condition.network, WaveNet)
        condition = torch_wavenet(network.condition.network, signal)
    residual, head = signal, torch.zeros(1, dtype=torch.float64)
    for array in network.arrays:
        residual = torch_convolution(array.rechannel, residual)
        for layer in array.layers:
            residual, skip = torch_layer(layer, residual, condition)
            head = head + skip
        head = torch_convolution(array.head, head)
    head = network.head_scale * head
    for activation, convolution in network.head.layers if isinstance(network.head, PostHead) else ():
        head = torch_convolution(convolution, torch_activation(activation, head))
    return head


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith(("wavenet", "a1"))])
def test_wavenets_against_torch(kind: str) -> None:
    """Gating, FiLM, groups, bottlenecks, conditions and heads, from zeros, in torch's own convolutions."""
    network = random_model(kind, 5).network
    assert isinstance(network, WaveNet)
    expected = torch_wavenet(network, tensor(SIGNAL)[None])[0].numpy()
    np.testing.assert_allclose(run(network, SIGNAL[np.newaxis], {})[0], expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["convnet", "linear"])
def test_stacks_of_convolutions_against_torch(kind: str) -> None:
    """Convolutions, batch normalization and activations in torch."""
    model = random_model(kind, 5)
    assert isinstance(model.network, Stack)
    signal = tensor(SIGNAL)[None]
    for layer in model.network.layers:
        if isinstance(layer, Convolution):
            signal = torch_convolution(layer, signal)
        elif isinstance(layer, Activation):
            signal = torch_activation(layer, signal)
        elif isinstance(layer, BatchNorm):
            assert layer.statistics is not None
            mean, variance, gamma, beta = (tensor(array) for array in layer.statistics[:4])
            signal = torch.nn.functional.batch_norm(
                signal[None], mean, variance, gamma, beta, eps=layer.statistics[4]
            )[0]
    np.testing.assert_allclose(evaluate(model, SIGNAL, prewarm=False), signal[0].numpy(), atol=1e-6)


@pytest.mark.parametrize("kind", ["lstm_1x16", "lstm_2x8", "gru_1x12"])
def test_recurrent_layers_against_torch(kind: str) -> None:
    """torch.nn.LSTM and GRU in float64, from the same state."""
    model = random_model(kind, 5)
    assert isinstance(model.network, Stack)
    *layers, dense = model.network.layers
    signal = tensor(SIGNAL)[:, None]
    for layer in layers:
        assert isinstance(layer, Lstm | Gru)
        module: Any = (torch.nn.LSTM if isinstance(layer, Lstm) else torch.nn.GRU)(
            layer.inputs, layer.hidden
        ).double()
        if isinstance(layer, Lstm):
            weights = [layer.weight_x, layer.weight_h, layer.bias, np.zeros_like(layer.bias)]
            state: Any = (tensor(layer.h)[None], tensor(layer.c)[None])
        else:
            weights, state = (
                [layer.weight_x, layer.weight_h, layer.bias_x, layer.bias_h],
                tensor(layer.h)[None],
            )
        with torch.no_grad():
            for parameter, weight in zip(module.parameters(), weights, strict=True):
                parameter.copy_(tensor(weight))
            signal = module(signal, state)[0]
    assert isinstance(dense, Dense)
    expected = signal.numpy() @ dense.weight[0] + dense.bias[0]
    np.testing.assert_allclose(evaluate(model, SIGNAL, prewarm=False), expected, atol=1e-12)


def test_a_linear_network_is_an_fir_filter() -> None:
    """Against SciPy's lfilter, the newest tap last in the weight."""
    model = random_model("linear", 0)
    assert isinstance(model.network, Stack) and isinstance(model.network.layers[0], Convolution)
    layer = model.network.layers[0]
    assert layer.bias is not None
    expected = lfilter(layer.weight[0, 0, ::-1].astype(np.float64), [1.0], SIGNAL) + layer.bias[0]
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-12)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_activations_against_torch(kind: str) -> None:
    """Every formula, with constants other than the defaults; the fast tanh is within 0.005 of tanh."""
    signal = 4 * np.random.default_rng(1).standard_normal((3, 200))
    found = activate(signal, Activation(kind, CONSTANTS.get(kind, ())))
    with torch.no_grad():
        module = TORCH_ACTIVATIONS[kind]
        expected = (module.double() if isinstance(module, torch.nn.PReLU) else module)(tensor(signal)).numpy()
    np.testing.assert_allclose(found, expected, atol=5e-3 if kind == "Fasttanh" else 1e-7)


def test_skip_and_gains() -> None:
    """output_gain · (network(input_gain · x) + input_gain · x)"""
    model = random_model("lstm_skip", 0)
    assert isinstance(model.network, Stack)
    plain = NeuralModel(Stack(model.network.layers))
    expected = 0.5 * (evaluate(plain, 2 * SIGNAL) + 2 * SIGNAL)
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-12)


def test_a_chain_is_one_after_the_other() -> None:
    """Each model hears what the one before it says, its silence before the start included."""
    model = random_model("chain", 0)
    assert isinstance(model.network, Chain)
    signal = np.concatenate([np.zeros(model.prewarm), SIGNAL])
    for part in model.network.models:
        signal = evaluate(part, signal, prewarm=False)
    np.testing.assert_allclose(evaluate(model, SIGNAL), signal[-len(SIGNAL) :], atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_in_two_parts_is_the_signal(kind: str) -> None:
    """The state carries everything over from one block to the next."""
    model = random_model(kind, 6)
    state = settled_state(model)
    parts = [
        run(model.network, part[np.newaxis], state)[0] for part in (SIGNAL[:7], SIGNAL[7:150], SIGNAL[150:])
    ]
    np.testing.assert_allclose(np.concatenate(parts), evaluate(model, SIGNAL), atol=1e-12)


@pytest.mark.parametrize("kind", ["a1_nano", "lstm_2x8"])
def test_prewarming_is_hearing_silence(kind: str) -> None:
    """The start after prewarming is that after as many zeros."""
    model = random_model(kind, 7)
    silence = np.zeros(model.prewarm)
    expected = evaluate(model, np.concatenate([silence, SIGNAL]), prewarm=False)[model.prewarm :]
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-9)


@pytest.mark.skipif(not CAPTURES.exists(), reason="no captures in ../shared/data/nam")
@pytest.mark.parametrize("name", ["A2", "BossLSTM-1x16", "BossWN-nano", "lstm", "wavenet_a1_standard"])
def test_real_captures_against_the_player_in_c(name: str) -> None:
    """NeuralAmpModelerCore's outputs: within 1e-5 from the first sample, LSTM 1e-4 and an ESR under 1e-8."""
    model = read_nam(CAPTURES / f"{name}.nam")
    _, signal = wavfile.read(CAPTURES / "input.wav")
    _, expected = wavfile.read(CAPTURES / f"{name}.output.wav")
    assert check_parity(model, signal, expected).holds(model.network)
