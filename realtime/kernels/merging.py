"""Layers of a network without recurrence, merged into as few convolutions as compute the same."""

from __future__ import annotations

import numpy as np

from ...export.model import Activation, Array, BatchNorm, Convolution, Dense, Stack


def merge(network: Stack) -> list[tuple[Convolution, Activation | None]]:
    """Convolutions with their activations; gains and batch norms folded into the weights."""
    merged: list[tuple[Convolution, Activation | None]] = []
    pending = np.float32(network.input_gain)
    for layer in network.layers:
        if isinstance(layer, Dense):
            layer = Convolution(layer.weight[:, :, None], layer.bias)
        if isinstance(layer, Convolution):
            merged.append((Convolution(layer.dense() * pending, layer.bias, layer.dilation), None))
            pending = np.float32(1.0)
            continue
        convolution, activation = merged[-1]
        if isinstance(layer, BatchNorm) and activation is None:
            merged[-1] = (_scaled(convolution, layer.scale, layer.offset), None)
        elif isinstance(layer, Activation) and activation is None:
            merged[-1] = (convolution, layer)
        else:
            channels = convolution.outputs
            unit_matrix = np.eye(channels, dtype=np.float32)[:, :, None]
            identity = Convolution(unit_matrix)
            if isinstance(layer, BatchNorm):
                merged.append((_scaled(identity, layer.scale, layer.offset), None))
            else:
                assert isinstance(layer, Activation)
                merged.append((identity, layer))
    if network.output_gain != 1.0:
        convolution, activation = merged[-1]
        if activation is not None:
            merged.append((Convolution(np.eye(convolution.outputs, dtype=np.float32)[:, :, None]), None))
        convolution, activation = merged[-1]
        gain = np.full(convolution.outputs, network.output_gain, np.float32)
        merged[-1] = (_scaled(convolution, gain, np.zeros_like(gain)), None)
    return merged


def _scaled(convolution: Convolution, scale: Array, offset: Array) -> Convolution:
    bias = convolution.bias if convolution.bias is not None else np.zeros(convolution.outputs, np.float32)
    return Convolution(
        convolution.weight * scale[:, None, None],
        bias * scale + offset,
        convolution.dilation,
        convolution.groups,
    )
