"""A stream on a JACK server, as a JACK client of its own with compiled code as its process callback.

PortAudio's JACK side is not used for sound: once the server has died it waits ten minutes to close a
stream, and it tells xruns only with the block after. Here the server's death, xruns and block are known
at once, the ports are called ``tonerig:in_1`` and so on, and they are connected by themselves.

JACK's functions are called by ctypes; those of the callback are called by compiled code, by address.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from ..compiler.layout import State
from ..compiler.unit import load
from ..midi.events import EVENT
from .control import Engine
from .devices import Device, DeviceError
from .layout import JACK
from .memory import PORT_EVENTS
from .program import ENGINE_UNIT

CLIENT = b"tonerig"
NO_START_SERVER = 1
OPENINGS = 3
IS_INPUT, IS_OUTPUT = 1, 2
AUDIO, MIDI = b"32 bit float mono audio", b"8 bit raw midi"
EXISTS = 17  # a connection that is there already


class JackStream:
    """A client of the JACK server, its inputs connected to one client's ports and its outputs to another's.

    Parameters
    ----------
    source, target : clients of the server, as PortAudio lists them
    rate : in Hz; the server's, or it is refused
    inputs, outputs : ports, connected to the first ones of each
    midi : register the port ``midi_in``, which `connect_midi` connects

    Attributes
    ----------
    block : frames the server asks for at a time

    Raises
    ------
    DeviceError
        when there is no server, or it runs at another rate.
    """

    def __init__(
        self, source: Device, target: Device, rate: float, inputs: int, outputs: int, midi: bool = False
    ) -> None:
        self.source, self.target, self.inputs, self.outputs = source, target, inputs, outputs
        self._jack = _library()
        self._client = _open_client(self._jack)
        if not self._client:
            raise DeviceError("the JACK server does not answer; start it again, or choose another device")
        with self._closing_on_error():
            self.block = int(self._jack.jack_get_buffer_size(self._client))
            served = self._jack.jack_get_sample_rate(self._client)
            if served != rate:
                raise DeviceError(
                    f"{source.name} does not run at {rate:g} Hz: the JACK server runs at {served} Hz; "
                    f"use --rate {served}, or start the server with -r {rate:g}"
                )
            self._state = State(
                JACK,
                ports_in=(np.int64, inputs),
                ports_out=(np.int64, outputs),
                buffers_in=(np.int64, inputs),
                buffers_out=(np.int64, outputs),
                events=(EVENT, PORT_EVENTS),
            )
            record = self._state.record
            record["inputs"], record["outputs"] = inputs, outputs
            record["event_capacity"] = PORT_EVENTS
            for field, function in (
                ("get_buffer", self._jack.jack_port_get_buffer),
                ("get_event_count", self._jack.jack_midi_get_event_count),
                ("get_event", self._jack.jack_midi_event_get),
            ):
                record[field] = ctypes.cast(function, ctypes.c_void_p).value
            self._state.arrays["ports_in"][:] = self._register("in", inputs, IS_INPUT)
            self._state.arrays["ports_out"][:] = self._register("out", outputs, IS_OUTPUT)
            if midi:
                record["midi_port"] = self._new_port(b"midi_in", MIDI, IS_INPUT)

    def start(self, engine: Engine) -> None:
        """Begin; the engine must live until `close`.

        Raises
        ------
        DeviceError
        """
        code, here = load(ENGINE_UNIT), ctypes.c_void_p(self._state.address)
        self._read = code.function("read_word", ctypes.c_int64, result=ctypes.c_int64)
        self._state.record["engine"] = engine.address
        self._state.lock()
        with self._closing_on_error():
            jack, client = self._jack, self._client
            jack.jack_set_process_callback(client, ctypes.c_void_p(code["jack_process"]), here)
            jack.jack_set_xrun_callback(client, ctypes.c_void_p(code["jack_xrun"]), here)
            jack.jack_on_shutdown(client, ctypes.c_void_p(code["jack_shutdown"]), here)
            sources = self._ports_of(self.source, IS_OUTPUT, self.inputs)
            targets = self._ports_of(self.target, IS_INPUT, self.outputs)
            if jack.jack_activate(client) != 0:
                raise DeviceError("the JACK server refused to start the stream")
            for number, port in enumerate(sources):
                self._connect(port, self._name("ports_in", number))
            for number, port in enumerate(targets):
                self._connect(self._name("ports_out", number), port)

    @property
    def active(self) -> bool:
        """Whether the server still calls."""
        return self._client is not None and self._read(self._state.field_address("down")) == 0

    def connect_midi(self, port_name: str) -> bool:
        """Connect a MIDI output port, by its full name, to ``midi_in``; call it after `start`.

        Returns
        -------
        bool
            Whether they are connected now; False too where there is no such port.
        """
        if not self._has_midi or port_name.encode() not in _names(self._client, MIDI, IS_OUTPUT):
            return False
        here = self._jack.jack_port_name(self._midi_port)
        return self._jack.jack_connect(self._client, port_name.encode(), here) in (0, EXISTS)

    @property
    def _has_midi(self) -> bool:
        return self._client is not None and bool(self._state.record["midi_port"])

    @property
    def _midi_port(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(int(self._state.record["midi_port"]))

    @property
    def midi_connected(self) -> bool:
        """Whether anything is connected to ``midi_in``."""
        return self._has_midi and self._jack.jack_port_connected(self._midi_port) > 0

    def close(self) -> None:
        """Leave the server; afterwards no callback comes."""
        if self._client is not None:
            self._jack.jack_client_close(self._client)
            self._client = None

    @contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _register(self, name: str, count: int, flags: int) -> list[int]:
        numbers = range(1, count + 1)
        return [self._new_port(f"{name}_{number}".encode(), AUDIO, flags) for number in numbers]

    def _new_port(self, name: bytes, kind: bytes, flags: int) -> int:
        port: int | None = self._jack.jack_port_register(self._client, name, kind, flags, 0)
        if not port:
            raise DeviceError("the JACK server has no ports left")
        return port

    def _name(self, ports: str, number: int) -> bytes:
        port = ctypes.c_void_p(int(self._state.arrays[ports][number]))
        name: bytes = self._jack.jack_port_name(port)
        return name

    def _ports_of(self, device: Device, flags: int, count: int) -> list[bytes]:
        """Names of a client's first audio ports, in the server's order."""
        names = _names(self._client, AUDIO, flags)
        ports = [name for name in names if name.startswith(device.name.encode() + b":")]
        if len(ports) < count:
            raise DeviceError(f"{device.name} has {len(ports)} ports on the JACK server, asked for {count}")
        return ports[:count]

    def _connect(self, source: bytes, target: bytes) -> None:
        if self._jack.jack_connect(self._client, source, target) not in (0, EXISTS):
            raise DeviceError(f"{source.decode()} could not be connected to {target.decode()}")


def midi_ports() -> list[str]:
    """Full names of the JACK server's MIDI output ports; none where no server runs.

    Raises
    ------
    DeviceError
        when JACK's library is not installed.
    """
    jack = _library()
    client = _open_client(jack)
    if not client:
        return []
    try:
        return [name.decode() for name in _names(client, MIDI, IS_OUTPUT)]
    finally:
        jack.jack_client_close(client)


def _names(client: int, kind: bytes, flags: int) -> list[bytes]:
    """Full names of the ports of a kind, in the server's order."""
    found = _library().jack_get_ports(client, None, kind, flags)
    names: list[bytes] = []
    while found and (name := found[len(names)]) is not None:
        names.append(name)
    _library().jack_free(found)
    return names


