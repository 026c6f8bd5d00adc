"""MIDI through a JACK server: samples, floods, connections; and streams without an input."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.devices import DeviceError, choose
from tonerig.realtime.engine.jack import JackStream, midi_ports
from tonerig.realtime.engine.midi_ring import release_messages
from tonerig.realtime.engine.stream import PortAudioStream, open_stream

from .drive import program
from .event_log import EventLog, note
from .jack_sender import NAME, impulses, sender

pytestmark = pytest.mark.usefixtures("jack_in_step")

FRAMES = 64  # of the server's block
BROKEN = [
    b"\xf8",
    b"\xf0\x01\xf7",
    b"\xf2\x01\x02",
    b"\x90\x01",
    b"\xc0\x01\x02",
    b"\x90\x40\x80",
    b"\x01\x02",
    b"\x01\x02",
]
"""What is no complete channel message."""
ROOM = 2000  # events of one block that surely fit


def _heard(blocks: list[list[tuple[int, bytes]]]) -> tuple[list[tuple[int, bytes]], list[int], Engine]:
    """Events that reach a processor, the samples at which its input had impulses, and the engine."""
    log = EventLog()
    engine = Engine(program(log), 2, tap_s=20.0)
    with sender(blocks) as client:
        device = replace(choose(None, "input"), name=NAME, inputs=1)
        stream = open_stream(device, choose(None, "output"), 48000, FRAMES, 1, 2, midi=True)
        assert isinstance(stream, JackStream)
        stream.start(engine)
        try:
            assert stream.connect_midi(client.midi_port)
            engine.set_recording(True)
            time.sleep(0.1)
            client.play_to(engine)
        finally:
            stream.close()
    assert client.refused == 0
    engine.poll()
    assert engine.tap_lost == 0
    tap = engine.read_tap()
    first = int(engine._state.record["position"]) - tap.shape[1]
    return log.events, [first + t for t in impulses(tap[0])], engine


def test_events_keep_their_samples() -> None:
    """A message and an impulse sent at one sample are heard at one sample: the delay is constant, and 0.

    What is no complete channel message is left out.
    """
    blocks: list[list[tuple[int, bytes]]] = []
    number = 0
    for k in range(400):
        frames = [] if k % 5 == 0 else sorted({0, k * 7 % FRAMES, FRAMES - 1} if k % 3 else {k % FRAMES})
        block: list[tuple[int, bytes]] = []
        for frame in frames:
            for _ in range(1 + k % 2):
                block += [(frame, BROKEN[number % len(BROKEN)]), (frame, note(number))]
                number += 1
        blocks.append(block)
    sent = [(FRAMES * k + t, m) for k, block in enumerate(blocks) for t, m in block if m not in BROKEN]
    heard, places, engine = _heard(blocks)
    assert engine.midi_lost == 0
    assert [t for t, _ in heard] == places
    start = heard[0][0] - sent[0][0]
    assert start % FRAMES == 0
    assert [(t - start, m) for t, m in heard] == sent


def test_a_flood_ends_with_all_notes_released() -> None:
    """Of more events than fit into a block the first 2000 are heard, then pedals up and all notes off."""
    flood = [(t * FRAMES // 2600, bytes([0xB0, 1, t & 0x7F])) for t in range(2600)]
    heard, _, engine = _heard([[(0, note(1))], flood, [(9, note(2))]])
    messages = [m for _, m in heard]
    assert messages[:2001] == [note(1), *[m for _, m in flood[:ROOM]]]
    assert messages[-49:] == [*release_messages(), note(2)]
    assert engine.midi_lost == 2600 + 1 + 48 + 1 - len(heard)
    samples = [t for t, _ in heard]
    assert samples == sorted(samples)
    assert samples[-1] - samples[0] == 2 * FRAMES + 9


def test_ports_are_listed_connected_and_seen_to_go() -> None:
    """The server's MIDI outputs are listed by full name; one that goes away leaves the port unconnected."""
    engine = Engine(program(), 2, route=(-1,))
    device = choose(None, "output")
    with sender([]) as client:
        assert client.midi_port in midi_ports()
        assert f"{NAME}:out_1" not in midi_ports()
        stream = open_stream(device, device, 48000, FRAMES, 0, 2, midi=True)
        assert isinstance(stream, JackStream)
        stream.start(engine)
        try:
            assert not stream.midi_connected
            assert not stream.connect_midi("nobody:midi_out")
            assert not stream.connect_midi(f"{NAME}:out_1")
            assert stream.connect_midi(client.midi_port)
            assert stream.connect_midi(client.midi_port)  # it stays connected
            assert stream.midi_connected
            client.close()
            assert not stream.midi_connected
            assert not stream.connect_midi(client.midi_port)
        finally:
            stream.close()
    assert not stream.midi_connected
    assert not stream.connect_midi(client.midi_port)


def test_a_stream_without_midi_has_no_port() -> None:
    """It is connected to nothing, and says so."""
    engine = Engine(program(), 2, route=(-1,))
    device = choose(None, "output")
    with sender([]) as client:
        stream = open_stream(device, device, 48000, FRAMES, 0, 2)
        assert isinstance(stream, JackStream)
        stream.start(engine)
        try:
            assert not stream.connect_midi(client.midi_port)
            assert not stream.midi_connected
        finally:
            stream.close()


@pytest.mark.parametrize("kind", ["jack", "portaudio"])
def test_a_stream_needs_no_input(kind: str) -> None:
    """Without inputs the device calls as ever, the program hears zeros, and what is sent is played."""
    device = choose(None, "output")
    log = EventLog()
    engine = Engine(program(log), 2, route=(-1,), tap_s=20.0)
    engine.set_recording(True)
    stream = (
        open_stream(device, device, 48000, FRAMES, 0, 2)
        if kind == "jack"
        else PortAudioStream(device, device, 48000, FRAMES, 0, 2)
    )
    stream.start(engine)
    try:
        engine.send([note(1), note(2)])
        end = time.monotonic() + 60
        while engine.statistics.served <= 50 and time.monotonic() < end:
            time.sleep(0.02)
            engine.poll()
    finally:
        stream.close()
    engine.poll()
    tap = engine.read_tap()
    assert engine.statistics.served > 50
    assert engine.statistics.frames == FRAMES * engine.statistics.served
    assert [m for _, m in log.events] == [note(1), note(2)]
    assert not tap[0].any()
    assert np.count_nonzero(tap[2]) == 1


def test_no_input_is_no_reason_to_take_a_rate() -> None:
    """A rate that the device does not take is refused without inputs too."""
    device = choose(None, "output")
    for refused in (open_stream, PortAudioStream):
        with pytest.raises(DeviceError, match="does not run at 44100 Hz"):
            refused(device, device, 44100, FRAMES, 0, 2)
