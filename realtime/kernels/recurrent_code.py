"""The compiled code of the recurrent kernel. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ..compiler.abi import audio_function
from ..compiler.memory import copy_bytes, float32_at, record_at
from ..compiler.simd import fma, load, splat, store, tile_load, tile_scaled, total
from .activations import functions
from .recurrent import LAYER, STATE, lanes, padded

layer_at = record_at(LAYER)
LAYER_BYTES = LAYER.itemsize
HALF, ZERO = np.float32(0.5), np.float32(0.0)


def network(cell: str, layers: list[list[int]]) -> Any:
    """Compile the whole network, sample by sample."""
    step = _all_layers([_step(cell, inputs, hidden) for inputs, hidden in layers])
    hidden = layers[-1][1]
    width, lane = padded(hidden), lanes(hidden)
    last = (len(layers) - 1) * LAYER_BYTES

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        x, y = float32_at(source), float32_at(target)
        first, final = layer_at(state.layers), layer_at(state.layers + last)
        sample = float32_at(first.inputs)
        for t in range(frames):
            value = x[t] * state.input_gain
            sample[0] = value
            step(state.layers)
            products = splat(ZERO, lane)
            for k in range(0, width, lane):
                products = fma(load(state.head + 4 * k, lane), load(final.h + 4 * k, lane), products)
            out = total(products) + state.head_bias
            y[t] = (out + state.skip * value) * state.output_gain

    return process


def _all_layers(steps: list[Any]) -> Any:
    """One function that runs the layers in turn."""
    run = steps[0]
    for number, step in enumerate(steps[1:], 1):
        run = _then(run, step, number * LAYER_BYTES)
    return run


def _then(first: Any, second: Any, offset: int) -> Any:
    @njit(forceinline=True, error_model="numpy")
    def both(layers: Any) -> None:
        first(layers)
        second(layers + offset)

    return both


def _step(cell: str, inputs: int, hidden: int) -> Any:
    """Compile one layer's step over one sample."""
    lane = lanes(hidden)
    groups = padded(hidden) // lane
    column = 16 * lane  # bytes: four gates of one group, for one input
    unit = _lstm(lane) if cell == "lstm" else _gru(lane)

    @njit(forceinline=True, error_model="numpy")
    def step(address: Any) -> None:
        layer = layer_at(address)
        x, h = float32_at(layer.inputs), float32_at(layer.h)
        weights = layer.weights
        for g in range(groups):
            gates = tile_load(4, 1, lane, layer.bias + column * g, 4 * lane)
            for j in range(inputs):
                gates = tile_scaled(gates, x[j], weights)
                weights += column
            for j in range(hidden):
                gates = tile_scaled(gates, h[j], weights)
                weights += column
            here = 4 * lane * g
            store(layer.next_h + here, unit(gates, layer.h + here, layer.c + here))
        copy_bytes(layer.h, layer.next_h, 4 * lane * groups)

    return step


def _lstm(lane: int) -> Any:
    tanh = functions(lane)["tanh"]

    @njit(forceinline=True, error_model="numpy")
    def unit(gates: Any, h: Any, c: Any) -> Any:
        half = splat(HALF, lane)
        i = fma(tanh(gates[0]), half, half)
        f = fma(tanh(gates[1]), half, half)
        o = fma(tanh(gates[3]), half, half)
        new = fma(f, load(c, lane), i * tanh(gates[2]))
        store(c, new)
        return o * tanh(new)

    return unit


def _gru(lane: int) -> Any:
    tanh = functions(lane)["tanh"]

    @njit(forceinline=True, error_model="numpy")
    def unit(gates: Any, h: Any, c: Any) -> Any:
        half = splat(HALF, lane)
        r = fma(tanh(gates[0]), half, half)
        z = fma(tanh(gates[1]), half, half)
        n = tanh(fma(r, gates[3], gates[2]))
        return fma(z, load(h, lane) - n, n)

    return unit
