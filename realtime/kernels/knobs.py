"""Kernel for a model with knobs: another kernel plays it, whose weights are folded anew while knobs move.

At each multiple of `GRID` samples after the state's start at which a knob is on its way, the turns go on, the
features are computed from them, and what depends on the features is folded into the other kernel's memory
(`folding`); a `Response` at multiples of 64. While all knobs rest, blocks go through as they come.

The values of the knobs, in their units, stand where ``goals`` points: at the defaults, until someone has it
point elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...export.model import (
    Activation,
    Chain,
    Dense,
    Gain,
    Knobs,
    Network,
    NeuralModel,
    Response,
    Stack,
    WaveNet,
    hears_knobs,
)
from ..compiler.layout import State
from ..compiler.unit import Unit, load
from . import feedforward, recurrent, response
from .folding import Folding
from .turns import SMOOTHING_S, TURN, defaults, fill

if TYPE_CHECKING:
    from . import Kernel

GRID = 16
WIDEST = 64
"""Features, and outputs of a layer that computes them."""
LINEAR, TANH, RELU, SIGMOID, SILU = range(5)
ACTIVATIONS = {"Tanh": TANH, "ReLU": RELU, "Sigmoid": SIGMOID, "SiLU": SILU}

LAYER = np.dtype(
    [
        ("weights", "i8"),  # (outputs, inputs)
        ("bias", "i8"),
        ("inputs", "i8"),
        ("outputs", "i8"),
        ("activation", "i8"),
    ],
    align=True,
)
"""A layer that computes features, in float64."""

SCALED = np.dtype(
    [("target", "i8"), ("weights", "i8"), ("repeats", "i8"), ("rows", "i8"), ("scale", "i8")], align=True
)
SHIFTED = np.dtype(
    [("target", "i8"), ("rows", "i8"), ("bias", "i8"), ("scale", "i8"), ("shift", "i8")], align=True
)
"""As in `folding`, with -1 for None."""
GAIN = np.dtype([("target", "i8"), ("value", "i8")], align=True)

STATE = np.dtype(
    [
        ("process", "i8"),  # address of the other kernel's code
        ("inner", "i8"),  # and memory
        ("goals", "i8"),  # address of a float32 for each knob
        ("turns", "i8"),  # a `turns.TURN` for each
        ("knobs", "i8"),
        ("share", "f8"),  # of the way to its goal that a turn goes at each point of the grid
        ("place", "i8"),  # samples since the start, 0 to 63
        ("moving", "i8"),
        ("started", "i8"),
        ("owed", "i8"),  # whether responses wait for the features as they are now
        ("layers", "i8"),
        ("layer_count", "i8"),
        ("work", "i8"),  # two layers' outputs
        ("features", "i8"),
        ("feature_count", "i8"),
        ("matrix", "i8"),  # (1 + features, values)
        ("values", "i8"),
        ("value_count", "i8"),
        ("scaled", "i8"),
        ("scaled_count", "i8"),
        ("shifted", "i8"),
        ("shifted_count", "i8"),
        ("gains", "i8"),
        ("gain_count", "i8"),
        ("responses", "i8"),
        ("response_count", "i8"),
        ("weights", "i8"),  # before they are scaled
        ("perceptron", "i8"),  # weights of the layers
        ("resting", "i8"),  # the defaults
    ],
    align=True,
)


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model: it can compute the features, and another kernel plays the rest."""
    if model.knobs is None or _layers(model.knobs) is None:
        return False
    return _kernel(_without(model)) is not None and _fits(model.network, model.knobs.count)


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code of the knobs, and of the rest."""
    return (Unit.of("kernels.knobs"), *_found(model).units(_without(model)))


def make_state(model: NeuralModel) -> State:
    """The other kernel's state in ``parts``, and what is to be computed of it; at the first sample all is."""
    knobs, kernel = model.knobs, _found(model)
    assert knobs is not None
    inner = kernel.make_state(_without(model))
    folding = Folding(knobs.count)
    _fold(_without(model), inner, folding)
    layers = _layers(knobs)
    assert layers is not None
    matrix = folding.matrix()
    perceptron = [part for dense, _ in layers for part in (dense.weight, dense.bias)]
    state = State(
        STATE,
        turns=(TURN, len(knobs.knobs)),
        layers=(LAYER, len(layers)),
        work=(np.float64, 2 * WIDEST),
        features=(np.float32, knobs.count),
        matrix=(np.float32, matrix.shape),
        values=(np.float32, matrix.shape[1]),
        scaled=(SCALED, len(folding.scaled)),
        shifted=(SHIFTED, len(folding.shifted)),
        gains=(GAIN, len(folding.gains)),
        responses=(np.int64, len(folding.responses)),
        weights=(np.float32, sum(part.weights.size for part in folding.scaled)),
        perceptron=(np.float64, sum(part.size for part in perceptron)),
        resting=(np.float32, len(knobs.knobs)),
    )
    state.parts.append(inner)
    fill(state.arrays["turns"], knobs)
    state.arrays["resting"][:] = defaults(knobs)
    state.arrays["matrix"][:] = matrix
    _place_layers(state, layers)
    _place_folding(state, folding)
    record = state.record
    record["process"], record["inner"] = load(kernel.units(_without(model))[0])["process"], inner.address
    record["goals"], record["knobs"] = record["resting"], len(knobs.knobs)
    record["share"] = 1.0 - np.exp(-GRID / (SMOOTHING_S * model.sample_rate))
    record["layer_count"], record["feature_count"] = len(layers), knobs.count
    record["value_count"] = matrix.shape[1]
    return state


