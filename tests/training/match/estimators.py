"""Estimators for tests, written with `onnx.helper`: they tell the same of every sound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tonerig.realtime.match.estimator import KEY, described
from tonerig.realtime.match.synths import MatchedSynth


def constant_estimator(path: Path, synth: MatchedSynth, logits: NDArray[np.float32]) -> Path:
    """One whose logits are these, shape (sum of the synth's levels,), whatever it hears."""
    bins = synth.window // 2 + 1
    weights = {
        "zeros": np.zeros((bins, len(logits)), np.float32),
        "constant": logits.astype(np.float32)[None],
    }
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["magnitudes"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "zeros"], ["nothing"]),
            helper.make_node("Add", ["nothing", "constant"], ["logits"]),
        ],
        "constant",
        [helper.make_tensor_value_info("magnitudes", TensorProto.FLOAT, ["sounds", "windows", bins])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["sounds", len(logits)])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {KEY: json.dumps(described(synth) | {"training": {"sounds": 0}})})
    onnx.save(model, str(path))
    return path
