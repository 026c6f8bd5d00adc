"""Run a program over arrays: offline, with the very code of the audio thread."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..compiler.unit import load
from ..midi.events import EVENT
from ..plugins.hosted import Hosted
from ..processors.processor import everything
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
        self._hosted = [p for p in everything(program.chain) if isinstance(p, Hosted) and p.period == 0]
        self._engine = engine_state(program, program.outputs)
        self._serve = load(ENGINE_UNIT).function("serve", *[ctypes.c_int64] * 6)

    def process(self, signal: ArrayLike, events: NDArray[np.void] | None = None) -> NDArray[np.float32]:
        """The output for the next part of the signal, shape (channels, frames) to (outputs, frames).

        Non-finite input becomes 0, as in a live stream. The GIL is released meanwhile.

        Parameters
        ----------
        signal : shape (channels, frames)
        events : `midi.events.EVENT` records for it, any number; their frames are samples after its first one

        Raises
        ------
        ValueError
            when the number of channels is not the program's, or an event stands before the one it follows or
            outside the signal.
        PluginError
            when a hosted plugin has ended, offline.
        """
        source = np.ascontiguousarray(signal, np.float32)
        if source.ndim != 2 or source.shape[0] != self.program.inputs:
            raise ValueError(f"expected shape ({self.program.inputs}, frames), found {source.shape}")
        output = np.empty((self.program.outputs, source.shape[1]), np.float32)
        pointers_in, pointers_out = _channel_pointers(source), _channel_pointers(output)
        due = np.ascontiguousarray(np.empty(0, EVENT) if events is None else events, EVENT)
        if due.size:
            _check(due["frame"], source.shape[1])
        self._serve(
            self._engine.address,
            pointers_in.ctypes.data,
            pointers_out.ctypes.data,
            source.shape[1],
            due.ctypes.data,
            due.size,
        )
        for hosted in self._hosted:
            hosted.check()
        return output


def _check(due: NDArray[np.int32], frames: int) -> None:
    if np.any(due[1:] < due[:-1]):
        at = int(np.argmax(due[1:] < due[:-1])) + 1
        raise ValueError(f"event {at}, at frame {due[at]}, follows one at {due[at - 1]}; sort them by frame")
    if due[0] < 0 or due[-1] >= frames:
        wrong = due[0] if due[0] < 0 else due[-1]
        raise ValueError(f"expected events at frames 0 to {frames - 1}, found one at {wrong}")


def _channel_pointers(planar: NDArray[np.float32]) -> NDArray[np.int64]:
    start, stride = planar.ctypes.data, planar.strides[0]
    return np.array([start + stride * c for c in range(planar.shape[0])], np.int64)
