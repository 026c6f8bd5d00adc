"""The host's end of an exchange: shared memory, the worker at its other end, and what is wrong with it."""

from __future__ import annotations

import ctypes
import mmap
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .child import ENDING_S, LOG_LIMIT
from .errors import PluginError
from .layout import LONGEST_DELAY_S, OFFSETS, capacity_for, shared
from .messages import GoneError
from .worker_process import WorkerProcess, shared_file

START_S = 30.0
"""That a plugin may take to load."""
RELOAD_S = 5.0
"""That it may take at least to be loaded again."""
HANG_S = 0.5
"""That a worker may be busy with one block while it plays live …"""
OFFLINE_HANG_S = 20.0
"""… and offline."""
LOOK_S = 0.02
MEMORY_LIMIT = 2**30
"""Bytes that a worker may hold."""


@dataclass(frozen=True)
class Stream:
    """What a worker is prepared for.

    Parameters
    ----------
    rate : in Hz
    max_block : most frames of one block
    channels : that go in
    period : frames that a device asks for at a time; 0: offline
    """

    rate: float
    max_block: int
    channels: int
    period: int

    @property
    def waits(self) -> bool:
        """Whether a late block is waited for: offline."""
        return self.period == 0

    @property
    def block(self) -> int:
        """Frames that the plugins are prepared for; longer blocks come to them in pieces.

        Some do nothing with shorter ones, such as ZamVerb, so live it is what the device asks for.
        """
        return min(self.period or self.max_block, self.max_block)


@cache
def c_library() -> Any:
    """The C library's semaphores."""
    c = ctypes.CDLL(None, use_errno=True)
    c.sem_init.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint]
    c.sem_post.argtypes = c.sem_wait.argtypes = [ctypes.c_void_p]
    return c


