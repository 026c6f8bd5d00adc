"""Every shipped patch, played by a JACK MIDI client beside a guitar through an amp, is what it is offline."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.devices import choose
from tonerig.realtime.engine.jack import JackStream
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.engine.stream import open_stream
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.patches import Patch, library_patches
from tonerig.realtime.presets import load_preset
from tonerig.realtime.synths.band import band

from .engine.jack_sender import NAME, Sender, sender

RATE, FRAMES, MAX_BLOCK = 48000, 64, 1024
CHANNELS = 16
PATCHES = list(library_patches().values())
BANDS = [PATCHES[k : k + CHANNELS] for k in range(0, len(PATCHES), CHANNELS)]

Signal = NDArray[np.float32]


def _events(count: int) -> list[tuple[int, bytes]]:
    """Notes, pedal, wheel and bend on so many channels, at frames of no grid."""
    events: list[tuple[int, bytes]] = []
    for c in range(count):
        at, key = 100 + 977 * c, 36 + (c * 7) % 36
        events += [
            (at, bytes([0x90 + c, key, 100])),
            (at + 501, bytes([0xB0 + c, 1, 90])),
            (at + 1003, bytes([0x90 + c, key + 7, 70])),
            (at + 5003, bytes([0xE0 + c, 17, 80])),
            (at + 9001, bytes([0x80 + c, key, 0])),
            (at + 15013, bytes([0x80 + c, key + 7, 0])),
        ]
    return sorted(events, key=lambda event: event[0])


def _program(patches: list[Patch]) -> Program:
    chain = load_preset("crunch").build()
    chain += band(dict(enumerate(patches, 1)), follow=False)
    return Program(chain, RATE, MAX_BLOCK, 1)


def _live(patches: list[Patch], client: Sender) -> tuple[Signal, Signal, int, Engine]:
    """Dry and wet sound, the sample since the start at which both begin, and the engine."""
    engine = Engine(_program(patches), 2, tap_s=20.0)
    device = replace(choose(None, "input"), name=NAME, inputs=1)
    stream = open_stream(device, choose(None, "output"), RATE, FRAMES, 1, 2, midi=True)
    assert isinstance(stream, JackStream)
    stream.start(engine)
    try:
        assert stream.connect_midi(client.midi_port)
        time.sleep(0.05)
        engine.set_recording(True)
        time.sleep(0.05)
        client.play_to(engine, rest=400)
    finally:
        stream.close()
    engine.poll()
    assert engine.tap_lost == 0
    tap = engine.read_tap()
    return tap[0], tap[2:], int(engine._state.record["position"]) - tap.shape[1], engine


@pytest.mark.usefixtures("jack_in_step")
@pytest.mark.parametrize(
    "patches", BANDS, ids=lambda patches: f"{patches[0].name} and {len(patches) - 1} more"
)
def test_live_is_offline(patches: list[Patch]) -> None:
    """A sender's notes and impulses give the same bits through JACK, block by block, as offline in one."""
    events = _events(len(patches))
    blocks: list[list[tuple[int, bytes]]] = [[] for _ in range(events[-1][0] // FRAMES + 1)]
    for frame, message in events:
        blocks[frame // FRAMES].append((frame % FRAMES, message))
    with sender(blocks) as client:
        dry, wet, start, engine = _live(patches, client)
    assert client.refused == 0
    assert engine.midi_lost == 0
    first = start + int(np.flatnonzero(dry)[0]) - events[0][0]
    due = np.array([(first + t, *m, len(m)) for t, m in events], EVENT)
    guitar = np.concatenate([np.zeros(start, np.float32), dry])[np.newaxis]
    offline = Runner(_program(patches)).process(guitar, due)[:, start:]
    assert np.abs(offline).max() > 0.01
    assert np.array_equal(offline, wet)
