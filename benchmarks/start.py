"""How long the command line takes to start, and to the first rendered sample.

python benchmarks/start.py
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tonerig.realtime.wav_writer import write_wav

ROUNDS = 7


def seconds(*words: str) -> float:
    """Median wall time of a command."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tonerig.realtime.cli", *words], check=True, capture_output=True
        )
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = write_wav(Path(folder) / "in.wav", np.zeros((1, 480), np.float32) + 0.1, 48000)
        target = Path(folder) / "out.wav"
        render = ["render", str(source), "-o", str(target), "--preset", "crunch"]
        seconds(*render)  # compiles what is not in the cache yet
        result = {"help_s": seconds("--help"), "render_of_10_ms_s": seconds(*render)}
    print(json.dumps({name: round(value, 3) for name, value in result.items()}, indent=2))


if __name__ == "__main__":
    main()
