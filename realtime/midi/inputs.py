"""Two ways from a MIDI port to the engine, and what happens when the port goes away.

`JackConnection` leaves the messages to the compiled code of our JACK client and only looks after the
connection. `MidiInput` drains RtMidi's queue in a thread of its own. Neither gives a server a Python
callback: run on JACK's process thread, one costs hundreds of xruns when Python is busy elsewhere.

An engine has one of them at most, so that only one thread ever calls ``send``: the session's with
`JackConnection`, the draining one with `MidiInput`. All else is called by the session's thread, in its
`look` whenever it looks after its device.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.jack import JackStream
from ..engine.stream import Stream
from .events import RELEASES
from .ports import JACK, MidiPort, MidiPortError, without_words

POLL_S = 0.001
GATHER_S = 0.0002
"""What comes this soon after a message belongs to it: a chord arrives in one packet or JACK cycle."""
LOOK_S = 0.25
"""How often a port that is there, or is not, is looked for."""
QUEUE = 4096
"""Messages that RtMidi keeps while Python is busy."""

Send = Callable[[Sequence[bytes]], None]
Notify = Callable[[str], None]

SILENCE: tuple[bytes, ...] = tuple(
    bytes(message)
    for channel in range(16)
    for message in (*((0xB0 | channel, number, 0) for number in RELEASES), (0xE0 | channel, 0, 64))
)
"""Sustain and sostenuto up, all notes off, pitch wheel centred, on every channel."""


class JackConnection:
    """A JACK MIDI port connected to a stream's own, made again whenever it is lost.

    Parameters
    ----------
    send : takes messages to the engine
    notify : is told in a sentence what happens
    """

    def __init__(self, port: MidiPort, send: Send, notify: Notify) -> None:
        self.port, self._send, self._notify = port, send, notify
        self.connected = False
        self._lost = False
        self._stream: JackStream | None = None
        self._next_look = 0.0

    def look(self) -> None:
        """See to the connection; cheap enough for every few tens of milliseconds."""
        if self._stream is None or not self._stream.active:
            return
        if self.connected and not self._stream.midi_connected:
            self._send(SILENCE)
            self.connected, self._next_look = False, 0.0
        now = time.monotonic()
        if self.connected or now < self._next_look:
            return
        self._next_look = now + LOOK_S
        self.connected = self._stream.connect_midi(self.port.name)
        if self.connected == self._lost:
            self._notify(_back(self.port) if self.connected else _gone(self.port))
        self._lost = not self.connected

    def resume(self, stream: Stream) -> None:
        """A stream has started: silence whatever the last one left, and connect."""
        assert isinstance(stream, JackStream)
        self._send(SILENCE)
        self._stream, self.connected, self._next_look = stream, False, 0.0
        self.look()

    def pause(self) -> None:
        """The stream has gone, and the connection with it."""
        self._stream, self.connected = None, False

    def close(self) -> None:
        """Leave the port alone."""
        self._stream = None


class MidiInput:
    """An open RtMidi input whose queue one thread drains until `close`; it begins paused.

    Parameters
    ----------
    send : takes the messages that came together to the engine; called by the draining thread alone
    notify : is told in a sentence what happens, by the thread that calls `look`

    Raises
    ------
    MidiPortError
        when the port is not there.
    """

    def __init__(self, port: MidiPort, send: Send, notify: Notify) -> None:
        self.port, self._send, self._notify = port, send, notify
        self._midi = _open(port)
        if self._midi is None:
            raise MidiPortError(f"the MIDI input {port.name} cannot be opened; is it still there?")
        self._in_use = threading.Lock()  # of _midi, which `look` ends and makes anew
        self._end, self._paused, self._silence = threading.Event(), threading.Event(), threading.Event()
        self._paused.set()
        self._next_look = 0.0
        self._thread = threading.Thread(target=self._drain, name="tonerig midi", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether the port is there."""
        return self._midi is not None

    def look(self) -> None:
        """See to the port; cheap enough for every few tens of milliseconds."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_S
        if self._midi is None:
            self._midi = _open(self.port)
            if self._midi is not None:
                self._notify(_back(self.port))
        elif _place(self._midi, self.port) is None:
            with self._in_use:
                self._midi.delete()
                self._midi = None
            self._silence.set()
            self._notify(_gone(self.port))

    def resume(self, stream: Stream | None) -> None:
        """A stream has started: silence whatever the last one left, and send."""
        self._silence.set()
        self._paused.clear()

    def pause(self) -> None:
        """The stream has gone: drop what comes until there is another."""
        self._paused.set()

    def close(self) -> None:
        """Stop; afterwards nothing is sent."""
        self._end.set()
        self._thread.join()
        if self._midi is not None:
            self._midi.delete()
            self._midi = None

    def _drain(self) -> None:
        while not self._end.wait(POLL_S):
            messages = self._waiting()
            if messages:
                time.sleep(GATHER_S)
                messages += self._waiting()
            if self._paused.is_set():
                continue
            if self._silence.is_set():
                self._silence.clear()
                messages = [*SILENCE, *messages]
            if messages:
                self._send(messages)

    def _waiting(self) -> list[bytes]:
        messages = []
        with self._in_use:
            while self._midi is not None and (found := self._midi.get_message()) is not None:
                messages.append(bytes(found[0]))
        return messages


def follow(port: MidiPort, stream: Stream, send: Send, notify: Notify) -> JackConnection | MidiInput:
    """The way from a port to a stream's engine, begun once the stream has started.

    Raises
    ------
    MidiPortError
        when the port is not there.
    """
    way = JackConnection if port.on_jack and isinstance(stream, JackStream) else MidiInput
    found = way(port, send, notify)
    found.resume(stream)
    return found


def _back(port: MidiPort) -> str:
    return f"the MIDI input {port.name} is back"


def _gone(port: MidiPort) -> str:
    return f"the MIDI input {port.name} has gone away; its notes are ended, waiting for it to come back"


def _open(port: MidiPort) -> Any | None:
    """RtMidi's input from a port; None if it is not there."""
    import rtmidi

    names = {rtmidi.get_api_display_name(api): api for api in rtmidi.get_compiled_api()}
    api = rtmidi.API_UNIX_JACK if port.api == JACK else names.get(port.api)
    with without_words():
        try:
            midi = rtmidi.MidiIn(api, name="tonerig midi", queue_size_limit=QUEUE)
        except (rtmidi.RtMidiError, TypeError):
            return None
        place = _place(midi, port)
        if place is None:
            midi.delete()
            return None
        midi.ignore_types(sysex=True, timing=True, active_sense=True)
        try:
            midi.open_port(place, name="in")
        except rtmidi.RtMidiError:
            midi.delete()
            return None
    return midi


def _place(midi: Any, port: MidiPort) -> int | None:
    """Where RtMidi lists the port now, by its name or by the part of it that lasts."""
    names: list[str] = midi.get_ports()
    if port.name in names:
        return names.index(port.name)
    lasting = [MidiPort(name, port.api).lasting_name for name in names]
    return lasting.index(port.lasting_name) if port.lasting_name in lasting else None
