"""Try a stranger's ONNX file in this process, which is limited and may die: ``python -m … FILE``."""

from __future__ import annotations

import ctypes
import sys

import numpy as np

from ...export.files import load_model
from ...export.foreign import ForeignOnnx
from ..compiler.layout import CONTEXT, State
from ..compiler.unit import load
from . import onnx_runtime
from .graph import TRIAL_BYTES, TRIAL_S, streaming_graph

BLOCKS = (64, 1, 96, 64, 2048)


def limit() -> None:
    """Bound this process's memory and time, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (TRIAL_S, TRIAL_S))
    resource.setrlimit(resource.RLIMIT_AS, (TRIAL_BYTES, TRIAL_BYTES))


def attempt(path: str) -> str | None:
    """What is wrong with the file's behaviour, or None."""
    model = load_model(path)
    if not isinstance(model, ForeignOnnx):
        return None
    try:
        state = onnx_runtime.OnnxState(streaming_graph(model))
    except onnx_runtime.OnnxRuntimeError as error:
        return str(error)
    process = load(onnx_runtime.unit()).function("process", *[ctypes.c_int64] * 5)
    context = State(CONTEXT)
    noise = (0.1 * np.random.default_rng(0).standard_normal(max(BLOCKS))).astype(np.float32)
    output = np.zeros_like(noise)
    for frames in BLOCKS:
        process(context.address, state.address, noise.ctypes.data, output.ctypes.data, frames)
        if state.record["failures"]:
            return f"ONNX Runtime refuses a block of {frames} samples"
        if not np.isfinite(output).all():
            return "it puts out NaN or Inf"
    return None


if __name__ == "__main__":
    load(onnx_runtime.unit())  # compiled, where it has to be, before the limits hold
    limit()
    problem = attempt(sys.argv[1])
    if problem is not None:
        raise SystemExit(problem)
