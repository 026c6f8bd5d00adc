"""A process that ends with another one, however that ends.

The parent keeps the write end of a pipe, the child ties itself to the read end: when the last write end
closes, which the system sees to even after SIGKILL, it sends the child SIGKILL. Unlike ``PR_SET_PDEATHSIG``
this does not depend on which thread started the child, and it takes the child's own children along
(fcntl(2): ``F_SETOWN``, ``F_SETSIG``).
"""

from __future__ import annotations

import fcntl
import os
import select
import signal


def tie(descriptor: int) -> None:
    """End this process by SIGKILL when the other end of a pipe closes; at once if it is closed already.

    A process that leads its group takes the group along.

    Parameters
    ----------
    descriptor : the read end, into which nobody writes; stays open from here on
    """
    process = os.getpid()
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, -process if os.getpgrp() == process else process)
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
    watch = select.poll()
    watch.register(descriptor, 0)  # a hang-up is always told
    if watch.poll(0):
        os.kill(process, signal.SIGKILL)
