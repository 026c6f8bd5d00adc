"""A worker: a process of its own that hosts the plugins of one exchange.

``python -m tonerig.realtime.plugins.inside.worker SOCKET TETHER``. It imports what it needs, waits for its
order on the socket, loads the plugins, and then takes block after block from shared memory, see `layout`. It
dies with the process that holds the other end of the tether.
"""

from __future__ import annotations

import base64
import ctypes
import gc
import mmap
import os
import resource
import signal
import socket
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import messages
from ..errors import PluginError
from ..layout import BLOCK, BLOCKS, EVENTS, NEVER, OFFSETS, TURNS, shared
from .limits import limit
from .tether import tie

WORD = 8
LOOKS = 200
"""Times that it looks for the next block before it sleeps, offline."""


class Exchange:
    """The worker's end of the shared memory.

    Parameters
    ----------
    memory : the mapped file
    capacity : samples in a ring of sound
    waits : whether the other side waits for each block
    """

    def __init__(self, memory: mmap.mmap, capacity: int, waits: bool) -> None:
        whole = np.ndarray((), shared(capacity), memory)
        self.capacity, self.waits = capacity, waits
        self.input: NDArray[np.float32] = whole["input"]
        self.output: NDArray[np.float32] = whole["output"]
        fields = whole.dtype.fields
        assert fields is not None
        start = fields["blocks"][1] // WORD
        words = memoryview(memory)[: len(memory) // WORD * WORD].cast("q")
        self._words = words
        self._blocks = words[start : start + BLOCKS * BLOCK.itemsize // WORD]
        self._turns, self._events = whole["turns"], whole["events"]
        self._place = {name: offset // WORD for name, offset in OFFSETS.items()}
        base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        c = ctypes.CDLL(None, use_errno=True)
        self._wait, self._post = c.sem_wait, c.sem_post
        self._wait.argtypes = self._post.argtypes = [ctypes.c_void_p]
        self._wake, self._finished = base + OFFSETS["wake"], base + OFFSETS["finished"]

    def __getitem__(self, name: str) -> int:
        return self._words[self._place[name]]

    def __setitem__(self, name: str, value: int) -> None:
        self._words[self._place[name]] = value

    def sleep(self) -> None:
        """Until there is something to look at."""
        self._wait(self._wake)

    def block(self, number: int) -> tuple[int, int, int, int]:
        """Position, frames, and ends of the turns and the events of a block."""
        place = 4 * (number & (BLOCKS - 1))
        position, frames, turns, events = self._blocks[place : place + 4]
        return position, frames, turns, events

    def turns(self, end: int) -> list[tuple[int, float]]:
        """What was turned until ``end``, since the last call."""
        start = self["turns_read"]
        turned = [tuple(self._turns[k & (TURNS - 1)].tolist()) for k in range(start, end)]
        self["turns_read"] = end
        return turned

    def events(self, end: int, frames: int) -> list[tuple[int, bytes]]:
        """The notes until ``end``, since the last call: frame in the block, message.

        Those of blocks that found no room are among them, in the order in which they came.
        """
        heard, place = [], 0
        for k in range(self["events_read"], end):
            frame, status, a, b, size = self._events[k & (EVENTS - 1)].tolist()
            place = min(max(place, frame), frames - 1)
            heard.append((place, bytes((status, a, b)[:size])))
        self["events_read"] = end
        return heard

    def read(self, position: int, frames: int, channels: int) -> NDArray[np.float32]:
        """Samples of the input, shape (channels, frames)."""
        start = position & (self.capacity - 1)
        count = self.capacity - start
        if frames <= count:
            return np.ascontiguousarray(self.input[:channels, start : start + frames])
        parts = self.input[:channels, start:], self.input[:channels, : frames - count]
        return np.concatenate(parts, axis=1)

    def write(self, position: int, sound: NDArray[np.float32]) -> None:
        """Samples of the output, shape (channels, frames), and that they are there."""
        channels, frames = sound.shape
        start = position & (self.capacity - 1)
        count = self.capacity - start
        if frames <= count:
            self.output[:channels, start : start + frames] = sound
        else:
            self.output[:channels, start:] = sound[:, :count]
            self.output[:channels, : frames - count] = sound[:, count:]

    def finish(self, taken: int, done: int) -> None:
        """A block is done with; the samples were written before."""
        self["done"], self["taken"] = done, taken
        if self.waits:
            self._post(self._finished)


class Worker:
    """The plugins of one exchange, in a row.

    Parameters
    ----------
    order : ``members`` (orders of `slot.Slot`), ``rate``, ``max_block``, ``channels``, ``capacity``,
        ``waits``, ``memory_limit`` and ``log_limit`` (bytes), ``late`` (whether it takes the place of one
        that has ended)
    file : the shared memory
    """

    def __init__(self, order: dict[str, Any], file: int) -> None:
        from .slot import Slot

        self.slots = [Slot(member) for member in order["members"]]
        channels = self.channels = int(order["channels"])
        for slot in self.slots:
            slot.prepare(order["rate"], order["max_block"], channels)
            channels = slot.outputs
        self.outputs = channels
        self._places = [
            (slot, index) for slot in self.slots for index in range(len(slot.values()))
        ]  # of a turn's index
        memory = mmap.mmap(file, 0, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        self.exchange = Exchange(memory, order["capacity"], order["waits"])
        os.close(file)
        self._requests = self.exchange["requests"]  # those before were another worker's
        self._late_joiner = False

    @property
    def latency(self) -> int:
        return sum(slot.latency for slot in self.slots)

    def answer(self) -> dict[str, Any]:
        """What the host wants to know of the loaded plugins."""
        return {
            "outputs": self.outputs,
            "latency": [slot.latency for slot in self.slots],
            "values": [slot.values() for slot in self.slots],
            "notices": [notice for slot in self.slots for notice in slot.notices],
        }

    def join(self) -> None:
        """Take the blocks that come from now on, in the place of a worker that has ended."""
        exchange = self.exchange
        exchange["first"] = NEVER
        taken = exchange["submitted"]
        exchange["turns_read"], exchange["events_read"] = (
            exchange["turns_written"],
            exchange["events_written"],
        )
        exchange["taken"] = taken
        self._late_joiner = True

    def run(self, connection: socket.socket) -> None:
        """Serve until the host goes away."""
        gc.collect()
        gc.freeze()
        gc.disable()
        exchange = self.exchange
        taken, requests = exchange["taken"], self._requests
        looks = LOOKS if exchange.waits else 1
        while True:
            for _ in range(looks):
                if exchange["submitted"] > taken:
                    break
            else:
                if exchange["requests"] != requests:
                    requests += 1
                    self._obey(connection)
                    taken = exchange["taken"]
                else:
                    exchange.sleep()
                continue
            self._serve(taken)
            taken += 1

    def _serve(self, number: int) -> None:
        exchange = self.exchange
        position, frames, turns_end, events_end = exchange.block(number)
        if exchange["position"] - position > exchange.capacity:  # overwritten: it came much too late
            exchange.finish(number + 1, exchange["done"])
            return
        if position != exchange["done"]:  # there is a gap before it
            exchange["first"] = NEVER
            self._late_joiner = True
        if turns_end != exchange["turns_read"]:
            for index, value in exchange.turns(turns_end):
                slot, inner = self._places[index]
                slot.turn(inner, value)
        events = exchange.events(events_end, frames) if events_end != exchange["events_read"] else ()
        sound = exchange.read(position, frames, self.channels)
        for slot in self.slots:
            sound = slot.process(sound, events)
        if not exchange.waits and not np.isfinite(sound).all():  # offline, whoever plays it mutes it
            os._exit(messages.NOT_FINITE)
        exchange.write(position, sound)
        if self._late_joiner:
            exchange["first"] = position + self.latency
            self._late_joiner = False
        exchange["shortfall"] = sum([slot.shortfall for slot in self.slots])
        exchange.finish(number + 1, position + frames)

    def _obey(self, connection: socket.socket) -> None:
        request, _ = messages.receive(connection)
        exchange = self.exchange
        if request["request"] == "reset":
            for slot, values in zip(self.slots, request["values"], strict=True):
                slot.reset()
                for index, value in enumerate(values):
                    slot.turn(index, value)
            for name in ("submitted", "position", "taken", "first", "done"):
                exchange[name] = 0
            for ring in ("turns", "events"):
                exchange[f"{ring}_read"] = exchange[f"{ring}_written"] = 0
            messages.send(connection, {"reset": True})
        elif request["request"] == "state":
            states = [slot.raw_state for slot in self.slots]
            texts = [None if state is None else base64.b64encode(state).decode() for state in states]
            messages.send(connection, {"raw_states": texts, "values": [slot.values() for slot in self.slots]})


def _limit(memory: int, log: int) -> None:
    """More than what the host allows: for the moments in which it does not look."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
    limit({resource.RLIMIT_DATA: 2 * memory, resource.RLIMIT_FSIZE: log})


def main(connection: socket.socket) -> None:
    """Load what the host orders, and serve it."""
    import pedalboard  # noqa: F401  before the order comes: a spare worker is at once ready for it

    messages.send(connection, {"ready": True})
    order, files = messages.receive(connection)
    _limit(order["memory_limit"], order["log_limit"])
    try:
        worker = Worker(order, files[0])
    except PluginError as error:
        messages.send(connection, {"error": str(error)})
        return
    messages.send(connection, worker.answer())
    if order["late"]:
        worker.join()
    worker.run(connection)


if __name__ == "__main__":
    tie(int(sys.argv[2]))
    try:
        main(socket.socket(fileno=int(sys.argv[1])))
    except messages.GoneError:
        sys.exit(0)
