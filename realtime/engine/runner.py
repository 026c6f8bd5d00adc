"""Run a program over arrays: offline, with the very code of the audio thread."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..compiler.unit import load
from .memory import engine_state
from .program import ENGINE_UNIT, Program


class Runner:
    """A stream without a device.

    Parameters
    ----------
    program : plays from its present state on; `Program.reset` starts it anew
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._engine = engine_state(program, program.outputs)
        self._serve = load(ENGINE_UNIT).function("serve", *[ctypes.c_int64] * 4)

    def process(self, signal: ArrayLike) -> NDArray[np.float32]:
        """The output for the next part of the signal, shape (channels, frames) to (outputs, frames).

        Non-finite input becomes 0, as in a live stream. The GIL is released meanwhile.

        Raises
        ------
        ValueError
            when the number of channels is not the program's.
        """
        source = np.ascontiguousarray(signal, np.float32)
        if source.ndim != 2 or source.shape[0] != self.program.inputs:
            raise ValueError(f"expected shape ({self.program.inputs}, frames), found {source.shape}")
        output = np.empty((self.program.outputs, source.shape[1]), np.float32)
        pointers_in, pointers_out = _channel_pointers(source), _channel_pointers(output)
        self._serve(self._engine.address, pointers_in.ctypes.data, pointers_out.ctypes.data, source.shape[1])
        return output


def _channel_pointers(planar: NDArray[np.float32]) -> NDArray[np.int64]:
    start, stride = planar.ctypes.data, planar.strides[0]
    return np.array([start + stride * c for c in range(planar.shape[0])], np.int64)
