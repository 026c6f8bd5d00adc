"""Memory that the audio thread shares with a worker process, and what it keeps beside it.

Blocks, turned knobs and notes go through rings whose counters only grow; sound goes through two rings in
which sample ``n`` of the stream stands at place ``n % capacity``. The worker takes each block once, in order.
The semaphores only say that it is worth looking.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..midi.events import EVENT

CHANNELS = 2
BLOCKS, TURNS, EVENTS = 8192, 4096, 4096
"""Places in the rings: powers of two."""
LINE = 64
NEVER = 2**62

BLOCK = np.dtype([("position", "i8"), ("frames", "i8"), ("turns_end", "i8"), ("events_end", "i8")])
"""One block: its first sample's place in the stream, and how far the other rings were filled by then."""
TURN = np.dtype([("index", "i8"), ("value", "f8")])
"""A parameter's new value, in its unit; ``index`` counts through all plugins of the worker."""


def _on_lines(*parts: tuple[str, Any]) -> np.dtype[Any]:
    """A record whose every field starts a cache line of its own: two cores never write the same one."""
    fields: list[tuple[str, Any]] = []
    for number, (name, kind) in enumerate(parts):
        fields.append((name, kind))
        fields.append((f"rest_{number}", f"V{-np.dtype(kind).itemsize % LINE or LINE}"))
    return np.dtype(fields)


HEADER = _on_lines(
    ("wake", "V32"),  # sem_t, posted when a block or a request waits
    ("finished", "V32"),  # sem_t, posted after each block where the other side waits for it
    # audio thread
    ("submitted", "i8"),  # blocks
    ("position", "i8"),  # samples
    ("turns_written", "i8"),
    ("events_written", "i8"),
    # worker
    ("taken", "i8"),  # blocks that are done with
    ("first", "i8"),  # samples from here …
    ("done", "i8"),  # … to here have come out
    ("turns_read", "i8"),
    ("events_read", "i8"),
    ("shortfall", "i8"),  # samples that a plugin owed and gave too late
    # control side
    ("requests", "i8"),  # messages on the worker's socket
    ("gone", "i8"),  # 1: nobody will answer, do not wait
)
"""Words that each have one writer."""

OFFSETS = {name: int(place[1]) for name, place in (HEADER.fields or {}).items()}


def shared(capacity: int) -> np.dtype[Any]:
    """The whole of the shared memory; ``capacity``: samples in a ring of sound, a power of two."""
    return np.dtype(
        [
            ("header", HEADER),
            ("blocks", BLOCK, (BLOCKS,)),
            ("turns", TURN, (TURNS,)),
            ("events", EVENT, (EVENTS,)),
            ("input", "f4", (CHANNELS, capacity)),
            ("output", "f4", (CHANNELS, capacity)),
        ]
    )


LONGEST_DELAY_S = 0.5
"""Most latency that the plugins of one worker may add."""


def capacity_for(rate: float, max_block: int) -> int:
    """Samples in a ring: over a second beside all delays, so that a worker is given up before it is full."""
    return 1 << math.ceil(math.log2((1.0 + LONGEST_DELAY_S) * rate + 4 * max_block))


EXCHANGE = np.dtype(
    [
        # addresses
        ("header", "i8"),  # 0: there is no worker, the row is a wire
        ("blocks", "i8"),
        ("turns", "i8"),
        ("events", "i8"),
        ("input", "i8"),
        ("output", "i8"),
        ("goals", "i8"),  # float32, of the parameters that the worker turns
        ("sent", "i8"),  # float32, what it knows of them
        ("post", "i8"),  # sem_post
        ("wait", "i8"),  # sem_wait
        # fixed
        ("capacity", "i8"),
        ("turn_count", "i8"),
        ("turn_origin", "i8"),  # number of the first of them among all plugins of the worker
        ("member", "i8"),  # not the first of the plugins that share the worker: a wire that sends its knobs
        ("inputs", "i8"),  # channels that the worker hears
        ("outputs", "i8"),  # channels that come back
        ("block", "i8"),  # samples that are handed over together; 0: as they come
        ("period", "i8"),  # samples after which a block is expected back
        ("delay", "i8"),  # samples that the plugins add
        ("waits", "i8"),  # 1: offline, a block that is late is waited for
        ("played", "i8"),  # of an instrument: the record of who plays it
        ("silent", "i8"),  # 1: silence in place of a late block, else the dry sound
        ("fade_step", "f4"),  # share that the returning sound gains a sample
        ("decay", "f4"),  # of the last sample, a sample
        # the audio thread's own
        ("running", "i8"),
        ("pending", "i8"),  # samples in the ring that are still to be handed over
        ("share", "f4"),  # of the worker's sound in what is heard
        ("held", "f4", (CHANNELS,)),  # what is left of the last sample before a gap
        ("last", "f4", (CHANNELS,)),
        ("blocks_due", "i8"),
        ("blocks_late", "i8"),
    ],
    align=True,
)
"""What the audio thread knows of one hosted processor."""

FADE_S = 0.01
"""How long the worker's sound takes to come back after a gap."""
HOLD_S = 0.003
"""Time constant with which the last sample before a gap dies away."""
