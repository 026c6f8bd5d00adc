"""Writing a trained network as an estimator's ONNX file, see `realtime.match.estimator`.

Normalisations are folded into the layers before them, so that the file holds nothing but convolutions,
products and the logarithm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ...export.writing import write_bytes
from ...realtime.match.estimator import KEY, described
from ...realtime.match.spectrogram import HOP
from ...realtime.match.synths import MatchedSynth
from .ours import MIDDLE, WIDTH, LogMagnitude
from .plan import MatchTrainingError

OPSET, IR_VERSION = 17, 8


class _Graph:
    """Nodes one after another, each hearing what the last one says."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.last = "magnitudes"

    def add(self, operator: str, *arrays: NDArray[Any], **attributes: Any) -> None:
        names = [f"weights_{len(self.weights) + k}" for k in range(len(arrays))]
        self.weights += [numpy_helper.from_array(a, name) for a, name in zip(arrays, names, strict=True)]
        output = f"heard_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.last, *names], [output], **attributes))
        self.last = output


def to_onnx(network: nn.Sequential, synth: MatchedSynth, training: Mapping[str, Any]) -> onnx.ModelProto:
    """A network as an estimator.

    Parameters
    ----------
    network : of `LogMagnitude`, `Conv2d`, `Linear`, each perhaps with a normalisation behind it, `ReLU`,
        `Unflatten` to one channel, and `Flatten`; from magnitudes to logits
    synth : whose parameters it tells
    training : what the file shall say of how it was made

    Raises
    ------
    MatchTrainingError
        If it has another layer.
    """
    graph = _Graph()
    layers = [module for module in network.modules() if not list(module.children())]
    for place, layer in enumerate(layers):
        following = layers[place + 1] if place + 1 < len(layers) else None
        if isinstance(layer, LogMagnitude):
            graph.add("Add", np.array([layer.quietest], np.float32))
            graph.add("Log")
            graph.add("Sub", np.array([MIDDLE], np.float32))
            graph.add("Div", np.array([WIDTH], np.float32))
            graph.add("Unsqueeze", np.array([1], np.int64))
        elif isinstance(layer, nn.Unflatten):
            graph.add("Unsqueeze", np.array([1], np.int64))
        elif isinstance(layer, nn.Conv2d) and not isinstance(layer.padding, str):
            (top, left), (high, wide) = layer.padding, layer.stride
            pads, strides = [top, left, top, left], [high, wide]
            graph.add("Conv", *_folded(layer, following), pads=pads, strides=strides)
        elif isinstance(layer, nn.Linear):
            graph.add("Gemm", *_folded(layer, following), transB=1)
        elif isinstance(layer, nn.ReLU):
            graph.add("Relu")
        elif isinstance(layer, nn.Flatten):
            graph.add("Flatten", axis=1)
        elif not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            raise MatchTrainingError(f"a layer {type(layer).__name__} has no place in an estimator's file")
    graph.nodes[-1].output[0] = "logits"
    windows, bins = -(-synth.frames // HOP), synth.window // 2 + 1
    heard = helper.make_tensor_value_info("magnitudes", TensorProto.FLOAT, ["sounds", windows, bins])
    told = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["sounds", sum(synth.levels)])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "estimator", [heard], [told], graph.weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="tonerig",
    )
    helper.set_model_props(model, {KEY: json.dumps({**described(synth), "training": dict(training)})})
    onnx.checker.check_model(model)
    return model


def write_estimator(
    network: nn.Sequential, synth: MatchedSynth, training: Mapping[str, Any], path: Path
) -> None:
    """Write a network as an estimator's file, whole or not at all."""
    write_bytes(path, to_onnx(network, synth, training).SerializeToString())


def _folded(layer: nn.Conv2d | nn.Linear, following: nn.Module | None) -> list[NDArray[np.float32]]:
    """Weights and biases, with the normalisation behind them."""
    weights = layer.weight.detach().double()
    biases = torch.zeros(len(weights)).double() if layer.bias is None else layer.bias.detach().double()
    if isinstance(following, nn.BatchNorm1d | nn.BatchNorm2d):
        assert following.running_var is not None and following.running_mean is not None
        deviations = (following.running_var.double() + following.eps).sqrt()
        scales = following.weight.detach().double() / deviations
        weights = weights * scales.reshape(-1, *[1] * (weights.ndim - 1))
        biases = (biases - following.running_mean.double()) * scales + following.bias.detach().double()
    return [np.ascontiguousarray(array.float().numpy()) for array in (weights, biases)]
