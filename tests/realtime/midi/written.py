"""A MIDI file written out byte by byte, and reading of such bytes."""

from __future__ import annotations

from pathlib import Path

from tonerig.realtime.midi.files import Song, read_song

RATE = 48000.0
ON, OFF = b"\x90\x3c\x40", b"\x80\x3c\x40"
HEADER = "4D 54 68 64 00 00 00 06"
"""MThd and its length."""

PLAIN = """
    4D 54 68 64  00 00 00 06   # MThd, 6 bytes
    00 00  00 01  00 60        # format 0, one track, 96 ticks per beat
    4D 54 72 6B  00 00 00 1A   # MTrk, 26 bytes
    00  FF 03 04 42 61 73 73   # its name: "Bass"
    00  92 24 64               # C2 on channel 3
    60  24 00                  # and a beat later off, under the same status, by velocity 0
    00  2B 50                  # G2
    81 40  2B 00               # two beats
    30  FF 2F 00               # the end, half a beat later
"""


def hexed(text: str) -> bytes:
    """Bytes from hex, what follows ``#`` in a line being a remark."""
    return bytes.fromhex("".join(line.split("#")[0] for line in text.splitlines()))


def read(folder: Path, raw: bytes, rate: float = RATE) -> Song:
    """The song in a file of these bytes."""
    path = folder / "song.mid"
    path.write_bytes(raw)
    return read_song(path, rate)
