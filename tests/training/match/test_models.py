"""The paper's models against its tables."""

from __future__ import annotations

import itertools

import pytest
import torch
from tonerig.training.match.models import HEARS, MODELS, Kind, UnknownModelError, make_model
from torch import nn

SHAPES: dict[Kind, tuple[int, ...]] = {
    "spectrogram": (64, 257),
    "sound": (16384,),
    "words": (1000,),
    "handcrafted": (1000,),
}

TABLE_1 = """
fc-linear FC-869 Drop-0.2
fc1 FC-868 ReLU Drop-0.3
fc2 FC-603 ReLU Drop-0.1 FC-602 ReLU Drop-0.3
fc3 FC-560 ReLU FC-500 ReLU Drop-0.2 FC-400 ReLU Drop-0.4
hc FC-869 Drop-0.2
hc3 FC-560 ReLU FC-500 ReLU Drop-0.2 FC-400 ReLU Drop-0.4
"""
TABLE_2 = """
conv1 C(38,13,26,13,26)
conv2 C(35,6,7,5,6) C(87,6,9,5,8)
conv3 C(32,4,5,3,4) C(98,4,6,3,5) C(128,4,6,3,5)
conv4 C(32,3,4,2,3) C(65,3,4,2,3) C(105,3,4,2,3) C(128,4,5,3,4)
conv5 C(32,3,3,2,2) C(98,3,3,2,2) C(128,3,4,2,3) C(128,3,5,2,4) C(128,3,3,2,2)
conv6 C(32,3,3,2,2) C(71,3,3,2,2) C(128,3,4,2,3) C(128,3,3,2,2) C(128,3,3,2,2) C(128,3,3,1,2)
conv6xl C(64,3,3,2,2) C(128,3,3,2,2) C(128,3,4,2,3) C(128,3,3,2,2) C(256,3,3,2,2) C(256,3,3,1,2)
conve2e C(96,1,64,1,4) C(96,1,32,1,4) C(128,1,16,1,4) C(257,1,8,1,4) \
C(32,3,3,2,2) C(71,3,3,2,2) C(128,3,4,2,3) C(128,3,3,2,2) C(128,3,3,2,2) C(128,3,3,1,2)
"""
DENSE = {line.split()[0]: line.split()[1:] for line in TABLE_1.strip().splitlines()}
STRIDED = {line.split()[0]: line.split()[1:] for line in TABLE_2.strip().splitlines()}
MILLIONS = {"conv6xl": 2.3, "conve2e": 1.9}


def told(module: nn.Module) -> str | None:
    """A layer as the tables write it."""
    if isinstance(module, nn.Linear):
        return f"FC-{module.out_features}"
    if isinstance(module, nn.Dropout):
        return f"Drop-{module.p}"
    if isinstance(module, nn.ReLU):
        return "ReLU"
    if isinstance(module, nn.Conv2d):
        numbers = (module.out_channels, *module.kernel_size, *module.stride)
        return f"C({','.join(map(str, numbers))})"
    return None


def layers_of(model: nn.Module) -> list[str]:
    """All its layers as the tables write them."""
    return [name for name in map(told, model.children()) if name is not None]


@pytest.mark.parametrize("name", MODELS)
def test_layers(name: str) -> None:
    """Layers, their activations and dropouts are the tables', in order."""
    layers = layers_of(make_model(name))
    if name in DENSE:
        assert layers == [*DENSE[name], "FC-368"]
    else:
        with_activations = [[layer, "ReLU"] for layer in [*STRIDED[name], "FC-512"]]
        assert layers == [*itertools.chain.from_iterable(with_activations), "FC-368"]


def test_fourteen() -> None:
    """The names are the tables' columns, each once."""
    assert sorted(MODELS) == sorted([*DENSE, *STRIDED])


