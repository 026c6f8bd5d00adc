"""Small random models with knobs, of every kind of network that hears them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from tonerig.export.model import (
    Activation,
    Array,
    Chain,
    Convolution,
    Dense,
    Film,
    Gain,
    Gru,
    Knob,
    Knobs,
    Lstm,
    Network,
    NeuralModel,
    Response,
    Stack,
    WaveNet,
    receptive_field,
)

from tests.models import wavenet_array

FEATURES = 5
DRIVE = Knob("drive", 0.0, 10.0, 5.0)
CUTOFF = Knob("cutoff_hz", 200.0, 8000.0, 1000.0, "Hz", "logarithmic")


def _array(rng: Generator, *shape: int, scale: float = 0.3) -> Array:
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def knobs(rng: Generator) -> Knobs:
    """Two knobs and what computes five features of them: two hidden layers, one wide."""
    layers = (
        Dense(_array(rng, 64, 2, scale=1.0), _array(rng, 64)),
        Activation("Tanh"),
        Dense(_array(rng, 7, 64, scale=0.2), _array(rng, 7)),
        Activation("SiLU"),
        Dense(_array(rng, FEATURES, 7, scale=0.5), _array(rng, FEATURES)),
    )
    return Knobs((DRIVE, CUTOFF), Stack(layers))


def wavenet(rng: Generator) -> WaveNet:
    """Two arrays of FiLMed layers, one of them gated; one only scales and one has none."""
    first = wavenet_array(
        rng, 1, 6, 6, (1, 4, 2), (3, 3, 3), condition=1 + FEATURES, gating=("none", "gated", "none")
    )
    second = wavenet_array(rng, 6, 6, 1, (1, 3), (3, 3), condition=1 + FEATURES)
    wide = Convolution(_array(rng, 6, 1 + FEATURES, 1), _array(rng, 6))
    arrays = (replace(first, rechannel=wide), second)
    filmed = []
    for number, array in enumerate(arrays):
        layers = []
        for n, layer in enumerate(array.layers):
            outputs, shift = layer.convolution.outputs, n % 2 == 0
            weight = _array(rng, outputs * (1 + shift), 1 + FEATURES, 1, scale=0.2)
            weight[:, 0] = 0
            bias = np.concatenate([np.ones(outputs), np.zeros(outputs * shift)]).astype(np.float32)
            films = {"activation_pre_film": Film(Convolution(weight, bias), shift)}
            layers.append(replace(layer, films={} if number == 1 and n == 1 else films))
        filmed.append(replace(array, layers=tuple(layers)))
    return WaveNet(tuple(filmed), head_scale=0.5)


def lstm(rng: Generator, hidden: int = 9) -> Stack:
    """Two layers, with gains and a skip."""
    layers = [
        Lstm(
            _array(rng, 4 * hidden, inputs),
            _array(rng, 4 * hidden, hidden),
            _array(rng, 4 * hidden),
            _array(rng, hidden),
            _array(rng, hidden),
        )
        for inputs in (1 + FEATURES, hidden)
    ]
    return Stack((*layers, Dense(_array(rng, 1, hidden), _array(rng, 1))), skip=True, output_gain=0.5)


def gru(rng: Generator, hidden: int = 6) -> Stack:
    """One layer."""
    layer = Gru(
        _array(rng, 3 * hidden, 1 + FEATURES),
        _array(rng, 3 * hidden, hidden),
        _array(rng, 3 * hidden),
        _array(rng, 3 * hidden),
        _array(rng, hidden),
    )
    return Stack((layer, Dense(_array(rng, 1, hidden), _array(rng, 1))))


def gain(rng: Generator) -> Gain:
    """A gain of some 10 dB more or less."""
    return Gain(_array(rng, 1 + FEATURES, scale=0.5))


def response(rng: Generator, length: int = 500) -> Response:
    """A decaying one that is another one for each feature."""
    return Response(_array(rng, 1 + FEATURES, length) * np.exp(-np.arange(length) / 80).astype(np.float32))


def _chain(rng: Generator) -> Chain:
    parts: tuple[Network, ...] = (
        gain(rng),
        wavenet(rng),
        Stack((Convolution(_array(rng, 1, 1, 3)), Activation("Tanh"))),
        Chain((NeuralModel(gru(rng)), NeuralModel(gain(rng)))),
        response(rng),
    )
    return Chain(tuple(map(NeuralModel, parts)))


NETWORKS: dict[str, Callable[[Generator], Network]] = {
    "wavenet": wavenet,
    "lstm": lstm,
    "gru": gru,
    "gain": gain,
    "response": response,
    "response_short": lambda rng: response(rng, 20),
    "response_longest": lambda rng: response(rng, 2048),
    "chain": _chain,
}


def knobbed(kind: str, seed: int) -> NeuralModel:
    """A model of one of ``NETWORKS``; the same seed gives the same weights."""
    rng = np.random.default_rng(seed)
    network = NETWORKS[kind](rng)
    memory = (receptive_field(network) or 300) - 1
    return NeuralModel(network, prewarm=min(memory, 300), knobs=knobs(rng))
