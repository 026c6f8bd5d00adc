"""MIDI files, written out byte by byte, as events in samples; and bad ones, as sentences."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.midi.files import MAX_BYTES, Song, SongError, read_song

from .songs import chunk, number, song_bytes, tempo
from .written import HEADER, OFF, ON, PLAIN, RATE, hexed, read


def played(song: Song) -> list[tuple[int, str]]:
    """Frame and bytes of each event."""
    return [
        (int(event["frame"]), bytes(event.tolist()[1 : 1 + event["size"]]).hex(" ")) for event in song.events
    ]


def refusal(folder: Path, raw: bytes) -> str:
    """The sentence that a file of these bytes is refused with."""
    with pytest.raises(SongError) as caught:
        read(folder, raw)
    return str(caught.value)


def test_format_0(tmp_path: Path) -> None:
    """One track at 120 beats a minute, half a second each; its name, channel, length and notes."""
    song = read(tmp_path, hexed(PLAIN))
    assert song.events.dtype == EVENT
    assert played(song) == [
        (0, "92 24 64"),
        (24000, "92 24 00"),
        (24000, "92 2b 50"),
        (72000, "92 2b 00"),
    ]
    assert (song.name, song.channels, song.seconds) == ("Bass", (3,), 1.75)
    assert (song.notes, song.unended) == (2, 0)


def test_format_1_has_one_tempo_map_and_keeps_the_order_of_tracks(tmp_path: Path) -> None:
    """Tempo changes in both tracks count for both; at one tick the first track's events come first."""
    song = read(
        tmp_path,
        hexed("""
            4D 54 68 64  00 00 00 06
            00 01  00 02  00 60        # format 1, two tracks, 96 ticks per beat
            4D 54 72 6B  00 00 00 0F
            60  FF 51 03 0F 42 40      # after a beat of 0.5 s: 1 s per beat
            60  90 3C 40               # after another beat: at 1.5 s
            00  FF 2F 00
            58 46 49 48  00 00 00 03   # a chunk "XFIH" that some keyboards write
            01 02 03
            4D 54 72 6B  00 00 00 18
            81 40  91 40 40            # at two beats as well
            00     B1 07 7F
            60     FF 51 03 03 D0 90   # a beat later, at 2.5 s: 0.25 s per beat
            60     81 40 40            # a beat later: 2.75 s
            00     FF 2F 00
        """),
    )
    assert played(song) == [
        (72000, "90 3c 40"),
        (72000, "91 40 40"),
        (72000, "b1 07 7f"),
        (132000, "81 40 40"),
    ]
    assert (song.seconds, song.channels, song.notes, song.unended) == (2.75, (1, 2), 2, 1)
    assert song.name == "song"


def test_format_2_plays_its_tracks_one_after_another(tmp_path: Path) -> None:
    """Each track starts when the one before has ended, at 120 beats a minute, with its own tempo."""
    first = [(0, tempo(1_000_000)), (96, ON), (192, OFF)]
    song = read(tmp_path, song_bytes(first, [(96, ON), (192, OFF)], division=96, format=2))
    assert [frame for frame, _ in played(song)] == [48000, 96000, 120000, 144000]
    assert song.seconds == 3.0


@pytest.mark.parametrize(
    ("division", "per_second"),
    [
        ("E8 04", Fraction(24 * 4)),  # −24: film
        ("E7 28", Fraction(25 * 40)),  # −25: one tick a millisecond
        ("E3 50", Fraction(30_000, 1001) * 80),  # −29: 29.97, drop frame
        ("E2 50", Fraction(30 * 80)),  # −30
    ],
)
def test_smpte_time_ignores_tempo(tmp_path: Path, division: str, per_second: Fraction) -> None:
    """A tick is a part of a frame of film or video, whatever the tempo says."""
    ticks = [0, 1, 7, 1000, 123_457]
    track = [(0, tempo(250_000)), *((tick, ON) for tick in ticks)]
    song = read(tmp_path, song_bytes(track, division=int.from_bytes(bytes.fromhex(division), "big")))
    assert [frame for frame, _ in played(song)] == [round(tick / per_second * 48000) for tick in ticks]
    assert song.seconds == pytest.approx(float(ticks[-1] / per_second), rel=1e-12)


CHANGES = st.lists(
    st.tuples(st.integers(0, 2000), st.one_of(st.integers(1, 2_000_000), st.none())), min_size=1, max_size=30
)


