"""The process in which a plugin is checked.

``python -m tonerig.realtime.plugins.inside.check_worker SOCKET TETHER``. It makes the check that is asked for
on the socket and answers what came of it; before that it says again and again what it is at, so that the host
knows where a plugin crashed and whether it hangs.
"""

from __future__ import annotations

import resource
import socket
import sys
from time import monotonic
from typing import Any

from .. import messages
from ..child import LOG_LIMIT
from ..errors import PluginError
from ..hosting import MEMORY_LIMIT
from . import native
from .check_stand import Report, Stand
from .checks import CHECKS
from .limits import limit
from .tether import tie

LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: LOG_LIMIT,
    resource.RLIMIT_DATA: 2 * MEMORY_LIMIT,
}
ALIVE_S = 0.1
"""Time after which it says again that it is alive."""


class Told:
    """What the host is told while a check goes on."""

    def __init__(self, end: socket.socket) -> None:
        self._end, self._stage, self._last = end, "", 0.0

    def stage(self, stage: str, loading: bool) -> None:
        """At something else now; ``loading``: that may take its time."""
        self._stage, self._last = stage, monotonic()
        messages.send(self._end, {"stage": stage, "loading": loading})

    def alive(self) -> None:
        """Another block is done."""
        if monotonic() - self._last > ALIVE_S:
            self.stage(self._stage, False)


def answer(request: dict[str, Any], told: Told) -> dict[str, Any]:
    """What comes of a check, for JSON."""
    stand = Stand(request["order"], told.stage, told.alive)
    try:
        report = CHECKS[request["check"]](stand)
    except PluginError as error:
        report = Report().fault(str(error))
    except (ValueError, RuntimeError, MemoryError) as error:  # pedalboard's
        report = Report().fault(f"cannot be used {stand.stage}: {native.said(error)}")
    return {"findings": report.rows, "speeds": report.speeds, "carried": report.carried}


def main(end: socket.socket) -> None:
    """Make one check."""
    request, _ = messages.receive(end)
    messages.send(end, answer(request, Told(end)))
    messages.receive(end)  # the host ends this process: a plugin that is taken down may hang or crash


if __name__ == "__main__":
    tie(int(sys.argv[2]))
    limit(LIMITS)
    try:
        main(socket.socket(fileno=int(sys.argv[1])))
    except messages.GoneError:
        sys.exit(0)
