"""Memory stays as it is, however long the sound goes on and however often chains are swapped."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.library import named
from tonerig.realtime.processors import processor_class
from tonerig.realtime.processors.neural import Neural
from tonerig.realtime.processors.processor import Processor

from tests.models import random_model

from .drive import noise, program, serve

MEGABYTE = 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def _resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _chain() -> list[Processor]:
    amp = Neural({"normalization": "raw"}, model=random_model("lstm_1x16", 0))
    cabinet: Any = processor_class("cabinet")
    return [
        processor_class("gate")(),
        amp,
        cabinet(impulse=named("impulses", "1x12")),
        processor_class("reverb")(),
    ]


def test_a_million_blocks_take_no_memory() -> None:
    """A million blocks through gate, amp, cabinet and reverb leave the process as large as it was."""
    runner = Runner(Program(_chain(), 48000, 1, 1))  # at most 1 frame at a time: as many blocks as samples
    signal = noise(1, 250_000)
    output = runner.process(signal)
    before = _resident()
    for _ in range(4):
        output = runner.process(signal)
    assert _resident() - before < MEGABYTE
    assert np.isfinite(output).all()


def test_swapped_programs_are_freed() -> None:
    """Two hundred programs one after another take no more memory than the first fifty."""
    engine = Engine(program(), 1)
    signal = noise(1, 2048)
    model = random_model("lstm_1x16", 0)
    sizes = []
    for _ in range(250):
        engine.publish(program(Neural(model=model)))
        serve(engine, signal, 256)
        engine.poll()
        sizes.append(_resident())
    assert not engine.is_fading()
    assert sizes[-1] - sizes[50] < 2 * MEGABYTE
