"""Parse one track of a MIDI file into channel messages at ticks, tempo changes and a name.

The table of messages and their lengths is mido's. Its `MidiFile` is not used: it refuses whole songs
over what nobody plays (a key signature of eight sharps, an escaped byte in a system exclusive message, a
chunk that it does not know), and knows no SMPTE time. The format is that of "Standard MIDI Files 1.0"
(RP-001 of the MIDI Association).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from mido.messages.specs import SPEC_BY_STATUS

SYSEX, ESCAPE, META = 0xF0, 0xF7, 0xFF
TRACK_NAME, END_OF_TRACK, TEMPO = 0x03, 0x2F, 0x51
LENGTHS = {
    status: int(spec["length"]) for status, spec in SPEC_BY_STATUS.items() if status not in (SYSEX, META)
}
"""Bytes of each message by its status, which counts. System messages have no place in a file, but come."""


class FormatError(ValueError):
    """What is wrong with a MIDI file, yet without its name."""


@dataclass
class Track:
    """What one track plays: a message (status, data and size, lowest byte first) for each of ``ticks``.

    ``tempos`` are pairs of tick and microseconds per beat, ``end`` is the last tick so far.
    """

    ticks: array[int] = field(default_factory=lambda: array("q"))
    messages: array[int] = field(default_factory=lambda: array("I"))
    tempos: list[tuple[int, int]] = field(default_factory=list)
    name: bytes = b""
    end: int = 0
    ended: bool = False


def read_track(data: bytes, start: int) -> Track:
    """One track, up to its end-of-track event or the end of its chunk.

    A status runs on past meta and system events too: the standard forbids it, but some files need it.

    Parameters
    ----------
    data : the chunk's content
    start : where in the file it is, for messages
    """
    track = Track()
    place = tick = running = 0
    try:
        while place < len(data) and not track.ended:
            delta = data[place]
            place += 1
            if delta > 0x7F:
                delta, place = _number(data, place - 1, start)
            tick += delta
            track.end = tick
            status = data[place]
            if status >= SYSEX:
                place = _skip(track, data, place, start)
                continue
            if status > 0x7F:
                place += 1
                running = status
            elif running:
                status = running
            else:
                raise FormatError(
                    f"the data byte 0x{status:02X} at byte {start + place} has no status before it"
                )
            size = LENGTHS[status]
            first = data[place]
            second = data[place + 1] if size == 3 else 0
            if (first | second) > 0x7F:
                found = data[place : place + size - 1].hex(" ").upper()
                raise FormatError(
                    f"the message 0x{status:02X} has the data {found} at byte {start + place}, "
                    "expected 00 to 7F; get the file anew"
                )
            place += size - 1
            track.ticks.append(tick)
            track.messages.append(status | first << 8 | second << 16 | size << 24)
    except IndexError:
        raise FormatError(
            f"an event breaks off with the track, at byte {start + len(data)}; get the file anew"
        ) from None
    return track


def _skip(track: Track, data: bytes, place: int, start: int) -> int:
    """The place after a meta or system event; of what it says, name, tempo and end go into ``track``.

    Raises
    ------
    IndexError
        If it breaks off.
    """
    status = data[place]
    kind = data[place + 1] if status == META else None
    if status in (META, SYSEX, ESCAPE):
        size, place = _number(data, place + (1 if kind is None else 2), start)
    elif status in LENGTHS:
        size, place = LENGTHS[status] - 1, place + 1
    else:
        raise FormatError(f"0x{status:02X} at byte {start + place} begins no event; get the file anew")
    content = data[place : place + size]
    if len(content) < size:
        raise IndexError
    if kind == END_OF_TRACK:
        track.ended = True
    elif kind == TEMPO:
        track.tempos.append((track.end, _tempo(content, track.end)))
    elif kind == TRACK_NAME and not track.name:
        track.name = content
    return place + size


def _number(data: bytes, place: int, start: int) -> tuple[int, int]:
    """A number of up to four bytes of seven bits, and the place after it.

    Raises
    ------
    IndexError
        If it breaks off.
    """
    number = 0
    for k in range(place, place + 4):
        byte = data[k]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, k + 1
    raise FormatError(f"the number at byte {start + place} has more than four bytes; export the file anew")


def _tempo(content: bytes, tick: int) -> int:
    tempo = int.from_bytes(content, "big")
    if len(content) != 3:
        raise FormatError(f"the tempo at tick {tick} has {len(content)} bytes, expected 3; export it anew")
    if tempo == 0:
        raise FormatError(
            f"the tempo at tick {tick} is 0 microseconds per beat, expected 1 or more; "
            "take that tempo change out"
        )
    return tempo
