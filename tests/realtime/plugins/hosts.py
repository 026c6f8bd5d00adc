"""Hosted plugins for tests, by their orders, and what it takes to play them without a device."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.parameters import Parameter
from tonerig.realtime.plugins.hosted import HOSTING, Hosted
from tonerig.realtime.plugins.instrument import HostedInstrument
from tonerig.realtime.processors.processor import Processor

Signal = NDArray[np.float32]
RATE = 48000.0
PERIOD = 64
MAX_BLOCK = 512
MADE = Path(__file__).resolve().parents[3] / "build" / "plugins"
"""Where the fixture ``test_plugins`` leaves its bundles."""
ZAM = Path("/usr/lib/vst3")

needs_zam = pytest.mark.skipif(
    not (ZAM / "ZamComp.vst3").exists(), reason="zam-plugins is not installed: apt install zam-plugins"
)
needs_made = pytest.mark.usefixtures("test_plugins")


class Ordered(Hosted):
    """A VST3 effect whose parameters stand here with their places."""

    description = "for tests"
    bundle: ClassVar[Path]
    places: ClassVar[Mapping[str, int]] = {}

    def __init__(self, values: Mapping[str, object] | None = None, raw_state: str | None = None) -> None:
        super().__init__(values)
        self.raw_state = raw_state

    def order(self) -> dict[str, Any]:
        return {
            "kind": "vst3",
            "path": str(self.bundle),
            "name": None,
            "instrument": False,
            "parameters": [{"name": name, "index": index} for name, index in self.places.items()],
            "values": {name: self.values[name] for name in self.places if name in self.stated},
            "raw_state": self.raw_state,
            "vstpreset": None,
        }


MODES = ["fine", "crash", "abort", "hang", "sleep", "leak", "flood", "nan", "slow", "quiet", "exit", "fork"]


class Trouble(Ordered):
    """See ``tests/plugins/trouble.cpp``."""

    name = "trouble"
    bundle = MADE / "Trouble.vst3"
    parameters = (
        Parameter("gain_db", -60.0, 20.0, 0.0, "dB"),
        Parameter.switch("mode", *MODES, default="fine"),
        Parameter("late_by", 0.0, 4000.0, 0.0),
        Parameter("says_late_by", 0.0, 4000.0, 0.0),
        Parameter.switch("voicing", "clean", "warm", "hard", default="clean"),
        Parameter.switch("bright", "off", "on", default="off"),
        Parameter.switch("learn", "off", "on", default="off"),
        *HOSTING,
    )
    places: ClassVar[Mapping[str, int]] = {
        name: 1 + k
        for k, name in enumerate(("gain_db", "mode", "late_by", "says_late_by", "voicing", "bright", "learn"))
    }


class TroubleMono(Trouble):
    """The same with one channel."""

    bundle = MADE / "TroubleMono.vst3"


class ZamComp(Ordered):
    """A mono compressor."""

    name = "zam_comp"
    bundle = ZAM / "ZamComp.vst3"
    parameters = (
        Parameter("ratio", 1.0, 20.0, 4.0),
        Parameter("threshold_db", -80.0, 0.0, 0.0, "dB"),
        Parameter("makeup_db", 0.0, 30.0, 0.0, "dB"),
        *HOSTING,
    )
    places: ClassVar[Mapping[str, int]] = {"ratio": 6, "threshold_db": 7, "makeup_db": 8}


class ZaMaximX2(Ordered):
    """A stereo limiter that looks 480 samples ahead."""

    name = "zamaxim_x2"
    bundle = ZAM / "ZaMaximX2.vst3"
    parameters = (Parameter("threshold_db", -30.0, 0.0, 0.0, "dB"), *HOSTING)
    places: ClassVar[Mapping[str, int]] = {"threshold_db": 6}


class ZamVerb(Ordered):
    """A stereo reverb that is a wire for blocks of another length than it was prepared for."""

    name = "zam_verb"
    bundle = ZAM / "ZamVerb.vst3"
    parameters = (Parameter("wet_dry", 0.0, 100.0, 50.0, "%"), *HOSTING)
    places: ClassVar[Mapping[str, int]] = {"wet_dry": 4}


class ZamTube(Ordered):
    """A mono tube stage."""

    name = "zam_tube"
    bundle = ZAM / "ZamTube.vst3"
    parameters = (Parameter("tube_drive", 0.1, 11.0, 0.1), *HOSTING)
    places: ClassVar[Mapping[str, int]] = {"tube_drive": 3}


class Pipe(HostedInstrument):
    """See ``tests/plugins/pipe.cpp``."""

    name = "pipe"
    description = "for tests"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("volume_db", -60.0, 20.0, 0.0, "dB"),)

    def order(self) -> dict[str, Any]:
        return {
            "kind": "vst3",
            "path": str(MADE / "Pipe.vst3"),
            "name": None,
            "instrument": True,
            "parameters": [{"name": "volume_db", "index": 2081}],
            "values": {"volume_db": self.values["volume_db"]} if "volume_db" in self.stated else {},
            "raw_state": None,
            "vstpreset": None,
        }


def noise(channels: int, frames: int, level: float = 0.2, seed: int = 1) -> Signal:
    """White noise, shape (channels, frames)."""
    return np.random.default_rng(seed).normal(0, level, (channels, frames)).astype(np.float32)


def offline(*chain: Processor, inputs: int = 1, max_block: int = MAX_BLOCK) -> Program:
    """A program that waits for its plugins."""
    return Program(chain, RATE, max_block, inputs)


def live(*chain: Processor, inputs: int = 1, period: int = PERIOD) -> Program:
    """A program that does not wait for its plugins."""
    return Program(chain, RATE, MAX_BLOCK, inputs, period=period)


def in_pieces(signal: Signal, *sizes: int) -> list[Signal]:
    """A signal cut into blocks of the given sizes in turn."""
    parts, start, turn = [], 0, cycle(sizes)
    while start < signal.shape[1]:
        parts.append(signal[:, start : start + next(turn)])
        start += parts[-1].shape[1]
    return parts


def rendered(program: Program, signal: Signal, *sizes: int) -> Signal:
    """The offline output in the place where it belongs: shifted back by the program's latency."""
    runner = Runner(program)
    padded = np.pad(signal, ((0, 0), (0, program.latency)))
    parts = [runner.process(part) for part in in_pieces(padded, *(sizes or (padded.shape[1],)))]
    return np.concatenate(parts, axis=1)[:, program.latency :]


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.001)


