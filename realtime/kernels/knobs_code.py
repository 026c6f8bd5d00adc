"""The compiled side of `knobs`. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ..compiler.abi import audio_function
from ..compiler.memory import address_of, call_process, float32_at, float64_at, int64_at, record_at
from ..compiler.simd import broadcast, fma, load, store
from .convolution import SHORT
from .folding import LANES
from .gain import MOST_EXPONENT
from .knobs import GAIN, GRID, LAYER, RELU, SCALED, SHIFTED, SIGMOID, SILU, STATE, TANH, WIDEST
from .response_code import fold as fold_response
from .response_code import response_at
from .turns_code import TURN_BYTES, approach, jump, listen, turn_at

layer_at, scaled_at, shifted_at, gain_at = map(record_at, (LAYER, SCALED, SHIFTED, GAIN))
LAYER_BYTES, SCALED_BYTES, SHIFTED_BYTES, GAIN_BYTES = (
    dtype.itemsize for dtype in (LAYER, SCALED, SHIFTED, GAIN)
)
MOST = np.float32(MOST_EXPONENT)


@njit(error_model="numpy", nogil=True)
def _activated(kind: Any, x: Any) -> Any:
    if kind == TANH:
        return np.tanh(x)
    if kind == RELU:
        return max(x, 0.0)
    if kind == SIGMOID:
        return 0.5 + 0.5 * np.tanh(0.5 * x)
    if kind == SILU:
        return x * (0.5 + 0.5 * np.tanh(0.5 * x))
    return x


@njit(error_model="numpy", nogil=True)
def _compute_features(state: Any) -> None:
    """The features of the turns as they are now."""
    x = float64_at(state.work)
    for k in range(state.knobs):
        x[k] = turn_at(state.turns + TURN_BYTES * k).now
    for n in range(state.layer_count):
        layer = layer_at(state.layers + LAYER_BYTES * n)
        weights, bias = float64_at(layer.weights), float64_at(layer.bias)
        y = float64_at(state.work + 8 * WIDEST * ((n + 1) & 1))
        x = float64_at(state.work + 8 * WIDEST * (n & 1))
        for row in range(layer.outputs):
            total = bias[row]
            for column in range(layer.inputs):
                total += weights[layer.inputs * row + column] * x[column]
            y[row] = _activated(layer.activation, total)
    last = float64_at(state.work + 8 * WIDEST * (state.layer_count & 1))
    features = float32_at(state.features)
    for k in range(state.feature_count):
        features[k] = np.float32(last[k])


@njit(error_model="numpy", nogil=True)
def _compute_values(state: Any) -> None:
    """All that depends on the features, which is affine in them."""
    row = 4 * state.value_count
    for place in range(0, row, 4 * LANES):
        total = load(state.matrix + place, LANES)
        for k in range(state.feature_count):
            weights = load(state.matrix + row * (k + 1) + place, LANES)
            total = fma(weights, broadcast(state.features + 4 * k, LANES), total)
        store(state.values + place, total)


@njit(error_model="numpy", nogil=True)
def _scale(scaled: Any, values: Any) -> None:
    rows = scaled.rows
    scale = float32_at(values + 4 * scaled.scale)
    for n in range(scaled.repeats):
        weights, target = float32_at(scaled.weights + 4 * rows * n), float32_at(scaled.target + 4 * rows * n)
        for r in range(rows):
            target[r] = weights[r] * scale[r]


@njit(error_model="numpy", nogil=True)
def _shift(shifted: Any, values: Any) -> None:
    target, bias = float32_at(shifted.target), float32_at(values + 4 * shifted.bias)
    scale, shift = float32_at(values + 4 * shifted.scale), float32_at(values + 4 * shifted.shift)
    for r in range(shifted.rows):
        total = bias[r]
        if shifted.scale >= 0:
            total *= scale[r]
        if shifted.shift >= 0:
            total += shift[r]
        target[r] = total


@njit(error_model="numpy", nogil=True)
def _fold(state: Any) -> None:
    """Bring the weights to the turns as they are now; responses are owed."""
    _compute_features(state)
    _compute_values(state)
    values = float32_at(state.values)
    for k in range(state.scaled_count):
        _scale(scaled_at(state.scaled + SCALED_BYTES * k), state.values)
    for k in range(state.shifted_count):
        _shift(shifted_at(state.shifted + SHIFTED_BYTES * k), state.values)
    for k in range(state.gain_count):
        gain = gain_at(state.gains + GAIN_BYTES * k)
        exponent = min(max(values[gain.value], -MOST), MOST)
        float32_at(gain.target)[0] = np.exp(exponent)
    state.owed = 1 if state.response_count > 0 else 0


@njit(error_model="numpy", nogil=True)
def _fold_responses(state: Any) -> None:
    for k in range(state.response_count):
        fold_response(response_at(int64_at(state.responses)[k]), state.features)
    state.owed = 0


@njit(error_model="numpy", nogil=True)
def _step(state: Any) -> None:
    """At a point of the grid."""
    if state.moving == 1:
        state.moving = 1 if approach(state.turns, state.knobs, state.share) else 0
        _fold(state)
    if state.owed == 1 and state.place == 0:
        _fold_responses(state)


def process() -> Any:
    """Compile ``process``."""

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        news = listen(state.turns, state.goals, state.knobs)
        if state.started == 0:
            state.started = 1
            jump(state.turns, state.knobs)
            _fold(state)
            _fold_responses(state)
        elif news:
            state.moving = 1
        address = address_of(context)
        start = 0
        while start < frames:
            count = frames - start
            if state.moving == 1 or state.owed == 1:
                if state.place % GRID == 0:
                    _step(state)
                count = min(count, GRID - state.place % GRID)
            call_process(state.process, address, state.inner, source + 4 * start, target + 4 * start, count)
            state.place = (state.place + count) % SHORT
            start += count

    return process