@pytest.mark.parametrize("name", MODELS)
def test_output(name: str) -> None:
    """Two sounds as the model hears them give two rows of 368 logits, all of them finite."""
    with torch.no_grad():
        logits = make_model(name)(torch.rand(2, *SHAPES[HEARS[name]]))
    assert logits.shape == (2, 368)
    assert torch.isfinite(logits).all()


def weights(name: str) -> int:
    """Weights and biases by formula, from the tables alone."""
    if name in DENSE:
        sizes = [1000, *(int(layer[3:]) for layer in DENSE[name] if layer.startswith("FC")), 368]
        return sum(a * b + b for a, b in itertools.pairwise(sizes))
    total, channels, height, width = 0, 1, 64, 257
    for layer in STRIDED[name]:
        filters, k1, k2, s1, s2 = map(int, layer[2:-1].split(","))
        if k1 > 1 and channels == 257:  # filters over time have become bins
            channels = 1
        total += filters * (channels * k1 * k2 + 1)
        channels = filters
        if k1 > 1:
            height = (height + 2 * (k1 // 2) - k1) // s1 + 1
            width = (width + 2 * (k2 // 2) - k2) // s2 + 1
    return total + (channels * height * width + 1) * 512 + 513 * 368


@pytest.mark.parametrize("name", MODELS)
def test_count(name: str) -> None:
    """As many weights as the tables make, which is the paper's count to two digits."""
    count = sum(parameter.numel() for parameter in make_model(name).parameters())
    assert count == weights(name)
    assert round(count / 1e6, 1) == MILLIONS.get(name, 1.2)


def test_conv6_count() -> None:
    """Conv6 has 1 155 287 weights: a count made by hand."""
    assert sum(parameter.numel() for parameter in make_model("conv6").parameters()) == 1_155_287


def test_end_to_end_matrix() -> None:
    """The layers over time make a matrix of a spectrogram's size; a click moves in it with time."""
    model = make_model("conve2e")
    front = model[:10]  # its four convolutions, what makes their input and what makes a matrix of them
    assert layers_of(front) == [x for layer in STRIDED["conve2e"][:4] for x in (layer, "ReLU")]
    clicks = torch.zeros(2, 16384)
    clicks[0, 8000] = clicks[1, 8000 + 256] = 1.0
    with torch.no_grad():
        matrix = front(clicks)
    assert matrix.shape == (2, 1, 64, 257)
    torch.testing.assert_close(matrix[1, :, 11:54], matrix[0, :, 10:53], atol=1e-6, rtol=1e-4)


def test_against_layer_by_layer() -> None:
    """Conv2 is what its two convolutions, done by torch's functions with half-kernel padding, give."""
    model = make_model("conv2")
    x = torch.rand(3, 64, 257)
    with torch.no_grad():
        first, second = [module for module in model if isinstance(module, nn.Conv2d)]
        hidden, last = [module for module in model if isinstance(module, nn.Linear)]
        y = torch.relu(nn.functional.conv2d(x[:, None], first.weight, first.bias, (5, 6), (3, 3)))
        y = torch.relu(nn.functional.conv2d(y, second.weight, second.bias, (5, 8), (3, 4)))
        y = torch.relu(y.flatten(1) @ hidden.weight.T + hidden.bias) @ last.weight.T + last.bias
        torch.testing.assert_close(model(x), y)


def test_linear() -> None:
    """FC Linear and HC are affine when nothing is dropped, FC1 is not."""
    for name, linear in (("fc-linear", True), ("hc", True), ("fc1", False)):
        model = make_model(name).eval()
        a, b = torch.randn(2, 4, 1000)
        with torch.no_grad():
            middle = model((a + b) / 2)
            assert torch.allclose(middle, (model(a) + model(b)) / 2, atol=1e-5) is linear


def test_unknown() -> None:
    """A name that is in no table is refused with those that are."""
    with pytest.raises(UnknownModelError, match=r"'conv7'.*conv6xl"):
        make_model("conv7")
