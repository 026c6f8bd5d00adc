"""The element-wise functions a network can use: names, constants, defaults and formulas, one row each.

Names and formulas are those of NeuralAmpModelerCore (``activations.h``) and, where it has none, of Keras.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .model import Activation

Signal: TypeAlias = NDArray[np.float64]
Constants: TypeAlias = tuple[float, ...]


@dataclass(frozen=True)
class Function:
    """One row: the constants' names and defaults, and the formula over (channels, frames)."""

    apply: Callable[[Signal, Constants], Signal]
    constants: tuple[tuple[str, float], ...] = ()


def _sigmoid(x: Signal) -> Signal:
    result: Signal = 0.5 * (1.0 + np.tanh(0.5 * x))
    return result


def _fast_tanh(x: Signal) -> Signal:
    """The rational approximation that NeuralAmpModelerCore calls ``fast_tanh``."""
    magnitude, square = np.abs(x), x * x
    above = x * (
        2.45550750702956
        + 2.45550750702956 * magnitude
        + (0.893229853513558 + 0.821226666969744 * magnitude) * square
    )
    below = 2.44506634652299 + (2.44506634652299 + square) * np.abs(x + 0.814642734961073 * x * magnitude)
    result: Signal = above / below
    return result


def _leaky_hardtanh(x: Signal, constants: Constants) -> Signal:
    low, high, below, above = constants
    return np.clip(x, low, high) + below * np.minimum(x - low, 0.0) + above * np.maximum(x - high, 0.0)


def _prelu(x: Signal, slopes: Constants) -> Signal:
    return np.where(x > 0.0, x, np.reshape(slopes, (-1, 1)) * x)


def _softmax(x: Signal) -> Signal:
    exponential = np.exp(x - x.max(axis=0))
    result: Signal = exponential / exponential.sum(axis=0)
    return result


FUNCTIONS: dict[str, Function] = {
    "Identity": Function(lambda x, _: x),
    "Tanh": Function(lambda x, _: np.tanh(x)),
    "Fasttanh": Function(lambda x, _: _fast_tanh(x)),
    "Hardtanh": Function(lambda x, c: np.clip(x, c[0], c[1]), (("min_val", -1.0), ("max_val", 1.0))),
    "LeakyHardtanh": Function(
        _leaky_hardtanh, (("min_val", -1.0), ("max_val", 1.0), ("min_slope", 0.01), ("max_slope", 0.01))
    ),
    "ReLU": Function(lambda x, _: np.maximum(x, 0.0)),
    "LeakyReLU": Function(lambda x, c: np.where(x > 0.0, x, c[0] * x), (("negative_slope", 0.01),)),
    "PReLU": Function(_prelu, (("negative_slope", 0.01),)),
    "ELU": Function(
        lambda x, c: np.where(x > 0.0, x, c[0] * np.expm1(np.minimum(x, 0.0))), (("alpha", 1.0),)
    ),
    "Sigmoid": Function(lambda x, _: _sigmoid(x)),
    "SiLU": Function(lambda x, _: x * _sigmoid(x)),
    "Hardswish": Function(lambda x, _: x * np.clip(x / 6.0 + 0.5, 0.0, 1.0)),
    "Softsign": Function(lambda x, _: x / (1.0 + np.abs(x))),
    "Softsigmoid": Function(lambda x, _: 0.5 + 0.5 * x / (1.0 + np.abs(x))),
    "Softmax": Function(lambda x, _: _softmax(x)),
}
"""Every known activation by name. A PReLU may have one slope, or one for each channel."""


def constants_of(activation: Activation) -> Constants:
    """The activation's constants, the defaults where it gives none."""
    if activation.parameters:
        return activation.parameters
    return tuple(default for _, default in FUNCTIONS[activation.kind].constants)


def activate(x: Signal, activation: Activation) -> Signal:
    """Apply ``activation`` to a signal of shape (channels, frames)."""
    return FUNCTIONS[activation.kind].apply(x, constants_of(activation))
