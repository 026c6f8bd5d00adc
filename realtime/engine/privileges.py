"""What the system grants an audio process: memory that is never swapped out, and priority."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
ADVICE = "'tonerig doctor' says how to change that"


def lock_memory() -> str | None:
    """Keep the process in memory, now and later; a sentence where the system does not allow that.

    With a limit nothing is locked as a whole, since memory asked for later would be refused at the limit.
    Pages are locked as they are touched, so that what is merely reserved takes none.
    """
    if sys.platform != "linux":
        return None
    import resource

    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    if not unlimited and os.geteuid() != 0:
        return f"memory is not locked, so that the sound may break up when the machine swaps; {ADVICE}"
    if ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0:
        return f"the system refused to lock the memory; {ADVICE}"
    return None


def audio_priority() -> int | None:
    """The highest real-time priority of this process's threads, the audio thread's while a stream runs."""
    if sys.platform != "linux":
        return None
    found = []
    for thread in Path("/proc/self/task").iterdir():
        try:
            policy = os.sched_getscheduler(int(thread.name)) & ~os.SCHED_RESET_ON_FORK
            if policy in (os.SCHED_FIFO, os.SCHED_RR):
                found.append(os.sched_getparam(int(thread.name)).sched_priority)
        except OSError:
            continue  # it has ended
    return max(found, default=None)


def missing_priority() -> str | None:
    """A sentence when no thread of this process has real-time priority. Ask while a stream runs."""
    if sys.platform != "linux" or audio_priority() is not None:
        return None
    return (
        "the audio thread has no real-time priority, so that blocks may be lost on a busy machine; " + ADVICE
    )
