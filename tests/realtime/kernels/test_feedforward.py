"""The feed-forward kernel against torch's convolutions and NumPy's functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tonerig.export.model import (
    Activation,
    BatchNorm,
    Convolution,
    NeuralModel,
    Stack,
    WaveNet,
    receptive_field,
)
from tonerig.realtime.kernels import feedforward

from tests.models import random_model, wavenet_array

from .play import BLOCKS, Player

Signal = NDArray[np.float32]


def _signal(seed: int, frames: int = 3000) -> Signal:
    return (0.3 * np.random.default_rng(seed).standard_normal(frames)).astype(np.float32)


def _causal(convolution: Convolution, x: torch.Tensor) -> torch.Tensor:
    bias = None if convolution.bias is None else torch.from_numpy(convolution.bias).double()
    padded = torch.nn.functional.pad(x, (convolution.memory, 0))
    weight = torch.from_numpy(convolution.weight).double()
    return torch.nn.functional.conv1d(
        padded, weight, bias, dilation=convolution.dilation, groups=convolution.groups
    )


def _torch_wavenet(network: WaveNet, signal: Signal) -> Signal:
    """The published WaveNet equations in float64 torch, silence before the signal run through too."""
    act: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "Tanh": torch.tanh,
        "Sigmoid": torch.sigmoid,
        "LeakyReLU": lambda x: torch.nn.functional.leaky_relu(x, 0.01),
    }
    condition = torch.from_numpy(signal).double()[None]
    x, heads = condition, torch.zeros(())
    for array in network.arrays:
        current = _causal(array.rechannel, x)
        for layer in array.layers:
            z = _causal(layer.convolution, current) + _causal(layer.mixin, condition)
            if layer.gating == "gated":
                assert layer.secondary is not None
                half = layer.bottleneck
                z = act[layer.activation.kind](z[:half]) * act[layer.secondary.kind](z[half:])
            else:
                z = act[layer.activation.kind](z)
            heads = heads + z
            assert layer.layer1x1 is not None
            current = current + _causal(layer.layer1x1, z)
        x, heads = current, _causal(array.head, heads)
    return (network.head_scale * heads[0]).numpy().astype(np.float32)


def _gated() -> NeuralModel:
    array = wavenet_array(
        np.random.default_rng(5),
        1,
        6,
        1,
        (1, 2, 7),
        (3, 2, 3),
        bottleneck=4,
        groups=2,
        gating=("gated", "none"),
    )
    network = WaveNet((array,), head_scale=0.3)
    return NeuralModel(network, prewarm=receptive_field(network) - 1)


@pytest.mark.parametrize("kind", ["a1_standard", "a1_nano", "a2", "gated"])
def test_wavenets_match_torch(kind: str) -> None:
    """A random WaveNet gives what torch's convolutions give, and the same bits at every block size."""
    model = _gated() if kind == "gated" else random_model(kind, 3).playable()
    assert feedforward.takes(model)
    assert isinstance(model.network, WaveNet)
    signal = _signal(1)
    silence = np.zeros(model.prewarm, np.float32)
    reference = _torch_wavenet(model.network, np.concatenate([silence, signal]))[silence.size :]
    player = Player(model)
    output = player.play(signal, 64)
    assert np.abs(output - reference).max() < 1e-5
    for block in BLOCKS:
        assert np.array_equal(player.play(signal, block), output)


def test_a_stack_folds_batch_norm_and_gains() -> None:
    """Convolution, batch norm, activation and a dense layer with gains give what torch gives."""
    rng = np.random.default_rng(0)
    first = Convolution(rng.standard_normal((5, 1, 3)).astype(np.float32), None, 4)
    second = Convolution(rng.standard_normal((1, 5, 2)).astype(np.float32), np.ones(1, np.float32), 7)
    scale, offset = (rng.standard_normal(5).astype(np.float32) for _ in range(2))
    layers = (first, BatchNorm(scale, offset), Activation("Tanh"), second)
    signal = _signal(2)
    x = torch.from_numpy(signal).double()[None] * 0.5
    hidden = _causal(first, x) * torch.from_numpy(scale)[:, None] + torch.from_numpy(offset)[:, None]
    reference = 2.0 * _causal(second, torch.tanh(hidden))[0]
    # A torch convolution pads with zeros in the hidden layer too, the kernel's past is silence's image:
    # compare after the receptive field.
    output = Player(NeuralModel(Stack(layers, input_gain=0.5, output_gain=2.0))).play(signal, 64)
    assert np.abs(output - reference.numpy())[40:].max() < 1e-5


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        (Activation("Tanh"), np.tanh),
        (Activation("Sigmoid"), lambda x: 1 / (1 + np.exp(-x))),
        (Activation("ReLU"), lambda x: np.maximum(x, 0)),
        (Activation("Hardtanh"), lambda x: np.clip(x, -1, 1)),
        (Activation("SiLU"), lambda x: x / (1 + np.exp(-x))),
        (Activation("Softsign"), lambda x: x / (1 + np.abs(x))),
        (Activation("LeakyReLU", (0.01,)), lambda x: np.where(x > 0, x, 0.01 * x)),
        (Activation("Hardswish"), lambda x: x * np.clip(x + 3, 0, 6) / 6),
        (
            Activation("LeakyHardtanh", (-1.0, 0.5, 0.1, 0.2)),
            lambda x: np.clip(x, -1, 0.5) + 0.1 * np.minimum(x + 1, 0) + 0.2 * np.maximum(x - 0.5, 0),
        ),
    ],
)
def test_activations_match_numpy(
    activation: Activation, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> None:
    """Each activation is within 4e-7 of NumPy in float64, of the input's size where that is above 1."""
    x = np.concatenate([np.linspace(-30, 30, 20001), np.geomspace(1e-6, 1, 999)]).astype(np.float32)
    identity = Convolution(np.ones((1, 1, 1), np.float32))
    output = Player(NeuralModel(Stack((identity, activation)))).play(x, 64)
    reference = function(x.astype(np.float64))
    assert (np.abs(output - reference) / np.maximum(1, np.abs(x))).max() < 4e-7


@settings(max_examples=25, deadline=None)
@given(blocks=st.lists(st.integers(1, 300), min_size=1, max_size=8), seed=st.integers(0, 5))
def test_any_sequence_of_block_sizes_gives_the_same_bits(blocks: list[int], seed: int) -> None:
    """However a host cuts the stream, the output has the same bits."""
    player = _nano()
    signal = _signal(seed, 2000)
    assert np.array_equal(player.play(signal, *blocks), player.play(signal, 64))


def _nano(cache: dict[str, Player] = {}) -> Player:  # noqa: B006  made once for all examples
    return cache.setdefault("nano", Player(random_model("a1_nano", 7)))
