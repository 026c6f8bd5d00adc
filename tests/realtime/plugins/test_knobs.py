"""A MIDI controller turns a plugin's parameter."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.engine.knobs import Knob
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner

from ..engine.event_log import events
from .hosts import MAX_BLOCK, RATE, ZamComp, needs_zam


@needs_zam
def test_a_controller_turns_a_plugins_knob() -> None:
    """A compressor that does nothing puts out as many dB more as its make-up gain moves to, in its unit."""
    plugin = ZamComp({"threshold_db": 0.0})
    program = Program([plugin], RATE, MAX_BLOCK, 1, knobs=[Knob(20, plugin, "makeup_db")])
    signal = np.full((1, 48000), 0.001, np.float32)
    signal[:, 1::2] *= -1
    output = Runner(program).process(signal, events((24000, b"\xb0\x14\x40")))[0]
    before, after = (
        np.sqrt(np.mean(output[part].astype(float) ** 2))
        for part in (slice(12000, 24000), slice(-12000, None))
    )
    program.read_back()
    assert plugin.values["makeup_db"] == pytest.approx(30 * 64 / 127, abs=1e-4)
    assert 20 * np.log10(after / before) == pytest.approx(30 * 64 / 127, abs=0.01)
