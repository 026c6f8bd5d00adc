"""Try a stranger's ONNX file in this process, which is limited and may die: ``python -m … FILE``."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
from numpy.typing import NDArray

from ...export.files import load_model
from ...export.foreign import ForeignOnnx
from ..compiler.layout import CONTEXT, State
from ..compiler.unit import load
from . import onnx_runtime
from .graph import TRIAL_BYTES, TRIAL_S, graph_of

BLOCKS = (64, 1, 96, 441, 64, 1382)
"""Frames of the blocks; together they are one block of the most frames that a `Run` takes."""
TOLERANCE = 1.0e-2
"""Of the peak: far above what rounding makes of other blocks, far below what a lost past does."""


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
        state = onnx_runtime.OnnxState(graph_of(model, model.path.read_bytes()))
    except onnx_runtime.OnnxRuntimeError as error:
        return str(error)
    state.seal()
    try:
        cut, whole = _play(state, BLOCKS), _play(state, (sum(BLOCKS),))
    except onnx_runtime.OnnxRuntimeError as error:
        return str(error)
    if not (np.isfinite(cut).all() and np.isfinite(whole).all()):
        return "it puts out NaN or Inf"
    difference, peak = np.abs(cut - whole).max(), np.abs(whole).max()
    if difference > TOLERANCE * max(peak, 1.0e-3):
        return (
            f"its output depends on how the sound is cut into blocks (by {difference:.2g} at a peak of "
            f"{peak:.2g}), so it cannot stream; export it with its past as inputs and outputs"
        )
    return None


def _play(state: onnx_runtime.OnnxState, blocks: tuple[int, ...]) -> NDArray[np.float32]:
    """The output for a burst of noise cut into blocks."""
    process = load(onnx_runtime.unit()).function("process", *[ctypes.c_int64] * 5)
    context = State(CONTEXT)
    noise = (0.1 * np.random.default_rng(0).standard_normal(sum(blocks))).astype(np.float32)
    output = np.zeros_like(noise)
    state.reset()
    start = 0
    for frames in blocks:
        place = 4 * start
        addresses = (context.address, state.address, noise.ctypes.data + place, output.ctypes.data + place)
        process(*addresses, frames)
        if state.record["failures"]:
            raise onnx_runtime.OnnxRuntimeError(
                f"ONNX Runtime does not make {frames} samples of {frames}, as a stream needs"
            )
        start += frames
    return output


if __name__ == "__main__":
    load(onnx_runtime.unit())  # compiled, where it has to be, before the limits hold
    limit()
    problem = attempt(sys.argv[1])
    if problem is not None:
        raise SystemExit(problem)
