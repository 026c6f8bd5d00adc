"""Hold a model's knobs: what they do becomes plain weights, which formats without knobs can say.

Everything that features reach is affine in them: a column of a weight times a constant signal is a bias, a
FiLM with a constant condition is a factor and an offset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .errors import CannotSayError
from .model import (
    Array,
    Chain,
    Container,
    Convolution,
    Echo,
    Film,
    Gain,
    Gru,
    Lstm,
    Modulation,
    Network,
    NeuralModel,
    Response,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    hears_knobs,
)
from .reference import features_of
from .reference_effects import Signal, gain_of, taps_of

FOLDED = "activation_pre_film"
BEFORE = ("conv_post_film", "input_mixin_post_film")
"""FiLMs between the convolution and mixin and what is folded into their biases."""


def freeze(model: NeuralModel, values: Mapping[str, float]) -> NeuralModel:
    """The same sound with all knobs held where they are.

    Parameters
    ----------
    values : by knob, each in its unit; the others are held at their defaults

    Returns
    -------
    a model without knobs: gains and FiLMs folded into the weights, responses as convolutions, and no chain
    around a single network; ``settings`` in its metadata's ``extra`` say where the knobs were

    Raises
    ------
    ValueError : the model has no such knob, the value is out of its range, or a FiLM of the condition mixes
        knobs and sound
    """
    features = features_of(model, values)
    if model.knobs is None:
        return model
    networks, gain = _freeze(model.network, features, 1.0)
    if gain != 1.0 or not networks:
        networks.append(_constant_gain(gain))
    network = networks[0] if len(networks) == 1 else Chain(tuple(_part(model, part) for part in networks))
    settings = {knob.name: float(values.get(knob.name, knob.default)) for knob in model.knobs.knobs}
    metadata = replace(model.metadata, extra=model.metadata.extra | {"settings": settings})
    return replace(model, network=network, metadata=metadata, knobs=None)


def refuse_knobs(model: NeuralModel) -> None:
    """Refuse a model with knobs, for a format that has none.

    Raises
    ------
    CannotSayError : the model has knobs
    """
    if model.knobs is not None:
        held = " ".join(f"--set {knob.name}={knob.default:g}" for knob in model.knobs.knobs)
        raise CannotSayError(f"knobs; hold them, with `tonerig convert … {held}`")


def _part(model: NeuralModel, network: Network) -> NeuralModel:
    return NeuralModel(network, model.sample_rate)


def _constant_gain(gain: float) -> Stack:
    return Stack((Convolution(np.full((1, 1, 1), gain, np.float32)),))


def _freeze(network: Network, features: Signal, gain: float) -> tuple[list[Network], float]:
    """The networks that are left of one with a gain before it, and the gain that comes after them."""
    if isinstance(network, Container):
        return _freeze(network.active.network, features, gain)
    if isinstance(network, Chain):
        networks: list[Network] = []
        for model in network.models:
            parts, gain = _freeze(model.network, features, gain)
            networks += parts
        return networks, gain
    if isinstance(network, Gain):
        return [], gain * gain_of(network, features)
    if isinstance(network, Response):
        taps = (gain * taps_of(network, features)).astype(np.float32)
        return [Stack((Convolution(np.ascontiguousarray(taps[::-1]).reshape(1, 1, -1)),))], 1.0
    if isinstance(network, Stack):
        return [_stack(network, features, gain)], 1.0
    if isinstance(network, WaveNet) and network.condition is None:
        held = features if hears_knobs(network, len(features)) else features[:0]
        return [_wavenet(network, held, gain)], 1.0
    if gain == 1.0:
        return [network], 1.0
    if isinstance(network, Echo):
        return [
            replace(network, direct=_scaled(network.direct, gain), enter=_scaled(network.enter, gain))
        ], 1.0
    if isinstance(network, Modulation):
        return [replace(network, direct=_scaled(network.direct, gain), wet=_scaled(network.wet, gain))], 1.0
    return [_constant_gain(gain), network], 1.0


def _scaled(array: Array, factor: float | Signal) -> Array:
    """The array times a factor, computed in float64."""
    product: Array = (array.astype(np.float64) * factor).astype(np.float32)
    return product


def _stack(stack: Stack, features: Signal, gain: float) -> Stack:
    stack = replace(stack, input_gain=stack.input_gain * gain)
    first = stack.layers[0]
    if not isinstance(first, Lstm | Gru) or not hears_knobs(stack, len(features)):
        return stack
    sound, constant = _split(first.weight_x, features)
    if isinstance(first, Lstm):
        held: Lstm | Gru = replace(first, weight_x=sound, bias=_sum(first.bias, constant))
    else:
        held = replace(first, weight_x=sound, bias_x=_sum(first.bias_x, constant))
    return replace(stack, layers=(held, *stack.layers[1:]))


def _split(weight: Array, features: Signal) -> tuple[Array, Signal]:
    """The columns of a weight for the sound, and what the others make of the features."""
    sound = weight.shape[1] - len(features)
    rest = weight[:, sound:].reshape(len(weight), -1).astype(np.float64)
    return np.ascontiguousarray(weight[:, :sound]), rest @ features


def _sum(bias: Array | None, constant: Signal) -> Array:
    base = np.zeros(len(constant)) if bias is None else bias.astype(np.float64)
    total: Array = (base + constant).astype(np.float32)
    return total


def _condition(layer: Convolution, features: Signal, gain: float) -> tuple[Convolution, Signal]:
    """A pointwise convolution of the condition, for the sound alone, and what the features add to it."""
    weight, constant = _split(layer.dense() if len(features) else layer.weight, features)
    groups = 1 if len(features) else layer.groups
    return Convolution(_scaled(weight, gain), layer.bias, 1, groups), constant


def _wavenet(network: WaveNet, features: Signal, gain: float) -> WaveNet:
    arrays = []
    for n, array in enumerate(network.arrays):
        rechannel = array.rechannel
        if n == 0:
            rechannel, constant = _condition(rechannel, features, gain)
            if constant.any():
                rechannel = replace(rechannel, bias=_sum(rechannel.bias, constant))
        layers = tuple(_layer(layer, features, gain) for layer in array.layers)
        arrays.append(WaveNetArray(rechannel, layers, array.head))
    return replace(network, arrays=tuple(arrays))


def _layer(layer: WaveNetLayer, features: Signal, gain: float) -> WaveNetLayer:
    if "input_mixin_pre_film" in layer.films and (len(features) or gain != 1.0):
        raise ValueError("the knobs cannot be held where a FiLM of the condition mixes them with the sound")
    mixin, mixed = _condition(layer.mixin, features, gain)
    films = {}
    for slot, film in layer.films.items():
        convolution, constant = _condition(film.convolution, features, gain)
        bias = _sum(convolution.bias, constant) if constant.any() else convolution.bias
        films[slot] = Film(replace(convolution, bias=bias), film.shift)
    convolution = layer.convolution
    direct = not any(slot in films for slot in BEFORE)
    if mixed.any():
        if direct:
            convolution = replace(convolution, bias=_sum(convolution.bias, mixed))
        else:
            mixin = replace(mixin, bias=_sum(mixin.bias, mixed))
    if direct and FOLDED in films and not films[FOLDED].convolution.weight.any():
        convolution, mixin = _modulated(convolution, mixin, films.pop(FOLDED))
    return replace(layer, convolution=convolution, mixin=mixin, films=films)


def _modulated(convolution: Convolution, mixin: Convolution, film: Film) -> tuple[Convolution, Convolution]:
    """A convolution and a mixin whose sum is scaled and shifted by a FiLM that stands still."""
    width = convolution.outputs
    constant = _sum(film.convolution.bias, np.zeros(film.convolution.outputs)).astype(np.float64)
    scale, shift = constant[:width], constant[width:] if film.shift else np.zeros(width)
    column = scale.reshape(-1, 1, 1)
    biases = [_sum(layer.bias, np.zeros(width)).astype(np.float64) for layer in (convolution, mixin)]
    bias = (scale * (biases[0] + biases[1]) + shift).astype(np.float32)
    scaled = replace(convolution, weight=_scaled(convolution.weight, column), bias=bias)
    return scaled, replace(mixin, weight=_scaled(mixin.weight, column), bias=None)
