"""Knobs that a JACK client's messages turn: live equals offline, bit for bit."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.devices import choose
from tonerig.realtime.engine.jack import JackStream
from tonerig.realtime.engine.knobs import Knob
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.engine.stream import open_stream
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.parallel import Parallel

from .drive import MAX_BLOCK, RATE
from .event_log import events
from .jack_sender import NAME, Sender, impulses, sender

pytestmark = pytest.mark.usefixtures("jack_in_step")

FRAMES = 64


def _program() -> Program:
    first, inner = Gain(), Gain()
    knobs = [Knob(20, first, "gain_db"), Knob(21, inner, "gain_db", channel=3)]
    return Program([first, Parallel(a=[inner])], RATE, MAX_BLOCK, 1, knobs=knobs)


def _played(client: Sender) -> tuple[NDArray[np.float32], Engine]:
    """The tap of a stream that the client played into from its middle on."""
    engine = Engine(_program(), 1, tap_s=20.0)
    device = replace(choose(None, "input"), name=NAME, inputs=1)
    stream = open_stream(device, choose(None, "output"), RATE, FRAMES, 1, 1, midi=True)
    assert isinstance(stream, JackStream)
    engine.set_recording(True)
    stream.start(engine)
    try:
        assert stream.connect_midi(client.midi_port)
        time.sleep(0.1)
        client.play_to(engine)
    finally:
        stream.close()
    engine.poll()
    return engine.read_tap(), engine


def test_what_controllers_turn_live_is_what_they_turn_offline() -> None:
    """Messages at any samples, two controllers, right and wrong channels: the wet take is the offline one.

    An impulse in the dry take says at which sample each message was heard.
    """
    random = np.random.default_rng(3)
    blocks, sent = [], []
    for _ in range(300):
        frames = np.sort(random.integers(0, FRAMES, random.integers(0, 5)))
        block = [
            (int(t), bytes([0xB0 | random.integers(1, 4), random.integers(20, 22), random.integers(60, 90)]))
            for t in frames
        ]
        blocks.append(block)
        sent += [message for _, message in block]
    with sender(blocks) as client:
        tap, engine = _played(client)
    dry, wet = tap[:1], tap[2:3]
    due = events(*zip(impulses(dry[0]), sent, strict=True))
    assert engine.tap_lost == 0
    assert len(due) > 400
    assert np.array_equal(Runner(_program()).process(dry, due), wet)
    levels = wet[0][dry[0] > 0] / dry[0][dry[0] > 0]
    assert np.ptp(levels) > 0.1