def caught_up(hosted: Hosted) -> bool:
    """Whether the worker has done with all blocks that it was given."""
    assert hosted.hosting is not None
    return hosted.hosting["taken"] == hosted.hosting["submitted"]


class Live:
    """A live program as a device would play it, at leisure: its worker has all the time it takes.

    Parameters
    ----------
    program : with a period
    hosted : those whose workers are waited for after each block; the others are not
    """

    def __init__(self, program: Program, *hosted: Hosted) -> None:
        self.runner, self.hosted = Runner(program), hosted

    def play(self, signal: Signal, events: NDArray[np.void] | None = None, *, wait: bool = True) -> Signal:
        """The output for whole periods; where ``wait`` is false the worker is not waited for."""
        parts = []
        for k, part in enumerate(in_pieces(signal, PERIOD)):
            due = None
            if events is not None:
                frames = events["frame"]
                due = events[(frames >= k * PERIOD) & (frames < (k + 1) * PERIOD)].copy()
                due["frame"] -= k * PERIOD
            parts.append(self.runner.process(part, due))
            if wait:
                wait_until(lambda: all(map(caught_up, self.hosted)))
        return np.concatenate(parts, axis=1)


def pid_of(hosted: Hosted) -> int:
    """The worker's process."""
    assert hosted.hosting is not None
    return hosted.hosting.worker.pid


def by_pedalboard(
    bundle: Path,
    signal: Signal,
    folder: Path,
    *,
    block: int = MAX_BLOCK,
    turns: Sequence[tuple[str, object]] = (),
) -> Signal:
    """What pedalboard itself makes of a signal in one call, in a process of its own, latency taken off.

    Parameters
    ----------
    turns : attributes of pedalboard's plugin and their values
    """
    np.save(folder / "signal.npy", signal)
    command = [sys.executable, "-c", DIRECT, str(bundle), str(folder), str(block), repr(dict(turns))]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return np.asarray(np.load(folder / "output.npy"))


DIRECT = """
import ast, sys
from pathlib import Path
import numpy as np
import pedalboard
folder, block = Path(sys.argv[2]), int(sys.argv[3])
signal = np.load(folder / "signal.npy")
plugin = pedalboard.load_plugin(sys.argv[1])
for name, value in ast.literal_eval(sys.argv[4]).items():
    setattr(plugin, name, value)
np.save(folder / "output.npy", plugin.process(signal, 48000, block))
"""
