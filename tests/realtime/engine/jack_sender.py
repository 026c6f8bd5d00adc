"""A JACK client that plays MIDI and, at the same samples, impulses: both say when a message was sent."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.compiler.layout import State
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.jack import AUDIO, IS_OUTPUT, MIDI, NO_START_SERVER, _library
from tonerig.realtime.engine.midi_ring import channel_events

NAME = "sender"
MESSAGE = np.dtype([("frame", "i8"), ("bytes", "u1", (4,)), ("size", "i4"), ("sounds", "i8")], align=True)
STATE = np.dtype(
    [
        ("audio", "u8"),  # ports
        ("midi", "u8"),
        ("blocks", "i8"),  # of messages; they are played in turn, once `playing`
        ("block", "i8"),  # the next one
        ("playing", "i8"),
        ("refused", "i8"),  # messages that JACK's buffer had no room for
        ("messages", "i8"),  # MESSAGE, those of one block after the other
        ("starts", "i8"),  # of each block in it, and the end
    ],
    align=True,
)


class Sender:
    """Plays lists of (frame, message), one list for each block; a channel message is an impulse too."""

    def __init__(self, blocks: list[list[tuple[int, bytes]]]) -> None:
        flat = [entry for block in blocks for entry in block]
        self._state = State(STATE, messages=(MESSAGE, max(1, len(flat))), starts=(np.int64, len(blocks) + 1))
        for record, (frame, message) in zip(self._state.arrays["messages"], flat, strict=False):
            record["frame"], record["size"] = frame, len(message)
            record["bytes"][: len(message)] = list(message)
            record["sounds"] = channel_events([message]).size
        self._state.arrays["starts"][1:] = np.cumsum([len(block) for block in blocks])
        self._state.record["blocks"] = len(blocks)
        self._jack = _library()
        self._client = self._jack.jack_client_open(NAME.encode(), NO_START_SERVER, None)
        assert self._client
        for field, name, kind in (("audio", b"out_1", AUDIO), ("midi", b"midi_out", MIDI)):
            self._state.record[field] = self._jack.jack_port_register(self._client, name, kind, IS_OUTPUT, 0)
        self._process = _compile(self._jack)
        address = ctypes.c_void_p(self._state.address)
        self._jack.jack_set_process_callback(
            self._client, ctypes.cast(self._process.ctypes, ctypes.c_void_p), address
        )
        assert self._jack.jack_activate(self._client) == 0

    @property
    def midi_port(self) -> str:
        """Its full name."""
        return f"{NAME}:midi_out"

    @property
    def refused(self) -> int:
        """Messages that JACK's buffer had no room for."""
        return int(self._state.record["refused"])

    def play(self) -> None:
        """Begin with the next block."""
        self._state.record["playing"] = 1

    @property
    def done(self) -> bool:
        """Whether all blocks were played."""
        return bool(self._state.record["block"] == self._state.record["blocks"])

    def play_to(self, engine: Engine, rest: int = 4) -> None:
        """Play all blocks, and wait until the engine has heard them and as many more as ``rest`` says."""
        self.play()
        self._wait(engine, lambda: self.done)
        last = engine.statistics.served + rest
        self._wait(engine, lambda: engine.statistics.served > last)

    def _wait(self, engine: Engine, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 120
        while not until():
            assert time.monotonic() < end, "the server does not go on"
            time.sleep(0.01)
            engine.poll()

    def close(self) -> None:
        """Leave the server."""
        if self._client:
            self._jack.jack_client_close(self._client)
            self._client = None


@contextmanager
def sender(blocks: list[list[tuple[int, bytes]]]) -> Iterator[Sender]:
    """A sender that leaves the server at the end."""
    client = Sender(blocks)
    try:
        yield client
    finally:
        client.close()


def _compile(jack: Any) -> Any:
    """The process callback; no Python on JACK's thread here either."""
    from numba import carray, cfunc, types
    from tonerig.realtime.compiler.memory import float32_at, int64_at, record_at

    def function(name: str, result: Any, *parameters: Any) -> Any:
        address = ctypes.cast(getattr(jack, name), ctypes.c_void_p).value
        return ctypes.CFUNCTYPE(result, *parameters)(address)

    word, short = ctypes.c_int64, ctypes.c_uint32
    get_buffer = function("jack_port_get_buffer", word, word, short)
    clear = function("jack_midi_clear_buffer", None, word)
    write = function("jack_midi_event_write", ctypes.c_int, word, short, word, word)
    state_at, message_at = record_at(STATE), record_at(MESSAGE)
    message_bytes, bytes_offset = MESSAGE.itemsize, MESSAGE.fields["bytes"][1] if MESSAGE.fields else 0

    @cfunc(types.intc(types.uint32, types.int64), nopython=True)
    def process(count: Any, address: Any) -> Any:
        state = state_at(address)
        audio = carray(float32_at(get_buffer(np.int64(state.audio), count)), (count,))
        midi = get_buffer(np.int64(state.midi), count)
        audio[:] = np.float32(0.0)
        clear(midi)
        if state.playing == 0 or state.block == state.blocks:
            return 0
        starts = int64_at(state.starts)
        for k in range(starts[state.block], starts[state.block + 1]):
            place = state.messages + message_bytes * k
            message = message_at(place)
            if write(midi, np.uint32(message.frame), place + bytes_offset, np.int64(message.size)) != 0:
                state.refused += 1
            elif message.sounds != 0:
                audio[message.frame] += np.float32(1.0)
        state.block += 1
        return 0

    return process


def impulses(signal: NDArray[np.float32]) -> list[int]:
    """Samples of impulses, one for each unit of height."""
    return np.repeat(np.arange(signal.size), np.rint(signal).astype(int)).tolist()
