"""Whether blocks are lost while 32 voices play live and two Python threads are busy, on JACK's dummy clock.

    python benchmarks/keyboard.py [SECONDS]

Beside it, on the same machine at the same time, runs a yardstick: a process of real-time priority that
does nothing but wake up once a block, and counts how often it was woken a block or more too late. What the
yardstick loses no audio thread can keep. Needs ``jackd``; run it alone on the machine, and as root or with
real-time priority granted.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time

from tonerig.realtime.bench.gil import FRAMES, RATE, busy_threads
from tonerig.realtime.bench.server import dummy_server
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.devices import choose
from tonerig.realtime.engine.program import Program, compile_chain
from tonerig.realtime.engine.stream import open_stream
from tonerig.realtime.synths.four import FourOscillators

VOICES = 32
PRIORITY = 71  # one above the server's: nothing of ours keeps the yardstick waiting
VALUES = {
    **{f"{wave}_amplitude": 0.3 for wave in ("sine", "saw", "triangle", "square")},
    **{f"{wave}_depth_hz": 12.0 for wave in ("sine", "saw", "triangle", "square")},
    "volume_db": -30.0,
}


def play(seconds: float) -> dict[str, float]:
    """Hold 32 notes; what was served, what is missing, and the load."""
    chain = [FourOscillators(VALUES)]
    compile_chain(chain)
    with dummy_server(FRAMES, RATE):
        engine = Engine(Program(chain, RATE, FRAMES, 1), 2, block=FRAMES, route=(-1,))
        target = choose(None, "output")
        stream = open_stream(target, target, RATE, FRAMES, 0, 2)
        stream.start(engine)
        engine.send([bytes([0x90, 36 + key, 100]) for key in range(VOICES)])
        try:
            with busy_threads():
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    time.sleep(0.1)
                    engine.poll()
        finally:
            sounding = int(chain[0].state.record["sounding"])
            stream.close()
        engine.poll()
    s = engine.statistics
    return {
        "voices": sounding,
        "due": s.due,
        "served": s.served,
        "missing": s.missing,
        "xruns": s.xruns,
        "load_p50": s.percentile(50),
        "load_p99": s.percentile(99),
        "load_max": round(s.largest_load, 4),
    }


def yardstick(seconds: float) -> int:
    """Wake up once a block for so long; how often a block or more too late."""
    libc = ctypes.CDLL(None)
    sleep, clock = libc.clock_nanosleep, libc.clock_gettime
    sleep.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    clock.argtypes = [ctypes.c_int, ctypes.c_void_p]
    words = (ctypes.c_int64 * 4)()
    due_at, now_at = ctypes.addressof(words), ctypes.addressof(words) + 16

    period = round(FRAMES / RATE * 1e9)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    clock(1, now_at)
    due = words[2] * 10**9 + words[3]
    late = 0
    for _ in range(round(seconds * RATE / FRAMES)):
        due += period
        words[0], words[1] = divmod(due, 10**9)
        sleep(1, 1, due_at, None)
        clock(1, now_at)
        behind = words[2] * 10**9 + words[3] - due
        if behind > period:
            late += 1
            due += behind // period * period
    return late


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[2] == "yardstick":
        print(yardstick(float(sys.argv[1])))
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    other = subprocess.Popen([sys.executable, __file__, str(seconds), "yardstick"], stdout=subprocess.PIPE)
    result = play(seconds)
    words, _ = other.communicate()
    print(json.dumps({"seconds": seconds, **result, "yardstick_late": int(words or -1)}, indent=2))


if __name__ == "__main__":
    main()
