"""Messages over a socket: what arrives is what was sent, and garbage ends in one typed error."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.messages import LENGTH, LONGEST, GoneError, receive, send
from tonerig.realtime.plugins.worker_process import WorkerProcess

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(60.0)
        yield here, there


def _framed(text: bytes) -> bytes:
    return len(text).to_bytes(LENGTH, "little") + text


def _hear(sent: bytes) -> dict[str, Any]:
    """What `receive` makes of bytes after which the other end closes."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(1.0)
        there.sendall(sent)
        there.shutdown(socket.SHUT_WR)
        return receive(here)[0]


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_is_sent_arrives(message: dict[str, Any]) -> None:
    """Any JSON object, written and read back, is itself."""
    here, there = socket.socketpair()
    with here, there:
        send(there, message)
        assert receive(here) == (message, [])


def test_messages_keep_their_order_and_their_length(ends: tuple[socket.socket, socket.socket]) -> None:
    """A megabyte of state, longer than the socket's buffer, and a short message behind it."""
    here, there = ends
    state = {"raw_state": "a" * 2**20}

    def speak() -> None:
        send(there, state)
        send(there, {"reset": True})

    speaker = threading.Thread(target=speak)
    speaker.start()
    assert [receive(here)[0], receive(here)[0]] == [state, {"reset": True}]
    speaker.join()


def test_an_open_file_comes_with_a_message(ends: tuple[socket.socket, socket.socket]) -> None:
    """The descriptor that arrives is another one of the same file."""
    here, there = ends
    file = os.memfd_create("test")
    os.write(file, b"shared")
    send(there, {}, [file])
    _, (received,) = receive(here)
    assert received != file
    assert os.pread(received, 10, 0) == b"shared"
    os.close(file)
    os.close(received)


@given(st.binary(max_size=64))
def test_garbage_is_an_error_of_one_kind(garbage: bytes) -> None:
    """Bytes from the other end are an object, or `GoneError`."""
    try:
        assert isinstance(_hear(garbage), dict)
    except GoneError as error:
        assert "worker" in str(error)


@given(st.binary(max_size=64) | JSON.map(lambda data: json.dumps(data).encode()) | st.text().map(str.encode))
def test_garbage_of_the_right_length_is_an_error_of_one_kind(text: bytes) -> None:
    """So are bytes that say how many they are."""
    try:
        assert _hear(_framed(text)) == json.loads(text)
    except GoneError as error:
        assert str(error) == "the worker answers nonsense"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"", "the worker has ended"),
        (b"\x05\x00\x00", "the worker answers nonsense"),
        (_framed(b"{}")[:-1], "the worker has ended"),
        ((LONGEST + 1).to_bytes(LENGTH, "little"), "the worker answers nonsense"),
        (_framed(b"[1]"), "the worker answers nonsense"),
        (_framed(b"[" * 100_000), "the worker answers nonsense"),
        (_framed(b'{"a": "\xff"}'), "the worker answers nonsense"),
        (_framed(b"1" * 5000), "the worker answers nonsense"),
    ],
)
def test_each_way_to_go_wrong_has_its_sentence(sent: bytes, sentence: str) -> None:
    """An end before, in the middle of and instead of a message, and texts that are no object."""
    with pytest.raises(GoneError, match=f"^{sentence}$"):
        _hear(sent)


def test_silence_is_an_end_too(ends: tuple[socket.socket, socket.socket]) -> None:
    """Nothing, or a half of a message, within the socket's time."""
    here, there = ends
    here.settimeout(0.2)
    with pytest.raises(GoneError, match="does not answer"):
        receive(here)
    there.sendall(_framed(b"{}")[:-1])
    with pytest.raises(GoneError, match="does not answer"):
        receive(here)


def test_speaking_to_nobody_is_an_error_of_the_same_kind(ends: tuple[socket.socket, socket.socket]) -> None:
    """Where the other end has closed, a message cannot be sent."""
    here, there = ends
    there.close()
    with pytest.raises(GoneError, match="is not there"):
        send(here, {"request": "state"})


@given(JSON)
def test_a_worker_that_answers_anything_at_all(answer: Any) -> None:
    """Whatever object comes for an answer, asking gives it or a `PluginError` of a bounded length."""
    here, there = socket.socketpair()
    worker = WorkerProcess.__new__(WorkerProcess)
    worker.socket = here
    with here, there:
        there.sendall(_framed(json.dumps(answer).encode()))
        try:
            assert worker.ask(None, 1.0) == answer
        except PluginError as error:
            assert len(str(error)) <= 1000
