"""What hosting a plugin costs, live and offline, and what is lost when its worker is killed.

    python benchmarks/plugins.py cost       on the audio side, a block of 64 frames
    python benchmarks/plugins.py offline    our speed beside pedalboard called directly, at several blocks
    python benchmarks/plugins.py live [SECONDS]
    python benchmarks/plugins.py kill [SECONDS] [KILLS]

``live`` plays gate, A1 standard, ZamComp and cabinet on JACK's dummy clock with two busy Python threads
beside, and ``kill`` does that while the worker is killed again and again under a sine, and looks for steps in
the recording. The yardstick beside both is a process that does nothing but wake up once a block, see
``keyboard.py``. Needs ``jackd`` and Debian's ``zam-plugins``; run it alone on the machine, as root or with
real-time priority granted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tonerig.realtime.audio_files import AudioReader
from tonerig.realtime.bench.gil import FRAMES, RATE, amp_chain, busy_threads
from tonerig.realtime.bench.server import dummy_server
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.links import Link
from tonerig.realtime.live import Session, Setup
from tonerig.realtime.plugins.hosted import Hosted
from tonerig.realtime.plugins.supervisor import BELOW
from tonerig.realtime.processors import processor_class
from tonerig.realtime.processors.player import Player
from tonerig.realtime.processors.processor import Processor

COMPRESSOR = {"threshold_db": -30.0, "ratio": 4.0}
BLOCKS = (64, 512, 4096)
OFFLINE_S = 30.0
ROUNDS = 5
SINE_HZ, LEVEL = 250, 0.5
AUDIO_PRIORITY = 65  # what JACK gives its clients' threads


def plugin(name: str, values: dict[str, float] | None = None) -> Hosted:
    """A hosted plugin of that name."""
    made = Link("plugin", values or {}, texts={"plugin": name}).build()
    assert isinstance(made, Hosted)
    return made


def cost(blocks: int = 4000) -> dict[str, float]:
    """Microseconds that a hosted plugin adds to a block, paced as a device paces it."""
    noise = (0.05 * np.random.default_rng(0).standard_normal((1, FRAMES))).astype(np.float32)
    runners = [
        Runner(Program(chain, RATE, FRAMES, 1, period=FRAMES))
        for chain in ([processor_class("gain")()], [processor_class("gain")(), plugin("ZamComp", COMPRESSOR)])
    ]
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(AUDIO_PRIORITY))
    hosted = runners[1].program.chain[1]
    assert isinstance(hosted, Hosted) and hosted.hosting is not None
    hosted.hosting.worker.raise_priority(AUDIO_PRIORITY - BELOW)
    times = np.zeros((2, blocks))
    due = time.perf_counter()
    for k in range(blocks):
        for which, runner in enumerate(runners):
            due += FRAMES / RATE
            while time.perf_counter() < due:
                time.sleep(0.0002)
            start = time.perf_counter()
            runner.process(noise)
            times[which, k] = 1e6 * (time.perf_counter() - start)
    median, most = (np.percentile(times[1], q) - np.percentile(times[0], q) for q in (50, 99))
    return {
        "exchange_us": round(float(median), 2),
        "exchange_us_99": round(float(most), 2),
        "late": hosted.blocks[1],
        "blocks": hosted.blocks[0],
    }


def offline() -> dict[str, dict[str, float]]:
    """For each block size: times real time of ours and of pedalboard, in turn, the best of several rounds."""
    import pedalboard

    noise = (0.05 * np.random.default_rng(0).standard_normal((1, round(OFFLINE_S * RATE)))).astype(np.float32)
    direct = pedalboard.load_plugin("/usr/lib/vst3/ZamComp.vst3")
    for name, value in COMPRESSOR.items():
        setattr(direct, name, value)
    results = {}
    for block in BLOCKS:
        program = Program([plugin("ZamComp", COMPRESSOR)], RATE, block, 1)
        runner = Runner(program)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            program.reset()
            start = time.perf_counter()
            for first in range(0, noise.shape[1], block):
                runner.process(noise[:, first : first + block])
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            for first in range(0, noise.shape[1], block):
                direct(noise[:, first : first + block], RATE, block, reset=False)
            theirs.append(time.perf_counter() - start)
        results[str(block)] = {
            "ours": round(OFFLINE_S / min(ours), 1),
            "pedalboard": round(OFFLINE_S / min(theirs), 1),
            "ratio": round(min(theirs) / min(ours), 3),
        }
    return results


def amp() -> list[Processor]:
    """Gate, amp, compressor in a worker, cabinet."""
    gate, neural, cabinet = amp_chain()
    return [gate, neural, plugin("ZamComp", COMPRESSOR), cabinet]


def sine() -> list[Processor]:
    """A sine of `SINE_HZ` through a compressor in a worker that leaves it as it is."""
    signal = LEVEL * np.sin(2 * np.pi * SINE_HZ / RATE * np.arange(round(RATE / SINE_HZ)))
    return [Player(signal.astype(np.float32)), plugin("ZamComp", {"threshold_db": 0.0})]


def largest_step(path: Path) -> float:
    """Of a recording, between one sample and the next, as a part of the sine's own."""
    with AudioReader(path) as reader:
        sound = np.concatenate([block.copy() for block in reader.blocks()], axis=1)
    own = LEVEL * 2 * np.pi * SINE_HZ / RATE
    return float(np.max(np.abs(np.diff(sound[0, RATE // 10 :]))) / own)


def live(
    chain: Callable[[], list[Processor]], seconds: float, kills: int = 0, record: Path | None = None
) -> dict[str, Any]:
    """Play for so long, kill the worker so often; what was served, and what the worker missed."""
    said: list[str] = []
    setup = Setup(RATE, FRAMES, plugin_restarts=None, record=record, record_what="wet")
    with dummy_server(FRAMES, RATE), busy_threads(0 if kills else 2):
        session = Session(chain, setup, said.append)
        begin = time.monotonic()
        killed = 0
        while (now := time.monotonic() - begin) < seconds:
            session.step()
            if killed < kills and now > (killed + 0.5) * seconds / kills:
                killed += 1
                hosted = next(part for part in session.engine.playing.chain if isinstance(part, Hosted))
                assert hosted.hosting is not None
                os.kill(hosted.hosting.worker.pid, signal.SIGKILL)
            time.sleep(0.02)
        report = session.close().as_dict()
    kept = ("callbacks_due", "callbacks_served", "missing", "xruns", "load_p50", "load_p99", "plugins")
    back = [float(words.split(" after ")[1].split(" s")[0]) for words in said if " is back after " in words]
    return {**{name: report[name] for name in kept}, "slowest_return_s": max(back, default=0.0)}


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "cost"
    if what in ("cost", "offline"):
        print(json.dumps(cost() if what == "cost" else offline(), indent=2))
        return
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else round(seconds / 6)
    yardstick = [sys.executable, str(Path(__file__).with_name("keyboard.py")), str(seconds), "yardstick"]
    other = subprocess.Popen(yardstick, stdout=subprocess.PIPE)
    if what == "live":
        result = live(amp, seconds)
    else:
        with tempfile.TemporaryDirectory() as folder:
            take = Path(folder) / "take.wav"
            result = live(sine, seconds, kills, take)
            result["largest_step_of_the_sines_own"] = round(largest_step(take), 3)
    words, _ = other.communicate()
    print(json.dumps({"seconds": seconds, **result, "yardstick_late": int(words or -1)}, indent=2))


if __name__ == "__main__":
    main()
