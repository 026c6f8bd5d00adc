"""Memory of the playing process over an hour of blocks, run offline as fast as they go.

python benchmarks/memory.py MODEL [HOURS]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.devices import devices
from tonerig.realtime.engine.program import Program
from tonerig.realtime.presets import model_preset

RATE, BLOCK = 48000.0, 64


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def main() -> None:
    hours = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    devices()  # PortAudio in memory, as in a live session
    engine = Engine(Program(model_preset(Path(sys.argv[1])).build(), RATE, 1024, 1), 2)
    source = (0.1 * np.random.default_rng(0).standard_normal((1, BLOCK))).astype(np.float32)
    target = np.zeros((2, BLOCK), np.float32)
    ins = np.array([source.ctypes.data], np.int64)
    outs = np.array([target.ctypes.data, target.ctypes.data + 4 * BLOCK], np.int64)
    blocks = int(hours * 3600 * RATE / BLOCK)
    sizes = []
    for k in range(blocks):
        engine.serve(ins.ctypes.data, outs.ctypes.data, BLOCK)
        if k % 20 == 0:
            engine.poll()
        if k % (blocks // 10) == 1000:
            sizes.append(round(resident_mb(), 1))
    print(json.dumps({"blocks": blocks, "resident_mb": sizes}, indent=2))


if __name__ == "__main__":
    main()
