"""``tonerig live`` in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

LIVE = [sys.executable, "-m", "tonerig.realtime.cli", "live"]


def live(*words: object, limit_kb: int | None = None) -> subprocess.CompletedProcess[str]:
    """What it says and how it ends; ``limit_kb`` is the largest file that it may write."""
    command = [*LIVE, *map(str, words)]
    if limit_kb is not None:
        command = ["sh", "-c", f'ulimit -f {2 * limit_kb} && exec "$@"', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)


def wait_for_samples(folder: Path, samples: int) -> None:
    """Until a session has recorded so many more, of all channels of all its takes in a folder."""
    end, last = time.monotonic() + 120, _size(folder) + 4 * samples
    while _size(folder) < last:
        assert time.monotonic() < end, "the session does not go on"
        time.sleep(0.05)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if ".wav" in path.name)
