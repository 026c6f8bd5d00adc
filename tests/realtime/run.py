"""Run a processor over a signal in blocks, the way a program does."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from itertools import cycle

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tonerig.realtime.compiler.layout import CONTEXT, State
from tonerig.realtime.compiler.unit import compile_units
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.processors.processor import Processor

Signal = NDArray[np.float32]
RATE = 48000.0
BLOCKS = (1, 16, 64, 96, 441, 2048)
MAX_BLOCK = 2048
STRIDE = 2112  # of one block: not the same as its length


def prepared(processor: Processor, channels: int = 1, rate: float = RATE) -> Processor:
    """The processor, compiled and ready for a stream."""
    compile_units(processor.units())
    processor.prepare(rate, MAX_BLOCK, channels)
    return processor


def run(
    processor: Processor,
    signal: ArrayLike,
    *blocks: int,
    rate: float = RATE,
    changes: Mapping[int, Mapping[str, float]] | None = None,
    events: NDArray[np.void] | None = None,
) -> Signal:
    """The output, shape (outputs, frames), for a signal of shape (frames,) or (channels, frames).

    Parameters
    ----------
    processor : prepared; goes on from where it stands
    blocks : their sizes, in turn; 64 without any
    changes : sample -> values that parameters take there; a block ends before it
    events : `EVENT` records sorted by frame, which counts from the signal's first sample
    """
    x = np.atleast_2d(np.asarray(signal, np.float32))
    channels, frames = x.shape
    context = State(CONTEXT, scratch=(np.float32, 4 * STRIDE))
    context.record["rate"], context.record["stride"], context.record["channels"] = rate, STRIDE, channels
    context.record["scratch_bytes"] = 16 * STRIDE
    source, target = np.zeros((2, STRIDE), np.float32), np.zeros((2, STRIDE), np.float32)
    process = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(processor.code)
    stops = sorted([*(changes or {}), frames])
    output = np.zeros((processor.outputs, frames), np.float32)
    midi = np.ascontiguousarray(np.empty(0, EVENT) if events is None else events, EVENT)
    start = 0
    for size in cycle(blocks or (64,)):
        for name, value in (changes or {}).get(start, {}).items():
            processor.state.record[name] = value
        if start == frames:
            return output
        count = min(size, next(stop for stop in stops if stop > start) - start)
        source[:channels, :count] = x[:, start : start + count]
        target[:] = np.nan  # what is not written shows
        context.record["position"] = context.record["event_origin"] = start
        first, last = np.searchsorted(midi["frame"], [start, start + count])
        context.record["events"] = midi.ctypes.data + EVENT.itemsize * first
        context.record["event_count"] = last - first
        addresses = (context.address, processor.state.address, source.ctypes.data, target.ctypes.data)
        process(*addresses, count)
        output[:, start : start + count] = target[: processor.outputs, :count]
        start += count
    raise AssertionError("unreachable")


def noise(seconds: float, channels: int = 1, level: float = 0.3, seed: int = 1) -> Signal:
    """White noise, shape (channels, frames)."""
    shape = (channels, round(seconds * RATE))
    return np.random.default_rng(seed).normal(0, level, shape).astype(np.float32)


def sine(frequency_hz: float, seconds: float, level: float = 0.5) -> Signal:
    """A sine of the given peak level, shape (frames,)."""
    return (level * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * RATE)) / RATE)).astype(
        np.float32
    )


def response(processor: Processor, frequencies_hz: ArrayLike, seconds: float = 1.0) -> NDArray[np.complex128]:
    """Frequency response of a linear processor, from its impulse response."""
    impulse = np.zeros(round(seconds * RATE))
    impulse[0] = 1.0
    measured = run(processor, impulse)[0].astype(np.float64)
    time = np.arange(impulse.size) / RATE
    return np.array([measured @ np.exp(-2j * np.pi * f * time) for f in np.atleast_1d(frequencies_hz)])
