"""Play noise into JACK ports of its own: ``python feeder.py CLIENT_NAME``; says ``ready``, ends with stdin.

The tests run it as another process, so that its Python callback stays away from the engine's.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from typing import Any

import numpy as np


def main(name: bytes) -> None:
    """Feed until stdin closes."""
    portaudio = ctypes.CDLL(ctypes.util.find_library("portaudio") or "libportaudio.so.2")
    portaudio.PaJack_SetClientName(name)
    import sounddevice

    random = np.random.default_rng(0)

    def callback(target: Any, frames: int, clock: Any, status: Any) -> None:
        target[:] = 0.1 * random.standard_normal(target.shape)

    device = next(
        d["index"]
        for d in sounddevice.query_devices()
        if sounddevice.query_hostapis(d["hostapi"])["name"].startswith("JACK") and d["max_output_channels"]
    )
    with sounddevice.OutputStream(48000, 64, device, 2, "float32", latency=0, callback=callback):
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1].encode())
