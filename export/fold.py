"""Fold constants into weights: a batch normalization's statistics, a network's input and output gain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .model import Array, BatchNorm, Convolution, Dense, Gru, Layer, Lstm, Stack


def batchnorm(mean: Array, variance: Array, gamma: Array, beta: Array, epsilon: float) -> BatchNorm:
    """The layer with these statistics, scale and offset computed in float64.

    A variance that is not positive gives a scale that is not finite, which `check_model` refuses.
    """
    with np.errstate(all="ignore"):
        scale = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
        offset = beta - scale * mean
    statistics = (mean, variance, gamma, beta, epsilon)
    return BatchNorm(scale.astype(np.float32), offset.astype(np.float32), statistics)


def fold_gains(stack: Stack) -> Stack | None:
    """The same network with both gains 1, or None where no weights can take them up.

    With ``skip``, the input reaches the output beside the network, so that only gains that cancel can
    be folded.
    """
    before, after = stack.input_gain, stack.output_gain
    if before == 1.0 and after == 1.0:
        return stack
    if stack.skip and before * after != 1.0:
        return None
    layers: list[Layer | None] = list(stack.layers)
    layers[0] = _scale_input(stack.layers[0], before)
    layers[-1] = None if layers[-1] is None else _scale_output(layers[-1], after)
    folded = tuple(layer for layer in layers if layer is not None)
    return Stack(folded, stack.skip) if len(folded) == len(layers) else None


def _scale_input(layer: Layer, gain: float) -> Layer | None:
    scale = np.float32(gain)
    if isinstance(layer, Lstm | Gru):
        return replace(layer, weight_x=layer.weight_x * scale)
    if isinstance(layer, Convolution | Dense):
        return replace(layer, weight=layer.weight * scale)
    return None


def _scale_output(layer: Layer, gain: float) -> Layer | None:
    scale = np.float32(gain)
    if isinstance(layer, Dense):
        return Dense(layer.weight * scale, layer.bias * scale)
    if isinstance(layer, Convolution):
        return replace(
            layer, weight=layer.weight * scale, bias=None if layer.bias is None else layer.bias * scale
        )
    if isinstance(layer, BatchNorm):
        return BatchNorm(layer.scale * scale, layer.offset * scale)
    return None