def with_tempos(changes: Sequence[tuple[int, int | None]]) -> list[tuple[int, bytes]]:
    """A track of notes and tempo changes (delta ticks, tempo or None for a note)."""
    ticks = np.cumsum([delta for delta, _ in changes])
    return [
        (int(tick), ON if new is None else tempo(new)) for tick, (_, new) in zip(ticks, changes, strict=True)
    ]


@given(tracks=st.lists(CHANGES, min_size=1, max_size=3), division=st.integers(1, 32767))
@settings(max_examples=60, deadline=None)
def test_frames_are_exact_under_any_tempo_map(
    tmp_path_factory: pytest.TempPathFactory, tracks: list[list[tuple[int, int | None]]], division: int
) -> None:
    """Each event's frame is its time, summed tick by tick's tempo in fractions, rounded once."""
    songs = [with_tempos(changes) for changes in tracks]
    song = read(tmp_path_factory.getbasetemp(), song_bytes(*songs, division=division), 44100.0)
    merged = sorted((item for track in songs for item in track), key=lambda item: item[0])
    now, seconds, beat, expected = 0, Fraction(0), 500_000, []
    for tick, event in merged:
        seconds += Fraction((tick - now) * beat, division * 1_000_000)
        now = tick
        if event == ON:
            expected.append(round(seconds * 44100))
        else:
            beat = int.from_bytes(event[3:], "big")
    assert song.events["frame"].tolist() == expected


@given(tracks=st.lists(CHANGES, min_size=1, max_size=3), division=st.integers(24, 960))
@settings(max_examples=40, deadline=None)
def test_times_are_those_of_mido(
    tmp_path_factory: pytest.TempPathFactory, tracks: list[list[tuple[int, int | None]]], division: int
) -> None:
    """mido's own play times of its own files, to the sample."""
    file = mido.MidiFile(ticks_per_beat=division)
    for k, changes in enumerate(tracks):
        track = file.add_track()
        for delta, new in changes:
            if new is None:
                track.append(mido.Message("note_on", channel=k, note=60 + k, time=delta))
            else:
                track.append(mido.MetaMessage("set_tempo", tempo=new, time=delta))
    raw = io.BytesIO()
    file.save(file=raw)
    song = read(tmp_path_factory.getbasetemp(), raw.getvalue())
    expected, now = [], 0.0
    for message in file:
        now += message.time
        if not message.is_meta:
            expected.append((now, bytes(message.bytes()).hex(" ")))
    assert [message for _, message in played(song)] == [message for _, message in expected]
    times = np.array([time for time, _ in expected])
    np.testing.assert_allclose(song.events["frame"], times * RATE, rtol=0, atol=0.5 + 1e-3)
    assert song.seconds == pytest.approx(now, rel=1e-9)


def test_a_long_song_does_not_drift(tmp_path: Path) -> None:
    """Five hours of ticks of 1/3 sample: the last event's frame is right to the sample."""
    ticks = np.arange(0, 5 * 3600 * 144_000, 1_000_003)
    song = read(tmp_path, song_bytes([(0, tempo(100_000)), *((int(t), ON) for t in ticks)], division=14400))
    assert song.events["frame"].tolist() == [round(Fraction(int(tick), 3)) for tick in ticks]


