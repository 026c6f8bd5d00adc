"""Channel messages on their way into the audio thread, from one thread of Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..compiler.layout import State
from ..midi.events import EVENT, RELEASES

PATIENCE_S = 1.0


class MidiRing:
    """The producer's end of an engine's MIDI ring. Only one thread may use it.

    Parameters
    ----------
    state : the engine's memory
    read, write : of a word at an address, with acquire and release order

    Attributes
    ----------
    lost : messages for which there was no room, since nobody served the engine
    """

    def __init__(self, state: State, read: Callable[[int], int], write: Callable[[int, int], None]) -> None:
        self.lost = 0
        self._ring, self._record = state.arrays["midi"], state.record
        self._read, self._write = read, write
        self._taken, self._written = state.field_address("midi_read"), state.field_address("midi_written")
        self._gap = False

    def send(self, messages: Sequence[bytes]) -> None:
        """Append the channel messages among these, all at once.

        Waits up to a second for room. What finds none is lost; before what is sent next every pedal and
        key is released, so that no lost message leaves a note behind.
        """
        events = channel_events(messages)
        if self._gap and events.size:
            events = np.concatenate([channel_events(release_messages()), events])
        for start in range(0, events.size, self._ring.size):
            part = events[start : start + self._ring.size]
            if not self._append(part):
                self.lost += events.size - start
                self._gap = True
                return
        self._gap = self._gap and events.size == 0

    def _append(self, events: NDArray[np.void]) -> bool:
        written = int(self._record["midi_written"])
        end = time.monotonic() + PATIENCE_S
        while written + events.size - self._read(self._taken) > self._ring.size:
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        self._ring[np.arange(written, written + events.size) & (self._ring.size - 1)] = events
        self._write(self._written, written + events.size)
        return True


def channel_events(messages: Sequence[bytes]) -> NDArray[np.void]:
    """The complete channel messages among these as `EVENT` records of frame 0; the others are left out."""
    return np.array(
        [(0, m[0], m[1], m[2] if len(m) == 3 else 0, len(m)) for m in messages if _is_channel_message(m)],
        EVENT,
    )


def release_messages() -> list[bytes]:
    """Messages that leave no note sounding on any channel."""
    return [bytes([0xB0 | channel, controller, 0]) for channel in range(16) for controller in RELEASES]


def _is_channel_message(message: bytes) -> bool:
    if not message or not 0x80 <= message[0] < 0xF0:
        return False
    size = 2 if message[0] & 0xE0 == 0xC0 else 3
    return len(message) == size and max(message[1:]) < 0x80
