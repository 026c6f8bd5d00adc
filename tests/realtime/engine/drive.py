"""Drive an engine without a device, block by block, as PortAudio would."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.processor import Processor

Signal = NDArray[np.float32]
RATE = 48000.0
MAX_BLOCK = 256


def noise(channels: int, frames: int, seed: int = 0) -> Signal:
    """White noise at about -20 dB."""
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)


def program(*chain: Processor, inputs: int = 1) -> Program:
    """A program of the given processors; of a gain of 0 dB without any."""
    return Program(chain or [Gain()], RATE, MAX_BLOCK, inputs)


def rendered(chain: Program, signal: Signal) -> Signal:
    """What `render` makes of a signal."""
    return Runner(chain).process(signal)


def serve(
    engine: Engine,
    signal: Signal,
    *blocks: int,
    before: Callable[[int], None] = lambda start: None,
    events: NDArray[np.void] | None = None,
) -> Signal:
    """The device's output for its input, shape (channels, frames), in blocks of the given sizes in turn.

    ``before`` is called with the position before each block; ``events`` come with it, their frames counted
    from the signal's first one here and from the block's first one there.
    """
    source = np.ascontiguousarray(signal, np.float32)
    output = np.full((engine.outputs, source.shape[1]), 9.0, np.float32)
    due = np.empty(0, EVENT) if events is None else events
    start = 0
    for size in cycle(blocks or (64,)):
        count = min(size, source.shape[1] - start)
        if count == 0:
            return output
        before(start)
        pointers = [
            np.array([a[c].ctypes.data + 4 * start for c in range(len(a))], np.int64)
            for a in (source, output)
        ]
        first, last = np.searchsorted(due["frame"], [start, start + count])
        now = due[first:last].copy()
        now["frame"] -= start
        engine.serve(pointers[0].ctypes.data, pointers[1].ctypes.data, count, now.ctypes.data, now.size)
        start += count
    return output
