"""What a model costs: a block on the whole audio-thread path, beside the same model in onnxruntime."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...export.files import load_model
from ...export.model import NeuralModel
from ...export.streaming import write_onnx
from ..engine.program import Program, compile_chain
from ..engine.runner import Runner
from ..processors.neural import Neural

BLOCK = 64
BLOCKS = 200
ROUNDS = 15


@dataclass(frozen=True)
class ModelCost:
    """Median time for one block of `BLOCK` samples, in microseconds.

    ``block_us`` is our audio thread's whole path, ``onnxruntime_python_us`` a ``session.run`` from Python,
    ``ratio`` the first over the second.
    """

    block_us: float
    onnxruntime_python_us: float

    @property
    def ratio(self) -> float:
        return self.block_us / self.onnxruntime_python_us


def model_cost(path: Path) -> ModelCost:
    """Measure a model file both ways in turn, so that a busy machine slows both alike."""
    model = load_model(path)
    if not isinstance(model, NeuralModel):
        raise ValueError(f"{path.name}: only a model that tonerig can write is compared with onnxruntime")
    ours, theirs = _our_path(model), _onnxruntime(model)
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        times.append((_seconds(ours), _seconds(theirs)))
    block, python = np.median(np.array(times), axis=0) * 1e6 / BLOCKS
    return ModelCost(float(block), float(python))


def _seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _our_path(model: NeuralModel) -> Callable[[], None]:
    chain = [Neural({"normalization": "raw"}, model=model)]
    compile_chain(chain)
    runner = Runner(Program(chain, model.sample_rate, BLOCK, 1))
    signal = _signal(BLOCK * BLOCKS)[np.newaxis]
    runner.process(signal)
    return lambda: _discard(runner.process(signal))


def _onnxruntime(model: NeuralModel) -> Callable[[], None]:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        write_onnx(model, Path(folder) / "model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # states with defaults are inputs on purpose
        session = onnxruntime.InferenceSession(str(Path(folder) / "model.onnx"), options)
    inputs = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs()]
    block = _signal(BLOCK)[np.newaxis, np.newaxis]
    first = session.run(None, {inputs[0]: block})
    state = dict(zip(outputs, first, strict=True))

    def blocks() -> None:
        values = state
        for _ in range(BLOCKS):
            feed = {name.removesuffix("_out"): value for name, value in values.items() if name != "output"}
            values = dict(zip(outputs, session.run(None, {inputs[0]: block, **feed}), strict=True))

    return blocks


def _discard(result: object) -> None:
    del result


def _signal(frames: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.1 * np.random.default_rng(0).standard_normal(frames)).astype(np.float32)
