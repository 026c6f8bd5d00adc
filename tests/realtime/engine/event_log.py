"""A processor that writes down every event it is told of, and adds an impulse at its sample."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.compiler.layout import State
from tonerig.realtime.compiler.unit import Unit
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.processors.processor import Processor

ENTRY = np.dtype([("sample", "i8"), ("message", "u1", (3,)), ("size", "u1")], align=True)
STATE = np.dtype([("log", "i8"), ("capacity", "i8"), ("count", "i8"), ("outside", "i8")], align=True)
CAPACITY = 1 << 17


class EventLog(Processor):
    """Its log holds each event with the sample since the program's start at which it was due."""

    name = "event_log"
    description = "for tests"

    def units(self) -> tuple[Unit, ...]:
        return ()

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        self.outputs = channels
        self.state = self.make_state(rate, max_block, channels)
        self.state.seal()
        self.code = ctypes.cast(_process().ctypes, ctypes.c_void_p).value or 0

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        state = State(STATE, log=(ENTRY, CAPACITY))
        state.record["capacity"] = CAPACITY
        return state

    @property
    def events(self) -> list[tuple[int, bytes]]:
        """Sample and message of each event so far."""
        assert self.state.record["outside"] == 0, "an event outside its block"
        log = self.state.arrays["log"][: int(self.state.record["count"])]
        return [(int(e["sample"]), bytes(e["message"][: e["size"]])) for e in log]


def events(*entries: tuple[int, bytes]) -> NDArray[np.void]:
    """Records of messages at frames."""
    return np.array([(t, m[0], m[1], m[2] if len(m) == 3 else 0, len(m)) for t, m in entries], EVENT)


def note(number: int) -> bytes:
    """A note-on that tells ``number``, which is below 2^18, by its channel, key and velocity."""
    return bytes([0x90 | number >> 14, number >> 7 & 0x7F, number & 0x7F])


@cache
def _process() -> Any:
    from tonerig.realtime.compiler.abi import audio_function, channel
    from tonerig.realtime.compiler.memory import copy_bytes, record_at

    event_at, entry_at = record_at(EVENT), record_at(ENTRY)
    event_bytes, entry_bytes = EVENT.itemsize, ENTRY.itemsize

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        for c in range(context.channels):
            start = 4 * context.stride * c
            copy_bytes(target + start, source + start, 4 * frames)
        for k in range(context.event_count):
            event = event_at(context.events + event_bytes * k)
            frame = event.frame - context.event_origin
            if frame < 0 or frame >= frames or state.count == state.capacity:
                state.outside += 1
                continue
            for c in range(context.channels):
                channel(target, context.stride, c, frames)[frame] += np.float32(1.0)
            entry = entry_at(state.log + entry_bytes * state.count)
            entry.sample, entry.size = context.position + frame, event.size
            entry.message[0], entry.message[1], entry.message[2] = event.status, event.data1, event.data2
            state.count += 1

    return process
