"""JACK's callbacks, compiled. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from ..compiler.memory import int64_at, load_acquire, record_at, store_release
from ..midi.events import RELEASES
from .events_code import EVENT_BYTES, event_at
from .layout import JACK
from .serve_code import engine_at, run

jack_at = record_at(JACK)
message_at = record_at(np.dtype([("status", "u1"), ("data1", "u1"), ("data2", "u1")]))
INPUT_OVERFLOW = 2
"""PortAudio's flag that stands for an xrun in the reports."""


def _field(name: str) -> int:
    assert JACK.fields is not None
    return int(JACK.fields[name][1])


XRUNS, DOWN, EVENT = _field("xruns"), _field("down"), _field("event")
RELEASE_EVENTS = 16 * len(RELEASES)


@intrinsic
def get_buffer(typing_context: Any, function: Any, port: Any, frames: Any) -> Any:
    """``jack_port_get_buffer`` by its address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, port, frames = arguments
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word, ir.IntType(32)])
        count = builder.trunc(frames, ir.IntType(32))
        return builder.call(builder.inttoptr(function, kind.as_pointer()), [port, count])

    return types.int64(types.int64, types.int64, types.int64), codegen


@intrinsic
def get_event_count(typing_context: Any, function: Any, buffer: Any) -> Any:
    """``jack_midi_get_event_count`` by its address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, buffer = arguments
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(64)])
        count = builder.call(builder.inttoptr(function, kind.as_pointer()), [buffer])
        return builder.zext(count, ir.IntType(64))

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def get_event(typing_context: Any, function: Any, event: Any, buffer: Any, index: Any) -> Any:
    """``jack_midi_event_get`` by its address; 0 if it wrote the event."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, event, buffer, index = arguments
        word, short = ir.IntType(64), ir.IntType(32)
        kind = ir.FunctionType(short, [word, word, short])
        number = builder.trunc(index, short)
        return builder.call(builder.inttoptr(function, kind.as_pointer()), [event, buffer, number])

    return types.int32(types.int64, types.int64, types.int64, types.int64), codegen


@njit(error_model="numpy", nogil=True)
def append(jack: Any, count: Any, frame: Any, status: Any, data1: Any, data2: Any, size: Any) -> Any:
    """One more event of the block; returns how many there are."""
    event = event_at(jack.events + EVENT_BYTES * count)
    event.frame, event.size = frame, size
    event.status, event.data1, event.data2 = status, data1, data2
    return count + 1


@njit(error_model="numpy", nogil=True)
def read_events(jack: Any, address: Any, frames: Any) -> Any:
    """The port's complete channel messages into ``jack.events``, in order; returns how many.

    Of more than fit the later ones are dropped, and what releases every note follows the others; so it does
    where a busy server does not hand one out.
    """
    buffer = get_buffer(jack.get_buffer, jack.midi_port, frames)
    room = jack.event_capacity - RELEASE_EVENTS
    count, frame, lost = np.int64(0), np.int64(0), np.int64(0)
    for k in range(get_event_count(jack.get_event_count, buffer)):
        if get_event(jack.get_event, address + EVENT, buffer, k) != 0:
            lost += 1  # which one nobody knows: it may have been a note's end
            continue
        size = np.int64(jack.event.size)
        if size != 2 and size != 3:
            continue
        message = message_at(np.int64(jack.event.buffer))
        status, data1, data2 = message.status, message.data1, np.uint8(0)
        if size == 3:
            data2 = message.data2
        expected = 2 if status & 0xE0 == 0xC0 else 3
        if status < 0x80 or status >= 0xF0 or size != expected or data1 >= 0x80 or data2 >= 0x80:
            continue
        frame = max(frame, min(np.int64(jack.event.time), frames - 1))
        if count < room:
            count = append(jack, count, frame, status, data1, data2, size)
        else:
            lost += 1
    if lost != 0:
        for c in range(16):
            for controller in RELEASES:
                count = append(jack, count, frame, 0xB0 | c, controller, 0, 3)
        engine_at(jack.engine).midi_lost += lost
    return count


def functions() -> dict[str, Any]:
    """Compile JACK's process, xrun and shutdown callbacks; each is given the address of a `JACK` record."""
    word = types.int64

    @cfunc(types.intc(types.uint32, word), nopython=True, error_model="numpy")
    def process(count: Any, address: Any) -> Any:
        jack = jack_at(address)
        frames = np.int64(count)
        for k in range(jack.inputs):
            int64_at(jack.buffers_in)[k] = get_buffer(jack.get_buffer, int64_at(jack.ports_in)[k], frames)
        for k in range(jack.outputs):
            int64_at(jack.buffers_out)[k] = get_buffer(jack.get_buffer, int64_at(jack.ports_out)[k], frames)
        xruns = load_acquire(address + XRUNS)
        flags = np.int64(INPUT_OVERFLOW) if xruns != jack.xruns_seen else np.int64(0)
        jack.xruns_seen = xruns
        events = read_events(jack, address, frames) if jack.midi_port != 0 else np.int64(0)
        run(jack.engine, jack.buffers_in, jack.buffers_out, frames, flags, jack.events, events)
        return 0

    # One thread of JACK's delivers all xruns.
    @cfunc(types.intc(word), nopython=True, error_model="numpy")
    def xrun(address: Any) -> Any:
        store_release(address + XRUNS, load_acquire(address + XRUNS) + 1)
        return 0

    @cfunc(types.void(word), nopython=True, error_model="numpy")
    def shutdown(address: Any) -> None:
        store_release(address + DOWN, 1)

    return {"jack_process": process, "jack_xrun": xrun, "jack_shutdown": shutdown}
