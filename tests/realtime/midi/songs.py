"""MIDI files as bytes, for the tests that read or play them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

END_OF_TRACK = bytes.fromhex("FF 2F 00")


def song_bytes(
    *tracks: Sequence[tuple[int, bytes]], division: int = 480, format: int | None = None, end: int = 0
) -> bytes:
    """A whole file of tracks, each a list of ticks since the start, in order, and events as a file has them.

    Parameters
    ----------
    tracks : a meta event has its length in it (``FF 51 03 ...``), a system exclusive one too (``F0 05 ...``)
    division : ticks per beat, or the two bytes of SMPTE time
    format : 0 for one track, 1 for more, unless said otherwise
    end : the tick of the end of each track, at least that of its last event
    """
    kind = int(len(tracks) > 1) if format is None else format
    chunks = [chunk(b"MThd", struct.pack(">HHH", kind, len(tracks), division))]
    for track in tracks:
        last = max(end, track[-1][0] if track else 0)
        content = bytearray()
        now = 0
        for tick, event in [*track, (last, END_OF_TRACK)]:
            content += number(tick - now) + event
            now = tick
        chunks.append(chunk(b"MTrk", bytes(content)))
    return b"".join(chunks)


def chunk(name: bytes, content: bytes) -> bytes:
    """Name, length, content."""
    return name + struct.pack(">I", len(content)) + content


def number(value: int) -> bytes:
    """A number of 0 to 2^28 − 1, seven bits to a byte, the highest first, all but the last marked."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))


def tempo(microseconds: int) -> bytes:
    """A tempo change, in microseconds per beat."""
    return bytes.fromhex("FF 51 03") + microseconds.to_bytes(3, "big")
