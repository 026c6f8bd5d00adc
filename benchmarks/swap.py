"""How soon after asking a preset is heard: from reading its file to the first sample of the crossfade.

    python benchmarks/swap.py [MODEL]

Runs an engine in a thread at the pace of 64 samples at 48 kHz, and swaps presets whose code is cached.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from pathlib import Path

import numpy as np
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.program import Program
from tonerig.realtime.presets import load_preset, model_preset

RATE, BLOCK, ROUNDS = 48000.0, 64, 10


def main() -> None:
    preset = model_preset(Path(sys.argv[1])) if len(sys.argv) > 1 else load_preset("crunch")
    engine = Engine(Program(preset.build(), RATE, 1024, 1), 1)
    buffers = [np.zeros((1, BLOCK), np.float32) for _ in range(2)]
    pointers = [np.array([buffer.ctypes.data], np.int64) for buffer in buffers]
    stop = threading.Event()

    def play() -> None:
        due = time.perf_counter()
        while not stop.is_set():
            due += BLOCK / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            engine.serve(pointers[0].ctypes.data, pointers[1].ctypes.data, BLOCK)

    threading.Thread(target=play, daemon=True).start()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        engine.publish(Program(preset.build(), RATE, 1024, 1))
        times.append(time.perf_counter() - start)
        engine.wait_until_settled()
        engine.poll()
    stop.set()
    result = {"until_published_ms": statistics.median(times) * 1e3, "worst_ms": max(times) * 1e3}
    print(json.dumps({name: round(value, 1) for name, value in result.items()}, indent=2))


if __name__ == "__main__":
    main()
