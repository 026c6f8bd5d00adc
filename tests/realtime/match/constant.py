"""Estimators that tell the same of whatever they hear, made by hand as ONNX."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper
from tonerig.realtime.match.estimator import KEY, described
from tonerig.realtime.match.synths import MatchedSynth


def write_constant(
    path: Path, synth: MatchedSynth, levels: ArrayLike | None = None, sure: float = 6.0
) -> Path:
    """An estimator that tells these levels, or every level alike.

    Parameters
    ----------
    levels : shape (parameters,)
    sure : logit of a told level over the others
    """
    count = sum(synth.levels)
    logits = np.zeros((1, count), np.float32)
    if levels is not None:
        starts = np.concatenate([[0], np.cumsum(synth.levels)[:-1]])
        logits[0, starts + np.asarray(levels)] = sure
    heard = helper.make_tensor_value_info(
        "magnitudes", TensorProto.FLOAT, ["sounds", -(-synth.frames // 256), synth.window // 2 + 1]
    )
    told = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["sounds", count])
    constants = [
        helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0]),
        helper.make_tensor("answer", TensorProto.FLOAT, [1, count], logits.ravel()),
    ]
    nodes = [
        helper.make_node("GlobalAveragePool", ["pictures"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"], axis=1),
        helper.make_node("Mul", ["flat", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "answer"], ["logits"]),
    ]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    nodes.insert(0, helper.make_node("Unsqueeze", ["magnitudes", "axes"], ["pictures"]))
    graph = helper.make_graph(nodes, "constant", [heard], [told], [*constants, axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(described(synth))
    onnx.save(model, str(path))
    return path
