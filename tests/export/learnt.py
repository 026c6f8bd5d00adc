"""Small random models of the kinds that effects are learnt as, with and without knobs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from tonerig.export.model import (
    Activation,
    Array,
    Chain,
    Compression,
    Convolution,
    Dense,
    Echo,
    Film,
    Gain,
    Gru,
    Knob,
    Knobs,
    Lstm,
    Modulation,
    Network,
    NeuralModel,
    Response,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
)

from tests.models import METADATA

KNOBS = (
    Knob("drive", 0.0, 10.0, 4.0, "", "linear", "How much it distorts."),
    Knob("tone_hz", 100.0, 6400.0, 800.0, "Hz", "logarithmic"),
)
FEATURES = 3


def learnt_model(kind: str, seed: int) -> NeuralModel:
    """A model of one of `LEARNT`; the same seed gives the same weights."""
    return LEARNT[kind](np.random.default_rng(seed))


def _array(rng: Generator, *shape: int, scale: float = 1.0) -> Array:
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def knobs(rng: Generator) -> Knobs:
    """Two knobs, a small network, three features."""
    first = Dense(_array(rng, 5, 2), _array(rng, 5))
    second = Dense(_array(rng, FEATURES, 5, scale=0.5), _array(rng, FEATURES, scale=0.5))
    return Knobs(KNOBS, Stack((first, Activation("Tanh"), second)))


def wavenet(rng: Generator, *, plain: bool = True) -> WaveNet:
    """Two arrays that hear knobs; with ``plain``, as they are learnt, the first weights and FiLMs are not."""
    heard = 1 + FEATURES
    arrays = []
    for inputs, channels, outputs, dilations in ((heard, 4, 3, (1, 2, 4)), (4, 3, 1, (1, 3))):
        layers = []
        for dilation in dilations:
            film = _array(rng, 2 * channels, heard, 1, scale=0.3)
            if plain:
                film[:, 0] = 0.0
            past = _array(rng, channels, channels, 3, scale=0.3)
            onward = _array(rng, channels, channels, 1, scale=0.4)
            layers.append(
                WaveNetLayer(
                    Convolution(past, _array(rng, channels), dilation),
                    Convolution(_array(rng, channels, heard, 1, scale=0.5)),
                    Activation("Tanh"),
                    layer1x1=Convolution(onward, _array(rng, channels)),
                    films={"activation_pre_film": Film(Convolution(film, _array(rng, 2 * channels)), True)},
                )
            )
        rechannel = _array(rng, channels, inputs, 1, scale=0.5)
        if plain and inputs == heard:
            rechannel[:, 1:] = 0.0
        head = Convolution(_array(rng, outputs, channels, 1, scale=0.5), _array(rng, outputs, scale=0.1))
        arrays.append(WaveNetArray(Convolution(rechannel), tuple(layers), head))
    return WaveNet(tuple(arrays), 0.5)


def _lstm(rng: Generator) -> Stack:
    hidden = 6
    lstm = Lstm(
        _array(rng, 4 * hidden, 1 + FEATURES, scale=0.5),
        _array(rng, 4 * hidden, hidden, scale=0.2),
        _array(rng, 4 * hidden, scale=0.2),
        _array(rng, hidden, scale=0.1),
        _array(rng, hidden, scale=0.1),
    )
    return Stack((lstm, Dense(_array(rng, 1, hidden), _array(rng, 1))), True, 2.0, 0.5)


def _gru(rng: Generator) -> Stack:
    hidden = 6
    gru = Gru(
        _array(rng, 3 * hidden, 1 + FEATURES, scale=0.5),
        _array(rng, 3 * hidden, hidden, scale=0.2),
        _array(rng, 3 * hidden, scale=0.2),
        _array(rng, 3 * hidden, scale=0.2),
        _array(rng, hidden, scale=0.1),
    )
    return Stack((gru, Dense(_array(rng, 1, hidden), _array(rng, 1))))


def gain(rng: Generator) -> Gain:
    return Gain(_array(rng, 1 + FEATURES, scale=0.5))


def response(rng: Generator, taps: int = 300) -> Response:
    decay = np.exp(-np.arange(taps) / 40.0).astype(np.float32)
    return Response(_array(rng, 1 + FEATURES, taps, scale=0.3) * decay)


def echo(rng: Generator, delay: int = 100) -> Echo:
    return Echo(_array(rng, 4), _array(rng, 7, scale=0.4), _array(rng, 5, scale=0.1), delay)


def modulation(rng: Generator) -> Modulation:
    delay = (60.0 * rng.random(33)).astype(np.float32)
    return Modulation(_array(rng, 3), _array(rng, 6, scale=0.4), delay, _array(rng, 33), float(np.pi), 0.3, 2)


def compression(rng: Generator) -> Compression:
    levels = np.array([-70.0, -40.0, -20.0, -6.0], np.float32)
    gains = np.array([3.0, 6.0, 0.0, -9.0], np.float32)
    return Compression(0.97, 0.9995, levels, gains, _array(rng, 12, scale=0.4))


def _knobbed(networks: tuple[Network, ...], rng: Generator, prewarm: int) -> NeuralModel:
    network = networks[0] if len(networks) == 1 else Chain(tuple(map(NeuralModel, networks)))
    return NeuralModel(network, 48000.0, METADATA, prewarm, knobs=knobs(rng))


def _plain(network: Network) -> NeuralModel:
    return NeuralModel(network, 44100.0, METADATA)


LEARNT: dict[str, Callable[[Generator], NeuralModel]] = {
    "echo": lambda rng: _plain(echo(rng)),
    "modulation": lambda rng: _plain(modulation(rng)),
    "compression": lambda rng: _plain(compression(rng)),
    "gain": lambda rng: NeuralModel(Gain(_array(rng, 1)), 44100.0, METADATA),
    "response": lambda rng: NeuralModel(Response(_array(rng, 1, 200)), 44100.0, METADATA),
    "knobbed_gain": lambda rng: _knobbed((gain(rng),), rng, 0),
    "knobbed_response": lambda rng: _knobbed((response(rng),), rng, 299),
    "knobbed_wavenet": lambda rng: _knobbed((wavenet(rng, plain=False),), rng, 22),
    "knobbed_lstm": lambda rng: _knobbed((_lstm(rng),), rng, 2000),
    "knobbed_gru": lambda rng: _knobbed((_gru(rng),), rng, 0),
    "amp": lambda rng: _knobbed((gain(rng), wavenet(rng), response(rng)), rng, 321),
    "rig": lambda rng: _knobbed(
        (compression(rng), gain(rng), _lstm(rng), modulation(rng), echo(rng), response(rng)), rng, 700
    ),
}