@pytest.mark.parametrize("tracks", [1, 2])
def test_a_hundred_thousand_events_at_one_tick(tmp_path: Path, tracks: int) -> None:
    """All are there, in the order in which the file has them, between one before and one after."""
    middle = [bytes((0x90 + k % 16, k // 16 % 128, 1 + k // 2048)) for k in range(100_000)]
    parts = np.array_split(np.arange(100_000), tracks)
    songs = [[(4, ON), *((5, middle[k]) for k in part), (6, OFF)] for part in parts]
    song = read(tmp_path, song_bytes(*songs))
    assert song.notes == 100_000 + tracks
    expected = [ON] * tracks + middle + [OFF] * tracks
    order = np.stack([song.events[name] for name in ("status", "data1", "data2")], axis=1)
    assert order.tobytes() == b"".join(expected)
    assert (song.events["frame"][tracks:-tracks] == 5 * 50).all()


@pytest.mark.parametrize(
    ("events", "unended"),
    [
        ("90 3C 40", 1),
        ("90 3C 40 / 80 3C 00", 0),
        ("90 3C 40 / 90 3C 00", 0),
        ("90 3C 40 / 81 3C 00", 1),  # another channel
        ("90 3C 40 / 80 3D 00", 1),  # another key
        ("90 3C 40 / 90 3C 40 / 80 3C 00", 1),
        ("80 3C 00 / 80 3C 00 / 90 3C 40", 1),  # what ends nothing does not count for later
        ("90 3C 40 / 90 3D 40 / 91 3C 40 / B0 7B 00", 1),  # all notes off, channel 1
        ("90 3C 40 / B0 78 00 / 90 3C 40", 1),  # all sound off, then another
        ("90 3C 40 / B0 40 00", 1),  # the pedal ends no key
        ("C0 05 / B0 07 64", 0),
    ],
)
def test_notes_without_ends_are_counted(tmp_path: Path, events: str, unended: int) -> None:
    """A note is ended by a note-off on its channel and key, one each, or by all notes off."""
    track = [(k, bytes.fromhex(event)) for k, event in enumerate(events.split("/"))]
    assert read(tmp_path, song_bytes(track)).unended == unended


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from([0x80, 0x81, 0x90, 0x91, 0xB0, 0xB1]),
            st.sampled_from([7, 60, 123]),
            st.integers(0, 2),
        )
    )
)
@settings(max_examples=60, deadline=None)
def test_the_count_of_unended_notes_is_that_of_a_plain_list(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int, int]]
) -> None:
    """Kept as a list of sounding notes, event by event, it comes to the same."""
    song = read(tmp_path_factory.getbasetemp(), song_bytes([(k, bytes(e)) for k, e in enumerate(events)]))
    sounding: list[tuple[int, int]] = []
    for status, data1, data2 in events:
        note = (status & 15, data1)
        if status >= 0xB0:
            sounding = [other for other in sounding if data1 != 123 or other[0] != note[0]]
        elif status >= 0x90 and data2:
            sounding.append(note)
        elif note in sounding:
            sounding.remove(note)
    assert song.unended == len(sounding)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"B\xc3\xa4sse", "Bässe"),
        (b"B\xe4sse", "Bässe"),
        (b" \0Bass\0", "Bass"),
        (b"\x1b[2J", "\\x1b[2J"),
        (b"a\nb", "a\\nb"),
        (b"\0", "song"),
        (b"x" * 5000, "x" * 200),
    ],
)
def test_names_are_safe_to_print(tmp_path: Path, written: bytes, name: str) -> None:
    """UTF-8 or Latin-1, trimmed, controls escaped; one of nothing gives way to the file's."""
    event = b"\xff\x03" + number(len(written)) + written
    assert read(tmp_path, song_bytes([(0, event)])).name == name


def test_a_riff_container_is_opened(tmp_path: Path) -> None:
    """RMID: little-endian chunks, padded to even sizes, one of which is the MIDI file."""
    raw = song_bytes([(0, b"\xff\x03\x01A"), (0, ON)])
    about = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"\0"
    body = b"RMID" + about + b"data" + struct.pack("<I", len(raw)) + raw
    song = read(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body)
    assert song.name == "A" and song.notes == 1
    problem = refusal(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + b"RMID" + about)
    assert "is a RIFF container for MIDI without a MIDI file in it" in problem


def test_a_longer_header_and_bytes_after_the_tracks_are_stepped_over(tmp_path: Path) -> None:
    """The header says how long it is, and how many tracks follow; what else follows is not ours."""
    header = chunk(b"MThd", bytes.fromhex("00 00 00 01 00 60") + b"more")
    raw = header + chunk(b"MTrk", b"\0" + ON) + b"garbage" + chunk(b"MTrk", b"\0" + ON)
    assert read(tmp_path, raw).notes == 1


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "is empty, expected a MIDI file"),
        (b"PK\x03\x04zip", 'is no MIDI file: it begins with "PK\\x03\\x04", expected "MThd"'),
        (b"RIFF\x24\0\0\0WAVEfmt ", 'it begins with "RIFFWAVE"'),
        (b"\x1b]0;", 'it begins with "\\x1b]0;"'),
        (hexed(HEADER + "00 00 00"), "breaks off in its header, after 11 bytes"),
        (hexed("4D 54 68 64 00 00 00 05 00 00 00 01 00 60"), "has a header of 5 bytes, expected 6"),
        (hexed(HEADER + "00 03 00 01 00 60"), "is of format 3, expected 0, 1 or 2"),
        (hexed(HEADER + "00 00 00 00 00 60"), "has no tracks, so there is nothing to play"),
        (hexed(HEADER + "00 00 00 01 00 00"), "divides a beat into 0 ticks, expected 1 to 32767"),
        (hexed(HEADER + "00 00 00 01 E7 00"), "divides an SMPTE frame into 0 ticks, expected 1 to 255"),
        (
            hexed(HEADER + "00 00 00 01 80 01"),
            "counts 128 SMPTE frames per second, expected 24, 25, 29 or 30",
        ),
        (hexed(HEADER + "00 01 00 02 00 60"), "promises 2 tracks, but has 0"),
        (hexed("4D 54 68 64 FF FF FF FF 00 00 00 01 00 60"), "promises 1 tracks, but has 0"),
        (
            hexed(HEADER + "00 00 00 01 00 60 4D 54 72 6B FF FF FF FF 00 90 3C 40"),
            "promises 4294967295 bytes in track 1, but 4 are there",
        ),
        (
            song_bytes([(0, ON)], [(7, tempo(0))]),
            "in track 2, the tempo at tick 7 is 0 microseconds per beat",
        ),
        (song_bytes([(0, b"\x90\x3c\x80")]), "in track 1, the message 0x90 has the data 3C 80 at byte 24"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path: Path, raw: bytes, problem: str) -> None:
    """It names the file and says what was found, without a control character of theirs."""
    text = refusal(tmp_path, raw)
    assert text.startswith("song.mid: ") and problem in text
    assert text.isprintable()


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    """Cut off after any number of bytes, a song is not taken for a shorter one."""
    raw = hexed(PLAIN)
    for length in range(len(raw)):
        assert refusal(tmp_path, raw[:length]).startswith("song.mid: ")


