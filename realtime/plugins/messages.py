"""Messages between the host and a worker: JSON over a Unix socket, with file descriptors beside it."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Sequence
from time import monotonic
from typing import Any

from .errors import PluginError

LENGTH = 8
"""Bytes before a message that say how many it has."""
LONGEST = 2**26
"""Bytes of a message; a plugin's state is the largest part of one."""
NOT_FINITE = 96
"""Status with which a worker ends whose plugin put out NaN or Inf."""


class GoneError(PluginError):
    """The other end does not answer any more, or answers nonsense."""


class NonsenseError(GoneError):
    """The other end sends what is no message."""

    def __init__(self) -> None:
        super().__init__("the worker answers nonsense")


def send(end: socket.socket, message: dict[str, Any], files: Sequence[int] = ()) -> None:
    """Send a message, and with it open files.

    Raises
    ------
    GoneError
    """
    text = json.dumps(message).encode()
    try:
        socket.send_fds(end, [len(text).to_bytes(LENGTH, "little")], list(files))
        end.sendall(text)
    except OSError as error:
        raise GoneError(f"the worker is not there: {error.strerror}") from None


def receive(
    end: socket.socket, longest: int = LONGEST, deadline: float = math.inf
) -> tuple[dict[str, Any], list[int]]:
    """The next message, and the files that came with it.

    Parameters
    ----------
    longest : bytes that it may have
    deadline : in s of `monotonic`; without one the socket's timeout is for each part of it

    Raises
    ------
    NonsenseError
        when what comes is no message.
    GoneError
        when nothing comes, or not in time.
    """

    def wait() -> None:
        if deadline < math.inf:
            end.settimeout(max(1e-3, deadline - monotonic()))

    try:
        wait()
        head, files, _, _ = socket.recv_fds(end, LENGTH, 1)
        size = int.from_bytes(head, "little")
        if not head:
            raise GoneError("the worker has ended")
        if len(head) < LENGTH or size > longest:
            raise NonsenseError
        parts, left = [], size
        while left:
            wait()
            part = end.recv(min(left, 2**16))
            if not part:
                raise GoneError("the worker has ended")
            parts.append(part)
            left -= len(part)
        message = json.loads(b"".join(parts))
    except TimeoutError:
        raise GoneError("the worker does not answer") from None
    except OSError as error:
        raise GoneError(f"the worker has ended: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, GoneError):
            raise
        raise NonsenseError from None
    if not isinstance(message, dict):
        raise NonsenseError
    return message, files
