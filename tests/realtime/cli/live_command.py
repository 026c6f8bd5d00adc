"""``tonerig live`` in a process of its own."""

from __future__ import annotations

import subprocess
import sys

LIVE = [sys.executable, "-m", "tonerig.realtime.cli", "live"]


def live(*words: object, limit_kb: int | None = None) -> subprocess.CompletedProcess[str]:
    """What it says and how it ends; ``limit_kb`` is the largest file that it may write."""
    command = [*LIVE, *map(str, words)]
    if limit_kb is not None:
        command = ["sh", "-c", f'ulimit -f {2 * limit_kb} && exec "$@"', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
