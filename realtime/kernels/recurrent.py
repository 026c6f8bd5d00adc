"""Kernel for recurrent networks: LSTM or GRU layers and a dense output, one sample after another.

The hidden units lie along the vectors, all four gates of a group of units side by side, so that a
sample costs one fused multiply-add a gate and input. Sigmoids are computed as
``(1 + tanh(x / 2)) / 2``, the half folded into the weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...export.model import Dense, Gru, Lstm, NeuralModel, Stack
from ..compiler.layout import State
from ..compiler.unit import Unit
from .folding import Folding, Shifted

Array = NDArray[np.float32]

LAYER = np.dtype(
    [
        ("weights", "i8"),  # (groups, inputs + hidden, 4, lanes)
        ("bias", "i8"),  # (groups, 4, lanes)
        ("inputs", "i8"),  # address of the layer's input: the sample, or the layer before's h
        ("h", "i8"),
        ("c", "i8"),
        ("next_h", "i8"),  # the new h, until all groups have read the old one
    ],
    align=True,
)

STATE = np.dtype(
    [
        ("layers", "i8"),
        ("memory", "i8"),
        ("head", "i8"),
        ("head_bias", "f4"),
        ("skip", "f4"),
        ("input_gain", "f4"),
        ("output_gain", "f4"),
    ],
    align=True,
)


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model: one kind of cell, one output, one input beside features."""
    network = model.network
    if not isinstance(network, Stack) or len(network.layers) < 2:
        return False
    *cells, head = network.layers
    if not isinstance(head, Dense) or head.weight.shape[0] != 1:
        return False
    return all(isinstance(cell, Lstm) for cell in cells) or all(isinstance(cell, Gru) for cell in cells)


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code that the model's shape needs."""
    cells = _cells(model)
    kind = "lstm" if isinstance(cells[0], Lstm) else "gru"
    shape = [[cell.inputs, cell.hidden] for cell in cells]
    return (Unit.of("kernels.recurrent", cell=kind, layers=shape),)


def make_state(model: NeuralModel) -> State:
    """The model's weights and initial state."""
    network = model.network
    assert isinstance(network, Stack)
    cells, head = _cells(model), network.layers[-1]
    assert isinstance(head, Dense)
    parts: list[list[Array]] = []
    for cell in cells:
        weights, bias = _packed(cell)
        width = padded(cell.hidden)
        h, c = np.zeros(width, np.float32), np.zeros(width, np.float32)
        h[: cell.hidden] = cell.h
        if isinstance(cell, Lstm):
            c[: cell.hidden] = cell.c
        parts.append([weights, bias, h, c, np.zeros(width, np.float32)])
    output = np.zeros(padded(cells[-1].hidden), np.float32)
    output[: cells[-1].hidden] = head.weight[0]
    flat = [np.zeros(16, np.float32), output, *(array.ravel() for part in parts for array in part)]
    starts = np.cumsum([0, *(-(-array.size // 16) * 16 for array in flat)])
    state = State(STATE, layers=(LAYER, len(cells)), memory=(np.float32, int(starts[-1])))
    for start, array in zip(starts, flat, strict=False):
        state.arrays["memory"][start : start + array.size] = array
    addresses = [int(state.record["memory"]) + 4 * int(start) for start in starts]
    source = addresses[0]
    for k, layer in enumerate(state.arrays["layers"]):
        names = ("weights", "bias", "h", "c", "next_h")
        for name, address in zip(names, addresses[2 + 5 * k :], strict=False):
            layer[name] = address
        layer["inputs"], source = source, int(layer["h"])
    record = state.record
    record["head"], record["head_bias"] = addresses[1], head.bias[0]
    record["skip"] = float(network.skip)
    record["input_gain"], record["output_gain"] = network.input_gain, network.output_gain
    return state


def lanes(hidden: int) -> int:
    """Vector width for a layer: the smallest that holds all its units, at most 16."""
    return 4 if hidden <= 4 else 8 if hidden <= 8 else 16


def padded(hidden: int) -> int:
    """Units, filled up to whole vectors."""
    return -(-hidden // lanes(hidden)) * lanes(hidden)


def fold(model: NeuralModel, state: State, folding: Folding) -> None:
    """Say what the first layer's bias takes from the features."""
    cell = _all_cells(model)[0]
    alone = [cell, *(_biased(cell, feature) for feature in cell.weight_x.T[1:])]
    columns = [_packed(_sound(one))[1].ravel() for one in alone]
    rows = np.column_stack(columns)
    target = int(state.arrays["layers"][0]["bias"])
    folding.shifted.append(Shifted(target, len(rows), folding.value(rows)))


def _biased(cell: Lstm | Gru, bias: Array) -> Lstm | Gru:
    """The cell with another bias of its input."""
    if isinstance(cell, Lstm):
        return replace(cell, bias=bias)
    return replace(cell, bias_x=bias, bias_h=np.zeros_like(cell.bias_h))


def _all_cells(model: NeuralModel) -> list[Lstm | Gru]:
    assert isinstance(model.network, Stack)
    return [layer for layer in model.network.layers if isinstance(layer, Lstm | Gru)]


def _cells(model: NeuralModel) -> list[Lstm | Gru]:
    """The cells as they are computed: the first one hears the sound alone."""
    first, *others = _all_cells(model)
    return [_sound(first), *others]


def _sound(cell: Lstm | Gru) -> Lstm | Gru:
    return replace(cell, weight_x=cell.weight_x[:, :1])


def _packed(cell: Lstm | Gru) -> tuple[Array, Array]:
    """Weights (groups, inputs + hidden, 4, lanes) and bias (groups, 4, lanes), halves folded in."""
    hidden, inputs = cell.hidden, cell.inputs
    gates = np.zeros((4, hidden, inputs + hidden), np.float32)
    bias = np.zeros((4, hidden), np.float32)
    if isinstance(cell, Lstm):
        gates[:] = np.concatenate([cell.weight_x, cell.weight_h], axis=1).reshape(4, hidden, -1)
        bias[:] = cell.bias.reshape(4, hidden)
        halved = [0, 1, 3]
    else:  # rows: r, z, the input's part of n, the state's part of n
        x, h = cell.weight_x.reshape(3, hidden, -1), cell.weight_h.reshape(3, hidden, -1)
        bias_x, bias_h = cell.bias_x.reshape(3, hidden), cell.bias_h.reshape(3, hidden)
        gates[:3, :, :inputs], gates[:2, :, inputs:], gates[3, :, inputs:] = x, h[:2], h[2]
        bias[:2], bias[2], bias[3] = bias_x[:2] + bias_h[:2], bias_x[2], bias_h[2]
        halved = [0, 1]
    gates[halved] *= np.float32(0.5)
    bias[halved] *= np.float32(0.5)
    width, lane = padded(hidden), lanes(hidden)
    full = np.zeros((4, width, inputs + hidden), np.float32)
    full[:, :hidden] = gates
    full_bias = np.zeros((4, width), np.float32)
    full_bias[:, :hidden] = bias
    groups = width // lane
    weights = full.reshape(4, groups, lane, inputs + hidden).transpose(1, 3, 0, 2)
    return np.ascontiguousarray(weights), full_bias.reshape(4, groups, lane).transpose(1, 0, 2).copy()


def compile(cell: str, layers: list[list[int]]) -> dict[str, Any]:
    """Compile a network of the given cells and layer sizes (inputs, hidden)."""
    from . import recurrent_code

    return {"process": recurrent_code.network(cell, layers)}
