"""Run a kernel over a signal in blocks, the way a processor does."""

from __future__ import annotations

import ctypes
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from tonerig.export.model import NeuralModel
from tonerig.realtime.compiler.layout import CONTEXT, State
from tonerig.realtime.compiler.unit import compile_units, load
from tonerig.realtime.kernels import kernel_for, onnx_runtime

Signal = NDArray[np.float32]
BLOCKS = (1, 16, 64, 96, 441, 2048)


class Player:
    """A model on its kernel, after its prewarm; every `play` starts from there."""

    def __init__(self, model: NeuralModel) -> None:
        kernel = kernel_for(model)
        assert kernel is not None
        compile_units(kernel.units(model))
        self._state = kernel.make_state(model)
        self._process = load(kernel.units(model)[0]).function("process", *[ctypes.c_int64] * 5)
        self._context = State(CONTEXT)
        if model.prewarm:
            self._run(np.zeros(model.prewarm, np.float32), (4096,))
        self._state.seal()

    def play(self, signal: Signal, *blocks: int) -> Signal:
        """The output for a signal cut into blocks of the given sizes in turn."""
        self._state.reset()
        return self._run(signal, blocks)

    def _run(self, signal: Signal, blocks: tuple[int, ...]) -> Signal:
        source, output = np.ascontiguousarray(signal, np.float32), np.zeros(signal.size, np.float32)
        start = 0
        for size in cycle(blocks):
            count = min(size, signal.size - start)
            if count == 0:
                return output
            place = 4 * start
            addresses = (self._context.address, self._state.address, source.ctypes.data + place)
            self._process(*addresses, output.ctypes.data + place, count)
            start += count
        return output


class OnnxPlayer(Player):
    """A streaming graph on ONNX Runtime's C API, the way the audio thread calls it."""

    def __init__(self, graph: onnx_runtime.StreamingGraph) -> None:
        self._state = onnx_runtime.OnnxState(graph)
        self._process = load(onnx_runtime.unit()).function("process", *[ctypes.c_int64] * 5)
        self._context = State(CONTEXT)
        self._state.seal()

    @property
    def failures(self) -> int:
        """Blocks that ONNX Runtime refused."""
        return int(self._state.record["failures"])


def esr(output: Signal, reference: Signal) -> float:
    """Error-to-signal ratio."""
    error = output.astype(np.float64) - reference
    return float(error @ error / (reference.astype(np.float64) @ reference))
