"""A track's bytes, as they stand in a file, and the messages that come of them."""

from __future__ import annotations

import mido
import pytest
from tonerig.realtime.midi.tracks import FormatError, Track, read_track

from .songs import number


def track_of(text: str, start: int = 22) -> Track:
    """A track from hex, what follows ``#`` in a line being a remark."""
    return read_track(bytes.fromhex("".join(line.split("#")[0] for line in text.splitlines())), start)


def messages(track: Track) -> list[tuple[int, bytes]]:
    """Tick and bytes of each message."""
    packed = (message.to_bytes(4, "little") for message in track.messages)
    return [(tick, four[: four[3]]) for tick, four in zip(track.ticks, packed, strict=True)]


def test_every_channel_message_is_read() -> None:
    """Each of the seven kinds, on another channel, after a time of one to four bytes."""
    track = track_of("""
        00           90 3C 40  # note on, C4
        40           81 3C 00  # note off, 64 ticks later
        7F           A2 3C 11  # key pressure, 127 later
        81 00        B3 07 7F  # volume, 128 later
        FF 7F        C4 05     # program, 16383 later
        81 80 00     D5 66     # channel pressure, 16384 later
        C0 80 80 00  EF 00 40  # pitch bend, 2^27 later
        00           FF 2F 00  # end of track
    """)
    assert messages(track) == [
        (0, b"\x90\x3c\x40"),
        (64, b"\x81\x3c\x00"),
        (191, b"\xa2\x3c\x11"),
        (319, b"\xb3\x07\x7f"),
        (16702, b"\xc4\x05"),
        (33086, b"\xd5\x66"),
        (33086 + 2**27, b"\xef\x00\x40"),
    ]
    assert track.ended and track.end == 33086 + 2**27


def test_running_status_goes_on_until_another_status() -> None:
    """A chord under one status, two programs under the next, with meta and system events between."""
    track = track_of("""
        00 90 3C 40
        00    40 40
        0A FF 01 02 68 69     # text "hi"
        00    43 40           # the standard wants a status here; not all writers know
        00 F0 03 7D 01 F7     # system exclusive
        0A    3C 00
        00 C0 05
        00    06
        00 F8                 # clock
        05    07
    """)
    assert messages(track) == [
        (0, b"\x90\x3c\x40"),
        (0, b"\x90\x40\x40"),
        (10, b"\x90\x43\x40"),
        (20, b"\x90\x3c\x00"),
        (20, b"\xc0\x05"),
        (20, b"\xc0\x06"),
        (25, b"\xc0\x07"),
    ]


def test_what_nobody_plays_is_stepped_over() -> None:
    """Meta events that mido refuses, escaped bytes, split system exclusive, song position: time goes on."""
    track = track_of("""
        01 FF 59 02 08 00     # key signature of eight sharps
        01 FF 54 05 FF 00 00 00 00  # SMPTE offset with frames that there are none of
        01 FF 7F 03 00 FF 90  # a sequencer's own
        01 F7 03 F8 FF 90     # escaped
        01 F0 02 7D 01        # system exclusive, to be continued
        01 F7 02 02 F7        # and ended
        01 F2 10 20           # song position
        01 90 3C 40
    """)
    assert messages(track) == [(8, b"\x90\x3c\x40")]


def test_nothing_counts_after_the_end_of_the_track() -> None:
    """The end-of-track event ends it, whatever the chunk has behind it; without one, the chunk's end does."""
    ended = track_of("10 90 3C 40  10 FF 2F 00  10 80 3C 40  99 99")
    assert messages(ended) == [(16, b"\x90\x3c\x40")] and ended.end == 32
    endless = track_of("10 90 3C 40  10 80 3C 40")
    assert len(messages(endless)) == 2 and endless.end == 32 and not endless.ended


def test_tempo_and_name_are_kept() -> None:
    """The first name, as bytes, and each tempo with its tick."""
    track = track_of("""
        00 FF 03 04 42 61 73 73  # "Bass"
        00 FF 51 03 07 A1 20     # 500 000 microseconds per beat
        60 FF 51 03 03 D0 90     # 250 000
        00 FF 03 01 41           # "A"
    """)
    assert track.name == b"Bass"
    assert track.tempos == [(0, 500_000), (96, 250_000)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("00 3C 40", "the data byte 0x3C at byte 23 has no status before it"),
        ("00 90 3C 80", "the message 0x90 has the data 3C 80 at byte 24, expected 00 to 7F"),
        ("00 90 FF 40", "the message 0x90 has the data FF 40 at byte 24, expected 00 to 7F"),
        ("00 C0 90", "the message 0xC0 has the data 90 at byte 24, expected 00 to 7F"),
        ("00 F4", "0xF4 at byte 23 begins no event"),
        ("81 82 83 84 05 90 3C 40", "the number at byte 22 has more than four bytes"),
        ("00 FF 01 80 80 80 80 00", "the number at byte 25 has more than four bytes"),
        ("00 FF 51 02 07 A1", "the tempo at tick 0 has 2 bytes, expected 3"),
        ("60 FF 51 03 00 00 00", "the tempo at tick 96 is 0 microseconds per beat, expected 1 or more"),
    ],
)
def test_bad_bytes_are_refused_where_they_stand(text: str, problem: str) -> None:
    """The sentence says what was found, and at which byte of the file or which tick."""
    with pytest.raises(FormatError) as caught:
        track_of(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "event", ["90 3C 40", "C0 05", "FF 51 03 07 A1 20", "F0 03 7D 01 F7", "F7 02 F8 F8", "F2 10 20"]
)
def test_an_event_that_breaks_off_is_refused(event: str) -> None:
    """Every true beginning of an event, its time included, at the end of a track."""
    whole = bytes.fromhex("81 00") + bytes.fromhex(event)
    assert read_track(whole, 0).end == 128
    for length in range(1, len(whole)):
        with pytest.raises(FormatError, match=rf"an event breaks off with the track, at byte {100 + length}"):
            read_track(whole[:length], 100)


def test_lengths_are_those_of_mido() -> None:
    """Each message that mido can make, other than system exclusive, comes out of a track as it went in."""
    every = [mido.Message.from_bytes([status, 1, 2][:size]) for status, size in SIZES.items()]
    content = b"".join(number(1) + bytes(message.bytes()) for message in every)
    assert messages(read_track(content, 0)) == [(k, bytes(m.bytes())) for k, m in enumerate(every, 1)]


SIZES = {status: 2 if status >> 4 in (0xC, 0xD) else 3 for status in range(0x80, 0xF0)}
