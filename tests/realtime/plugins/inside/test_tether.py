"""A process that is tied to another one ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TIED = """
import subprocess, sys, time
from tonerig.realtime.plugins.inside.tether import tie
tie(int(sys.argv[1]))
own = subprocess.Popen(["sleep", "60"])
print(own.pid, flush=True)
time.sleep(60)
"""
HOST = f"""
import os, subprocess, sys, time
tied, tether = os.pipe()
command = [sys.executable, "-c", {TIED!r}, str(tied)]
child = subprocess.Popen(command, pass_fds=(tied,), start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def runs(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(*processes: int) -> bool:
    """Whether all of them end."""
    deadline = time.monotonic() + 50
    while any(map(runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(runs, processes))


def test_ends_with_its_host() -> None:
    """SIGKILL to the host ends the tied child and the child's own child."""
    host = subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    child, grandchild = int(host.stdout.readline()), int(host.stdout.readline())
    assert runs(child) and runs(grandchild)
    host.kill()
    host.wait()
    host.stdout.close()
    assert wait_for_end(child, grandchild)


def test_ends_at_once_when_the_host_is_gone_already() -> None:
    """A child that is tied to a closed pipe does not begin."""
    tied, tether = os.pipe()
    os.close(tether)
    child = subprocess.run(
        [sys.executable, "-c", TIED, str(tied)], pass_fds=(tied,), start_new_session=True, capture_output=True
    )
    os.close(tied)
    assert child.returncode == -signal.SIGKILL and child.stdout == b""