def _place_layers(state: State, layers: list[tuple[Dense, int]]) -> None:
    memory, start = state.arrays["perceptron"], 0
    for row, (dense, activation) in zip(state.arrays["layers"], layers, strict=True):
        for name, part in (("weights", dense.weight), ("bias", dense.bias)):
            memory[start : start + part.size] = part.ravel()
            row[name] = memory.ctypes.data + 8 * start
            start += part.size
        row["outputs"], row["inputs"] = dense.weight.shape
        row["activation"] = activation


def _place_folding(state: State, folding: Folding) -> None:
    memory, start = state.arrays["weights"], 0
    for row, scaled in zip(state.arrays["scaled"], folding.scaled, strict=True):
        memory[start : start + scaled.weights.size] = scaled.weights.ravel()
        row["weights"] = memory.ctypes.data + 4 * start
        row["target"], row["scale"] = scaled.target, scaled.scale
        row["repeats"], row["rows"] = scaled.weights.shape
        start += scaled.weights.size
    for row, shifted in zip(state.arrays["shifted"], folding.shifted, strict=True):
        row["target"], row["rows"], row["bias"] = shifted.target, shifted.rows, shifted.bias
        row["scale"] = -1 if shifted.scale is None else shifted.scale
        row["shift"] = -1 if shifted.shift is None else shifted.shift
    for row, (target, value) in zip(state.arrays["gains"], folding.gains, strict=True):
        row["target"], row["value"] = target, value
    state.arrays["responses"][:] = folding.responses
    record = state.record
    record["scaled_count"], record["shifted_count"] = len(folding.scaled), len(folding.shifted)
    record["gain_count"], record["response_count"] = len(folding.gains), len(folding.responses)


def _without(model: NeuralModel) -> NeuralModel:
    return replace(model, knobs=None)


def _kernel(model: NeuralModel) -> Kernel | None:
    from . import kernel_for  # which lists this module

    return kernel_for(model)


def _found(model: NeuralModel) -> Kernel:
    kernel = _kernel(_without(model))
    assert kernel is not None
    return kernel


def _fits(network: Network, features: int) -> bool:
    """Whether every part hears all features or none."""
    if isinstance(network, Chain):
        return all(_fits(part.playable().network, features) for part in network.models)
    if isinstance(network, Gain):
        return network.exponent.size == 1 + features
    if isinstance(network, Response):
        return network.taps.shape[0] == 1 + features
    return hears_knobs(network, features) or not isinstance(network, WaveNet | Stack) or _inputs(network) == 1


def _inputs(network: WaveNet | Stack) -> int:
    first = network.arrays[0].rechannel if isinstance(network, WaveNet) else network.layers[0]
    return getattr(first, "inputs", 1)


def _fold(model: NeuralModel, state: State, folding: Folding) -> None:
    """Collect what depends on the features, in all parts."""
    network = model.network
    if isinstance(network, Chain):
        for part, inner in zip(network.models, state.parts, strict=True):
            _fold(part.playable(), inner, folding)
    elif isinstance(network, Gain):
        value = folding.value(network.exponent[np.newaxis])
        folding.gains.append((state.field_address("goal"), value))
    elif isinstance(network, Response):
        response.fold(model, state, folding)
    elif isinstance(network, WaveNet) and _inputs(network) > 1:
        feedforward.fold(model, state, folding)
    elif isinstance(network, Stack) and _inputs(network) > 1:
        recurrent.fold(model, state, folding)


def _layers(knobs: Knobs) -> list[tuple[Dense, int]] | None:
    """The layers that compute the features, each with its activation; None where they are of other kinds."""
    stack, found = knobs.features, list[tuple[Dense, int]]()
    if stack.skip or stack.input_gain != 1.0 or stack.output_gain != 1.0:
        return None
    for layer in stack.layers:
        if isinstance(layer, Dense) and max(layer.weight.shape) <= WIDEST:
            found.append((layer, LINEAR))
        elif isinstance(layer, Activation) and layer.kind in ACTIVATIONS and found and found[-1][1] == LINEAR:
            found[-1] = (found[-1][0], ACTIVATIONS[layer.kind])
        else:
            return None
    return found or None


def compile() -> dict[str, Any]:
    """Compile ``process``."""
    from . import knobs_code

    return {"process": knobs_code.process()}
