"""The audio thread's side of an instrument in a worker, compiled. Imports numba.

Its channels' messages go to the worker, with their frames; what comes back goes through the patch's effects
and is added to what comes in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.abi import audio_function, channel, context_at
from ..compiler.memory import load_acquire, record_at, store_release
from ..compiler.table import ROW_BYTES, row_at, walk
from ..midi.events import EVENT
from ..synths.controllers_code import change_program, channel_at
from .exchange_code import compiled, exchange, send_turns
from .instrument import RECORD
from .layout import EVENTS, EXCHANGE, OFFSETS

event_at, played_at = record_at(EVENT), record_at(RECORD)
EVENT_BYTES = EVENT.itemsize
WRITTEN, READ = OFFSETS["events_written"], OFFSETS["events_read"]
BANK_HIGH, BANK_LOW = 0, 32
SUSTAIN, SOSTENUTO, ALL_SOUND_OFF = 64, 66, 120
NEVER, IF_ROOM, SURELY = 0, 1, 2


@compiled
def concerns(state: Any, status: Any, data1: Any, data2: Any) -> Any:
    """Whether the worker hears a message: `NEVER`, a note of a channel that plays the patch `IF_ROOM`, and
    every release `SURELY`."""
    what, c = status & 0xF0, np.int64(status & 0x0F)
    listens = channel_at(state, c).listening != 0
    if what == 0xC0 and channel_at(state, c).follows != 0:
        change_program(state, c, np.int64(data1 & 0x7F))
        return NEVER
    if what == 0x80 or (what == 0x90 and data2 == 0):
        return SURELY
    if what == 0xB0:
        if data1 == BANK_HIGH:
            channel_at(state, c).bank_high = np.int64(data2 & 0x7F)
        elif data1 == BANK_LOW:
            channel_at(state, c).bank_low = np.int64(data2 & 0x7F)
        elif data1 in (SUSTAIN, SOSTENUTO) or data1 >= ALL_SOUND_OFF:
            return SURELY
    return IF_ROOM if listens else NEVER


@compiled
def send_events(state: Any, hosted: Any, context: Any) -> None:
    """Put the block's messages into the worker's ring, with frames that count from the block's start.

    Half of it is kept for releases: each note that found room finds room to end.
    """
    header, events = hosted.header, hosted.events
    written = load_acquire(header + WRITTEN)
    room = EVENTS - (written - load_acquire(header + READ))
    for k in range(context.event_count):
        heard = event_at(context.events + EVENT_BYTES * k)
        concern = concerns(state, heard.status, heard.data1, heard.data2)
        if concern != NEVER and room > (0 if concern == SURELY else EVENTS // 2):
            event = event_at(events + EVENT_BYTES * (written & (EVENTS - 1)))
            event.frame = np.int32(hosted.pending + heard.frame - context.event_origin)
            event.status, event.data1, event.data2 = heard.status, heard.data1, heard.data2
            event.size = heard.size
            written += 1
            room -= 1
    store_release(header + WRITTEN, written)


def process() -> Any:
    """Compile the ``process`` of hosted instruments."""
    fields = RECORD.fields
    assert fields is not None
    offset = int(fields["context"][1])

    @compiled
    def sing(context: Any, state: Any, hosted: Any, frames: Any) -> Any:
        """The instrument's sound after its effects: the address of two channels."""
        inner_address = hosted.played + offset
        inner = context_at(inner_address)
        inner.position, inner.channels = context.position, 2
        inner.scratch, inner.scratch_bytes = context.scratch, context.scratch_bytes
        inner.events, inner.event_count = context.events, context.event_count
        inner.event_origin = context.event_origin
        second = state.buffers + 8 * inner.stride
        exchange(hosted, state.buffers, inner.stride, frames)
        result = walk(state.rows, state.row_count, inner_address, state.buffers, second, frames)
        state.muted = 0
        for k in range(state.row_count):
            state.muted += row_at(state.rows + ROW_BYTES * k).muted
        return result

    @audio_function(EXCHANGE)
    def process(context: Any, hosted: Any, source: Any, target: Any, frames: Any) -> None:
        state = played_at(hosted.played)
        sound = np.int64(0)
        if hosted.header != 0:
            send_turns(hosted)
            send_events(state, hosted, context)
            sound = sing(context, state, hosted, frames)
        for c in range(2):
            x = channel(source, context.stride, min(c, context.channels - 1), frames)
            y = channel(target, context.stride, c, frames)
            for t in range(frames):
                y[t] = x[t]
            if sound != 0:
                z = channel(sound, context_at(hosted.played + offset).stride, c, frames)
                for t in range(frames):
                    y[t] += z[t]

    return process