def test_a_track_shorter_or_longer_than_it_says_is_refused(tmp_path: Path) -> None:
    """A length one too small breaks the end-of-track event off; one too large goes past the file."""
    raw = bytearray(hexed(PLAIN))
    raw[21] -= 1
    assert "in track 1, an event breaks off with the track, at byte 47" in refusal(tmp_path, bytes(raw))
    raw[21] += 2
    assert "promises 27 bytes in track 1, but 26 are there" in refusal(tmp_path, bytes(raw))


def test_a_song_of_days_is_refused_with_its_length(tmp_path: Path) -> None:
    """Huge times and tempos, also such as no 64-bit number holds, and tracks of format 2 together."""
    one = [(2**28 - 1, ON)]
    assert "lasts 77.67 hours, expected at most 6; cut it" in refusal(tmp_path, song_bytes(one))
    slow = [(0, tempo(2**24 - 1)), *((k * (2**28 - 1), ON) for k in range(1, 4096))]
    assert "hours, expected at most 6" in refusal(tmp_path, song_bytes(slow, division=1))
    four_hours = [(4 * 7200 * 480, ON)]
    assert read(tmp_path, song_bytes(four_hours, four_hours)).seconds == 4 * 3600
    assert "lasts 8 hours" in refusal(tmp_path, song_bytes(four_hours, four_hours, format=2))


def test_a_song_whose_frames_cannot_be_counted_is_refused(tmp_path: Path) -> None:
    """At 192 kHz, 2^31 frames are 3.107 hours."""
    (tmp_path / "song.mid").write_bytes(song_bytes([(4 * 7200 * 480, ON)]))
    with pytest.raises(SongError, match=r"lasts 4 hours, expected at most 3\.107"):
        read_song(tmp_path / "song.mid", 192000.0)
    assert read_song(tmp_path / "song.mid", 96000.0).events["frame"].tolist() == [4 * 3600 * 96000]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """One byte more than 16 MB is not even parsed, and no more than that is read."""
    path = tmp_path / "song.mid"
    path.write_bytes(song_bytes([(0, ON)]))
    os.truncate(path, MAX_BYTES)
    assert read_song(path, RATE).notes == 1
    os.truncate(path, 2**40)
    with pytest.raises(SongError, match=r"song\.mid: is larger than 16 MB"):
        read_song(path, RATE)


def test_paths_that_lead_to_no_file_are_refused(tmp_path: Path) -> None:
    """Missing, a folder, a pipe that nobody writes to, names that cannot be or that terminals obey."""
    os.mkfifo(tmp_path / "pipe.mid")
    for name, problem in [
        ("none.mid", "none.mid: does not exist; check the path"),
        (".", ": is a folder; give the path of a MIDI file"),
        ("pipe.mid", "pipe.mid: is no file; give the path of a MIDI file"),
        ("x" * 300, "xxx: cannot be read: File name too long"),
        ("a\0b", "a\\x00b: cannot be read: embedded null byte"),
        ("\x1b[2J\udcff.mid", "\\x1b[2J\\udcff.mid: does not exist"),
    ]:
        with pytest.raises(SongError) as caught:
            read_song(tmp_path / name, RATE)
        assert problem in str(caught.value) and str(caught.value).isprintable()