class Hosting:
    """A worker and the memory shared with it.

    Parameters
    ----------
    names : of the plugins, for messages
    orders : of the plugins, in a row, see `slot.Slot`
    stream : what they are prepared for
    worker : one that is already started, or None

    Attributes
    ----------
    outputs : channels that come back
    latency : samples that the plugins add
    values : of each plugin's parameters, as they stood when it was loaded
    notices : sentences about what was not as ordered
    reload_s : that a worker in its place may take to load the plugins
    loading : whether the worker has still to answer its order
    failure : why no sound comes any more, offline; None while it does

    Raises
    ------
    PluginError
        when a plugin cannot be loaded.
    """

    def __init__(
        self,
        names: Sequence[str],
        orders: Sequence[dict[str, Any]],
        stream: Stream,
        worker: WorkerProcess | None = None,
    ) -> None:
        self.name, self.orders, self.stream = ", ".join(names), list(orders), stream
        self.capacity = capacity_for(stream.rate, stream.max_block)
        whole = shared(self.capacity)
        self._file = shared_file(whole.itemsize)
        self.memory = mmap.mmap(self._file, whole.itemsize, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        self.record = np.ndarray((), whole, self.memory)
        self.address = self.record.ctypes.data
        header = self.record["header"]
        words = np.ndarray(header.nbytes // 8, np.int64, self.memory)
        self._words: NDArray[np.int64] = words
        for name in ("wake", "finished"):
            c_library().sem_init(self.address + OFFSETS[name], 1, 0)
        self.failure: str | None = None
        self._progress = (-1, 0.0)
        self.loading = True
        self.worker = worker or WorkerProcess()
        self.finalizer = weakref.finalize(self, _close, self._file, self.worker.finalizer)
        try:
            self.worker.order(self.order_for(late=False), self._file)
            begun = time.monotonic()
            answer = self.worker.answer(START_S)
            self.reload_s = max(RELOAD_S, 4.0 * (time.monotonic() - begun))
            self._understand(answer)
        except GoneError as gone:
            how = self.worker.how_it_ended(ENDING_S)
            self.finalizer()
            why = f"{how} while it was loaded" if how else f"was not loaded within {START_S:g} s: {gone}"
            raise PluginError(f"{self.name} {why}") from None
        except PluginError:
            self.finalizer()
            raise
        self.loading = False
        if self.latency > LONGEST_DELAY_S * stream.rate:
            self.finalizer()
            raise PluginError(
                f"{self.name} delays by {self.latency} samples; {LONGEST_DELAY_S:g} s are possible at most"
            )
        if stream.waits:
            threading.Thread(target=_watch, args=(weakref.ref(self),), daemon=True).start()

    def _understand(self, answer: dict[str, Any]) -> None:
        """Take in what the worker says of the plugins."""
        try:
            self.outputs, self.latency = int(answer["outputs"]), sum(map(int, answer["latency"]))
            self.values: list[list[float]] = [[float(value) for value in each] for each in answer["values"]]
            self.notices: list[str] = [str(notice) for notice in answer["notices"]]
        except (KeyError, TypeError, ValueError, OverflowError):
            raise GoneError("the worker answers nonsense") from None

    def __getitem__(self, name: str) -> int:
        """A word of the shared header."""
        return int(self._words[OFFSETS[name] // 8])

    def __setitem__(self, name: str, value: int) -> None:
        self._words[OFFSETS[name] // 8] = value

    def address_of(self, part: str) -> int:
        """Address of a part of the shared memory."""
        fields = self.record.dtype.fields
        assert fields is not None
        return self.address + int(fields[part][1])

    def order_for(self, *, late: bool) -> dict[str, Any]:
        """The worker's order; ``late``: it takes the place of one that has ended."""
        stream = self.stream
        return {
            "members": self.orders,
            "rate": stream.rate,
            "max_block": stream.block,
            "channels": stream.channels,
            "capacity": self.capacity,
            "waits": stream.waits,
            "memory_limit": MEMORY_LIMIT,
            "log_limit": LOG_LIMIT,
            "late": late,
        }

    def replace(self, worker: WorkerProcess) -> None:
        """Let another worker load the plugins; the last one must have ended.

        Raises
        ------
        GoneError
        """
        self.worker, self.loading = worker, True
        self.finalizer.detach()
        self.finalizer = weakref.finalize(self, _close, self._file, worker.finalizer)
        worker.order(self.order_for(late=True), self._file)

    def trouble(self, now: float) -> str | None:
        """Why the worker has to be given up, in words; None while all is well. To be asked often."""
        ended = self.worker.how_it_ended()
        if ended is not None:
            return ended
        taken = self["taken"]
        if taken != self._progress[0] or self["submitted"] <= taken or self.loading:
            self._progress = (taken, now)
        patience = OFFLINE_HANG_S if self.stream.waits else HANG_S
        if now - self._progress[1] > patience:
            return f"hung for {patience:g} s"
        if self.worker.memory() > MEMORY_LIMIT:
            return f"held more than {MEMORY_LIMIT // 2**20} MB of memory"
        return "flooded its output" if self.worker.flooded() else None

    def request(self, message: dict[str, Any], timeout_s: float = 10.0) -> dict[str, Any]:
        """Ask the worker for something while no block is handed over.

        Raises
        ------
        PluginError
        """
        self["requests"] += 1
        c_library().sem_post(self.address + OFFSETS["wake"])
        return self.worker.ask(message, timeout_s)

    def give_up(self, why: str) -> None:
        """End the worker; whoever waits for a block waits no longer."""
        self.failure = why
        self["gone"] = 1
        self.worker.kill()
        c_library().sem_post(self.address + OFFSETS["finished"])


def _close(file: int, end_worker: Callable[[], object]) -> None:
    end_worker()
    os.close(file)


def _watch(hosting_of: weakref.ref[Hosting]) -> None:
    """Beside an offline stream, whose thread waits for the worker: see that it does not wait for ever."""
    while (hosting := hosting_of()) is not None and hosting.finalizer.alive:
        trouble = hosting.trouble(time.monotonic())
        if trouble is not None:
            hosting.give_up(trouble)
            return
        del hosting
        time.sleep(LOOK_S)
