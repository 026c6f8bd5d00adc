"""A process that makes one check of a plugin, as its host sees it: told what to do, watched, ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from . import messages
from .description import legible
from .errors import PluginError
from .hosting import MEMORY_LIMIT
from .worker_process import FLOOD, LOG_KEPT, PAGE

LOOK_S = 0.02
LOAD_S = 10.0
"""That a plugin may take to be loaded, or made ready for another rate."""
HANG_S = 3.0
"""That a plugin may be busy with one block; live it is less, but here other checks run beside it."""
CHECK_S = 60.0
"""That one check may take."""


class LostError(PluginError):
    """The process was lost with the plugin in it; the text says how, and what it was at."""


class CheckProcess:
    """A process of `check_worker`; it has a session of its own and ends with this one, see `tether`.

    Raises
    ------
    PluginError
        where the system has no means for it.
    """

    def __init__(self) -> None:
        if not hasattr(os, "memfd_create"):
            raise PluginError("plugins are hosted on Linux only, so far")
        here, there = socket.socketpair()
        tied, tether = os.pipe()
        self._log = os.memfd_create("tonerig-check-log")
        fcntl.fcntl(self._log, fcntl.F_SETFL, os.O_APPEND)  # what is cut off here is not written after
        command = [sys.executable, "-P", "-m", f"{__package__}.check_worker", str(there.fileno()), str(tied)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(there.fileno(), tied),
                start_new_session=True,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        finally:
            there.close()
            os.close(tied)
        self._socket = here
        self._socket.settimeout(HANG_S)
        self.end = weakref.finalize(self, _end, self._process, here, tether, self._log)

    def check(self, name: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """What comes of one check; nothing in it is to be taken on trust.

        Parameters
        ----------
        name : of the check
        order : the plugin's, see `slot.Slot`, and what else the check has to know

        Raises
        ------
        LostError
        """
        stage, loading = "", True
        begun = heard = monotonic()
        try:
            messages.send(self._socket, {"check": name, "order": order})
            while True:
                if select.select([self._socket], [], [], LOOK_S)[0]:
                    message, _ = messages.receive(self._socket)
                    if "findings" in message:
                        return message
                    heard = monotonic()
                    stage = legible(str(message.get("stage", stage)))
                    loading = message.get("loading") is True
                    continue
                now, patience = monotonic(), LOAD_S if loading else HANG_S
                if now - heard > patience:
                    raise LostError(_at(f"hung for {patience:g} s", stage))
                if now - begun > CHECK_S:
                    raise LostError(_at(f"was not done within {CHECK_S:g} s", stage))
                if self._memory() > MEMORY_LIMIT:
                    raise LostError(_at(f"held more than {MEMORY_LIMIT // 2**20} MB of memory", stage))
                if self._flooded():
                    raise LostError(_at("flooded its output", stage))
        except messages.GoneError:
            raise LostError(_at(self._how_it_ended(), stage)) from None

    def kill(self) -> None:
        """End it, from whichever thread; `end` is to follow."""
        _kill(self._process)

    def _memory(self) -> int:
        """Bytes that it holds in memory; 0 when it has ended."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(Path(f"/proc/{self._process.pid}/statm").read_bytes().split()[1]) * PAGE
        return 0

    def _flooded(self) -> bool:
        """Whether it wrote more than a worker may between two looks."""
        size = os.fstat(self._log).st_size
        if size > LOG_KEPT:
            os.ftruncate(self._log, 0)
        return size > FLOOD

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "does not answer any more"
        if code >= 0:
            return f"ended its process with code {code}"
        if -code == signal.SIGXFSZ:
            return "flooded its output"
        try:
            return f"crashed ({signal.Signals(-code).name})"
        except ValueError:
            return f"crashed (signal {-code})"


def _at(what: str, stage: str) -> str:
    return f"{what} {stage}".strip()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes], end: socket.socket, tether: int, log: int) -> None:
    _kill(process)
    process.wait()
    end.close()
    os.close(tether)
    os.close(log)
