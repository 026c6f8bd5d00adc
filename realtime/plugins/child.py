"""A process in which plugins are touched, as the host sees it: started, watched, ended.

It has a session of its own, so that Ctrl-C in a terminal does not reach it; it is ended by the system when
the host's end of a pipe, the tether, closes, whichever way the host ends. What it prints goes to a file in
memory that is bounded.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import TypeVar

from . import messages
from .description import legible
from .errors import PluginError

LOG_KEPT = 2**16
"""Bytes of a worker's output that are kept."""
FLOOD = 2**20
"""Bytes of output within a second that end a worker."""
LOG_LIMIT = 2**25
"""Bytes of any file that a worker may write: the system ends one that floods its log while nobody looks."""
ENDING_S = 0.5
"""From the end of a child's connection to its own; core dumps take their time."""
PAGE = os.sysconf("SC_PAGE_SIZE")


def check_system() -> None:
    """Refuse a system that has no means to host plugins.

    Raises
    ------
    PluginError
    """
    if not hasattr(os, "memfd_create"):
        raise PluginError("plugins are hosted on Linux only, so far")


class Child:
    """A process that runs a module of `inside`, with a socket to it.

    Parameters
    ----------
    module : its name; it is given the numbers of its socket and of its tether

    Attributes
    ----------
    socket : this end
    finalizer : ends it; runs by itself when nobody holds the child any more

    Raises
    ------
    PluginError
        where the system has no means for it.
    OSError
        where it has none left: files, processes, memory.
    """

    def __init__(self, module: str) -> None:
        check_system()
        with ExitStack() as theirs, ExitStack() as ours:
            here, there = socket.socketpair()
            tied, tether = os.pipe()
            theirs.callback(there.close)
            theirs.callback(os.close, tied)
            ours.callback(os.close, tether)
            self._log_file = _Log(os.memfd_create("tonerig-worker-log"))
            self._log = self._log_file.number
            ends = (there.fileno(), tied)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.inside.{module}", *map(str, ends)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=ends,
                start_new_session=True,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
            ours.pop_all()  # they stay open
        self.socket = here
        self._kept, self._counted, self._counted_from = 0, 0, time.monotonic()  # bytes of output
        self.finalizer = weakref.finalize(self, _end, self._process, here, tether)

    @property
    def pid(self) -> int:
        return self._process.pid

    def how_it_ended(self, patience_s: float = 0.0) -> str | None:
        """How it ended, in words; None while it runs, as after waiting so long for its end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        code = self._process.poll()
        if code is None:
            return None
        if code == messages.NOT_FINITE:
            return "put out NaN or Inf"
        if code >= 0:
            words = self.last_words() if self.finalizer.alive else ""
            return f"ended by itself with code {code}" + (f" ({words})" if words and code else "")
        number = -code
        if number == getattr(signal, "SIGXFSZ", 0):
            return "flooded its output"
        if number == getattr(signal, "SIGXCPU", 0):
            return "took all of a processor"
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return f"crashed ({name})" if number != signal.SIGKILL else "was killed"

    def memory(self) -> int:
        """Bytes that it holds in memory; 0 when it has ended."""
        try:
            with open(f"/proc/{self.pid}/statm", "rb") as file:  # noqa: PTH123  a look takes 20 us so
                return int(file.read().split()[1]) * PAGE
        except (OSError, IndexError, ValueError):
            return 0

    def flooded(self) -> bool:
        """Whether it wrote more than `FLOOD` within a second; keeps its last words. To be asked often."""
        size, now = os.fstat(self._log).st_size, time.monotonic()
        if now - self._counted_from > 1.0:
            self._counted_from, self._counted = now, 0
        self._counted += size - self._kept
        self._kept = size
        if size > LOG_KEPT:
            kept = os.pread(self._log, LOG_KEPT // 4, size - LOG_KEPT // 4)
            os.ftruncate(self._log, 0)
            os.write(self._log, kept)
            self._kept = len(kept)
        return self._counted > FLOOD

    def log(self) -> str:
        """The end of what it wrote."""
        size = os.fstat(self._log).st_size
        return os.pread(self._log, LOG_KEPT, max(0, size - LOG_KEPT)).decode(errors="replace")

    def last_words(self) -> str:
        """The last line that it wrote, as it can be printed."""
        lines = [line for line in self.log().splitlines() if line.strip()]
        return legible(lines[-1].strip(), 200) if lines else ""

    def stop(self) -> None:
        """Kill it and all that it started, from whichever thread; `kill` is to follow."""
        _kill(self._process)

    def kill(self) -> None:
        """End it, and all that it started, now."""
        self.finalizer()


Kind = TypeVar("Kind", bound=Child)
Result = TypeVar("Result")


class Children:
    """Children at work, so that another thread can end all of them."""

    def __init__(self) -> None:
        self._lock, self._closed, self._present = Lock(), False, set[Child]()

    @contextmanager
    def start(self, kind: Callable[[], Kind]) -> Iterator[Kind]:
        """One more, which is ended with the context.

        Raises
        ------
        PluginError
            when all were ended, or the system has no means for it.
        """
        with self._lock:
            if self._closed:
                raise PluginError("was broken off")
            child = kind()
            self._present.add(child)
        try:
            yield child
        finally:
            with self._lock:
                self._present.discard(child)
            child.kill()

    def close(self) -> None:
        """Kill all of them, and let no more be started."""
        with self._lock:
            self._closed = True
            for child in self._present:
                child.stop()


def side_by_side(jobs: Sequence[Callable[[Children], Result]], at_a_time: int | None) -> Iterator[Result]:
    """What comes of jobs that wait for children, several at a time; the first ready first.

    After Ctrl-C, or when the rest is not asked for, nothing is waited for.
    """
    children = Children()
    with ThreadPoolExecutor(at_a_time) as pool:
        futures = [pool.submit(job, children) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
            children.close()


class _Log:
    """A file in memory, closed when nobody looks into it any more: its number may then mean another file."""

    def __init__(self, number: int) -> None:
        self.number = number
        fcntl.fcntl(self.number, fcntl.F_SETFL, os.O_APPEND)  # what is cut off here is not written after

    def __del__(self) -> None:
        os.close(self.number)


def _end(process: subprocess.Popen[bytes], end: socket.socket, tether: int) -> None:
    _kill(process)
    process.wait()
    end.close()
    os.close(tether)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
