"""The µ-law WaveNet as streaming ONNX: classes in and out, and each layer's past as a state."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ...export.writing import write_bytes
from .mulaw import CLASSES, MU, MuLawLayer, MuLawWaveNet

OPSET, IR_VERSION = 17, 8
TO_THE_END = 2**62


class _Graph:
    """Nodes, weights and states as they come."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, "frames"])]
        self.outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "frames"])]

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def convolution(self, part: nn.Module, input: str) -> str:
        weight, bias = (part.get_parameter(name).detach().numpy() for name in ("weight", "bias"))
        dilation = getattr(part, "dilation", (1,))[0]
        names = self.constant(weight), self.constant(bias)
        return self.add("Conv", input, *names, dilations=[dilation], kernel_shape=[weight.shape[2]])

    def past(self, n: int, silence: Tensor, dilation: int, input: str) -> str:
        """The newest ``dilation`` frames that a layer heard, and after them ``input``."""
        name = f"past{n}"
        initial = silence.numpy()[None, :, None].repeat(dilation, axis=2)
        shape = list(initial.shape)
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.outputs.append(helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, shape))
        self.weights.append(numpy_helper.from_array(initial, name))
        history = self.add("Concat", name, input, axis=2)
        edges = [self.constant(np.array([edge], np.int64)) for edge in (-dilation, TO_THE_END, 2)]
        self.add("Slice", history, *edges, name=f"{name}_out")
        return history


@torch.no_grad()
def write_mulaw(network: MuLawWaveNet, path: Path, rate: float, name: str = "") -> None:
    """Write the network, which decodes by argmax, for ONNX Runtime: no kernel of ours has its operators.

    Parameters
    ----------
    rate : in Hz, which the file states
    name : of the model, in the file's properties

    Raises
    ------
    ModelFileError
        If the file cannot be written.
    """
    graph = _Graph()
    hidden = _embedded(graph, network)
    silence = network.embedding.weight[CLASSES // 2]
    total = ""
    for n, layer in enumerate(part for part in network.layers if isinstance(part, MuLawLayer)):
        history = graph.past(n, silence, layer.dilation, hidden)
        both = graph.convolution(layer.convolution, history)
        halves = [f"tanh{n}", f"gate{n}"]
        graph.nodes.append(helper.make_node("Split", [both], halves, axis=1))
        gated = graph.add("Mul", graph.add("Tanh", halves[0]), graph.add("Sigmoid", halves[1]))
        hidden = graph.add("Add", hidden, graph.convolution(layer.residual, gated))
        skip = graph.convolution(layer.skip, gated)
        total = graph.add("Add", total, skip) if total else skip
        still = silence[None, :, None].expand(-1, -1, layer.dilation + 1)
        silence = layer(still)[0][0, :, 0]
    head = graph.convolution(network.head, graph.add("Relu", total))
    logits = graph.convolution(network.logits, graph.add("Relu", head))
    _decoded(graph, graph.add("ArgMax", logits, axis=1, keepdims=1))
    body = helper.make_graph(graph.nodes, "mulaw_wavenet", graph.inputs, graph.outputs, graph.weights)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, {"sample_rate": f"{rate:g}", "name": name})
    write_bytes(path, model.SerializeToString())


def _embedded(graph: _Graph, network: MuLawWaveNet) -> str:
    """The input's classes, as in `mulaw.encode`, and their vectors, shape [1, channels, frames]."""
    limits = graph.number(-1.0), graph.number(1.0)
    x = graph.add("Clip", "input", *limits)
    grown = graph.add("Add", graph.add("Mul", graph.add("Abs", x), graph.number(MU)), limits[1])
    curve = graph.add("Div", graph.add("Log", grown), graph.number(math.log1p(MU)))
    signed = graph.add("Mul", graph.add("Sign", x), curve)
    steps = graph.add("Mul", graph.add("Add", signed, limits[1]), graph.number(0.5 * (CLASSES - 1)))
    rounded = graph.add("Floor", graph.add("Add", steps, graph.number(0.5)))
    flat = graph.add("Reshape", rounded, graph.constant(np.array([1, -1], np.int64)))
    classes = graph.add("Cast", flat, to=TensorProto.INT64)
    table = graph.constant(network.embedding.weight.detach().numpy())
    return graph.add("Transpose", graph.add("Gather", table, classes, axis=0), perm=[0, 2, 1])


def _decoded(graph: _Graph, classes: str) -> None:
    """The output, as in `mulaw.decode`."""
    one = graph.number(1.0)
    counted = graph.add("Cast", classes, to=TensorProto.FLOAT)
    curve = graph.add("Sub", graph.add("Mul", counted, graph.number(2.0 / (CLASSES - 1))), one)
    grown = graph.add("Exp", graph.add("Mul", graph.add("Abs", curve), graph.number(math.log1p(MU))))
    size = graph.add("Div", graph.add("Sub", grown, one), graph.number(MU))
    graph.add("Mul", graph.add("Sign", curve), size, name="output")
