"""RtMidi's queue drained: chords, ports that go away, and streams that do, on a JACK server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from tonerig.realtime.midi.inputs import SILENCE, MidiInput
from tonerig.realtime.midi.ports import MidiPort, MidiPortError

from .keyboard import keyboard

pytestmark = pytest.mark.usefixtures("jack_server")
PORT = MidiPort("keys:out", "JACK")
PATIENCES_S = (0.1, 0.5, 2.0)
"""For which what was played is waited for, in turn."""
CHORD = [bytes([0x90, key, 100]) for key in (48, 52, 55, 60, 64, 67, 72, 76, 79, 84)]


class _Engine:
    """Takes what is sent, as an engine does, and keeps it."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []

    def send(self, messages: Sequence[bytes]) -> None:
        self.sent.append(list(messages))

    def wait(self, times: int) -> None:
        """Until it has been sent to so many times."""
        _wait(lambda: len(self.sent) >= times)

    @property
    def messages(self) -> list[bytes]:
        """All of them, whenever they were sent."""
        return [message for messages in self.sent for message in messages]


def _wait(until: Callable[[], bool], look: Callable[[], None] = lambda: None) -> None:
    end = time.monotonic() + 60
    while not until() and time.monotonic() < end:
        look()
        time.sleep(0.01)
    assert until()


@pytest.fixture
def engine() -> _Engine:
    """What the messages go to."""
    return _Engine()


def test_silence_ends_every_note_on_every_channel() -> None:
    """Sustain and sostenuto up, all notes off, and the wheel in the middle, on each of 16 channels."""
    assert len(SILENCE) == 4 * 16
    for channel in range(16):
        control, bend = 0xB0 + channel, 0xE0 + channel
        for message in ((control, 64, 0), (control, 66, 0), (control, 123, 0), (bend, 0, 0x40)):
            assert bytes(message) in SILENCE


def test_a_chord_arrives_whole() -> None:
    """Ten keys that RtMidi's queue holds together are sent in one go and in order, after silence at first.

    The queue says to nobody how much it holds, and a busy machine takes its time to fill it.
    """
    for patience_s in PATIENCES_S:
        engine = _Engine()
        with keyboard("keys") as keys:
            midi = MidiInput(PORT, engine.send, print)
            midi.resume(None)
            for count in range(1, 11):
                engine.wait(count)
                with midi._in_use:  # the queue fills before it is drained
                    for message in CHORD:
                        keys.send_message(message)
                    time.sleep(patience_s)
            _wait(lambda engine=engine: len(engine.messages) == len(SILENCE) + 100)
            midi.close()
        assert engine.messages == [*SILENCE, *CHORD * 10]
        if len(engine.sent) == 11:
            break
    assert engine.sent == [list(SILENCE), *[CHORD] * 10]


def test_what_is_no_channel_message_is_left_out(engine: _Engine) -> None:
    """System exclusive, clock and active sensing do not come through, what follows them does."""
    with keyboard("keys") as keys:
        midi = MidiInput(PORT, engine.send, print)
        midi.resume(None)
        for message in ([0xF0, 1, 2, 0xF7], [0xF8], [0xFE], [0xC0, 5], [0xF8], [0x90, 60, 1]):
            keys.send_message(message)
        _wait(lambda: bytes([0x90, 60, 1]) in engine.messages)
        midi.close()
    assert engine.messages == [*SILENCE, bytes([0xC0, 5]), bytes([0x90, 60, 1])]


def test_a_port_that_goes_away_is_silenced_and_opened_again(engine: _Engine) -> None:
    """Its notes are ended on every channel, both times said in a sentence; later notes arrive."""
    said: list[str] = []
    with keyboard("keys") as keys:
        midi = MidiInput(PORT, engine.send, said.append)
        midi.resume(None)
        engine.wait(1)
        keys.send_message(CHORD[0])
        _wait(lambda: engine.sent[1:] == [[CHORD[0]]])
        keys.delete()
        _wait(lambda: not midi.connected, midi.look)
        engine.wait(3)
        assert engine.sent[2] == list(SILENCE)
    with keyboard("keys") as keys:
        _wait(lambda: midi.connected, midi.look)
        keys.send_message(CHORD[1])
        engine.wait(4)
        midi.close()
    assert engine.sent[3] == [CHORD[1]]
    assert said == [
        "the MIDI input keys:out has gone away; its notes are ended, waiting for it to come back",
        "the MIDI input keys:out is back",
    ]


def test_while_the_stream_is_away_nothing_is_sent() -> None:
    """What is played then is dropped; when there is a stream again all is silenced first.

    On a busy machine what is played may come so late that the stream is there again.
    """
    for patience_s in PATIENCES_S:
        engine = _Engine()
        with keyboard("keys") as keys:
            midi = MidiInput(PORT, engine.send, print)
            keys.send_message(CHORD[0])
            time.sleep(patience_s)
            assert engine.sent == []
            midi.resume(None)
            engine.wait(1)
            midi.pause()
            keys.send_message(CHORD[0])
            time.sleep(patience_s)
            midi.resume(None)
            _wait(lambda engine=engine: engine.messages.count(SILENCE[0]) == 2)
            midi.close()
        if len(engine.sent) == 2:
            break
    assert engine.sent == [list(SILENCE)] * 2


def test_a_port_that_is_not_there_is_refused(engine: _Engine) -> None:
    """A sentence that names it, and no thread stays."""
    threads = threading.active_count()
    with pytest.raises(MidiPortError, match="the MIDI input gone:out cannot be opened"):
        MidiInput(MidiPort("gone:out", "JACK"), engine.send, print)
    assert threading.active_count() == threads
