"""A buffer's MIDI events, compiled: from the ring and from the device. Imports numba."""

from __future__ import annotations

from typing import Any

from numba import njit

from ..compiler.memory import copy_bytes, load_acquire, record_at, store_release
from ..midi.events import EVENT
from .layout import ENGINE

event_at = record_at(EVENT)
EVENT_BYTES = EVENT.itemsize


def _field(name: str) -> int:
    assert ENGINE.fields is not None
    return int(ENGINE.fields[name][1])


MIDI_WRITTEN, MIDI_READ = _field("midi_written"), _field("midi_read")


@njit(error_model="numpy", nogil=True)
def gather(address: Any, engine: Any, events: Any, count: Any) -> Any:
    """The buffer's events, address and count: the ring's at its start, then the device's own ``count``.

    Without any in the ring the device's stay where they are, however many; what does not fit waits there.
    """
    read = engine.midi_read
    waiting = min(load_acquire(address + MIDI_WRITTEN) - read, engine.event_capacity - count)
    if waiting <= 0:
        return events, count
    for k in range(waiting):
        place = (read + k) & (engine.midi_capacity - 1)
        copy_bytes(engine.events + EVENT_BYTES * k, engine.midi + EVENT_BYTES * place, EVENT_BYTES)
    store_release(address + MIDI_READ, read + waiting)
    copy_bytes(engine.events + EVENT_BYTES * waiting, events, EVENT_BYTES * count)
    return engine.events, waiting + count


@njit(error_model="numpy", nogil=True)
def due_before(events: Any, count: Any, frame: Any) -> Any:
    """How many of ``count`` sorted events are due before ``frame``."""
    k = 0
    while k < count and event_at(events + EVENT_BYTES * k).frame < frame:
        k += 1
    return k
