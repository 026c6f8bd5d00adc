"""A worker as its host sees it: a child that is given its order, and asked."""

from __future__ import annotations

import os
import resource
import select
from typing import Any

from . import messages
from .child import Child
from .errors import PluginError

PROCESSOR_TIME_MS = 400
"""That a worker of real-time priority may take without a pause; then the system ends it."""


class WorkerProcess(Child):
    """A process that hosts plugins; it imports what it needs and waits for its order.

    Raises
    ------
    PluginError
        where the system has no means for it.
    """

    def __init__(self) -> None:
        try:
            super().__init__("worker")
        except OSError as error:
            raise PluginError(f"no process can be started for a plugin: {error.strerror}") from None
        self._ready = False

    def order(self, order: dict[str, Any], file: int) -> None:
        """Give it its order and the shared memory; `answer` says what came of it.

        Raises
        ------
        GoneError
        """
        messages.send(self.socket, order, [file])

    def answer_so_far(self) -> dict[str, Any] | None:
        """Its answer to the order, or None if it has not come yet.

        Raises
        ------
        PluginError
            see `answer`
        """
        while select.select([self.socket], [], [], 0)[0]:
            if self._ready:
                return self.ask(None, 1.0)
            self.ask(None, 1.0)
            self._ready = True
        return None

    def answer(self, timeout_s: float) -> dict[str, Any]:
        """Its answer to the order.

        Raises
        ------
        PluginError
            what is wrong with the plugin; `GoneError`, when the worker ended or does not answer in time.
        """
        if not self._ready:
            self.ask(None, timeout_s)
            self._ready = True
        return self.ask(None, timeout_s)

    def ask(self, request: dict[str, Any] | None, timeout_s: float) -> dict[str, Any]:
        """Send a request, unless it is None, and wait for the next answer.

        Raises
        ------
        PluginError
        """
        try:
            self.socket.settimeout(timeout_s)
        except OSError:
            raise messages.GoneError("the worker has ended") from None
        if request is not None:
            messages.send(self.socket, request)
        message, _ = messages.receive(self.socket)
        if "error" in message:
            raise PluginError(str(message["error"])[:1000])
        return message

    def raise_priority(self, priority: int) -> bool:
        """Give it real-time priority, and an end to it if it takes a whole processor; False if refused."""
        limit = 1000 * PROCESSOR_TIME_MS
        try:
            resource.prlimit(self.pid, resource.RLIMIT_RTTIME, (limit, 2 * limit))
            os.sched_setscheduler(self.pid, os.SCHED_FIFO, os.sched_param(priority))
        except OSError:
            return False
        return True


def shared_file(size: int) -> int:
    """A file in memory of that many bytes, without a name: it goes with the last process that holds it.

    Raises
    ------
    PluginError
        The system refuses it.
    """
    try:
        file = os.memfd_create("tonerig-exchange")
        try:
            os.ftruncate(file, size)
        except OSError:
            os.close(file)
            raise
    except OSError as error:
        raise PluginError(f"no memory can be shared with a plugin: {error.strerror}") from None
    return file