def _open_client(jack: Any) -> Any:
    """A new client, or None: a busy server refuses one now and then, and takes it the next time."""
    for _ in range(OPENINGS):
        if client := jack.jack_client_open(CLIENT, NO_START_SERVER, None):
            return client
    return None


@cache
def _library() -> Any:
    name = ctypes.util.find_library("jack")
    if name is None:
        raise DeviceError("JACK's library is not installed: apt install libjack-jackd2-0")
    jack = ctypes.CDLL(name)
    pointer, text, word, flags = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_ulong
    for function, result, arguments in (
        ("jack_client_open", pointer, [text, ctypes.c_int, pointer]),
        ("jack_client_close", ctypes.c_int, [pointer]),
        ("jack_activate", ctypes.c_int, [pointer]),
        ("jack_get_buffer_size", word, [pointer]),
        ("jack_get_sample_rate", word, [pointer]),
        ("jack_set_process_callback", ctypes.c_int, [pointer] * 3),
        ("jack_set_xrun_callback", ctypes.c_int, [pointer] * 3),
        ("jack_on_shutdown", None, [pointer] * 3),
        ("jack_port_register", pointer, [pointer, text, text, flags, flags]),
        ("jack_port_name", text, [pointer]),
        ("jack_port_connected", ctypes.c_int, [pointer]),
        ("jack_port_get_buffer", pointer, [pointer, word]),
        ("jack_midi_get_event_count", word, [pointer]),
        ("jack_midi_event_get", ctypes.c_int, [pointer, pointer, word]),
        ("jack_get_ports", ctypes.POINTER(text), [pointer, text, text, flags]),
        ("jack_connect", ctypes.c_int, [pointer, text, text]),
        ("jack_free", None, [pointer]),
    ):
        getattr(jack, function).restype, getattr(jack, function).argtypes = result, arguments
    return jack
