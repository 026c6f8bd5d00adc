"""Whatever bytes a MIDI file holds, it is a song or a sentence."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tonerig.realtime.midi.files import SongError

from .songs import chunk, song_bytes, tempo
from .written import HEADER, OFF, ON, PLAIN, RATE, hexed, read


def check_any(folder: Path, raw: bytes) -> None:
    """A song with whole messages in order, or a sentence."""
    try:
        song = read(folder, raw)
    except SongError as error:
        assert str(error).startswith("song.mid: ") and str(error).isprintable()
        return
    events = song.events
    assert (np.diff(events["frame"]) >= 0).all() and (events["frame"] >= 0).all()
    assert (events["frame"] <= song.seconds * RATE + 0.5).all()
    assert ((events["status"] >= 0x80) & (events["status"] < 0xF0)).all()
    assert (events["data1"] < 0x80).all() and (events["data2"] < 0x80).all()
    assert (events["size"] == np.where(np.isin(events["status"] >> 4, (0xC, 0xD)), 2, 3)).all()
    assert 0 <= song.unended <= song.notes <= len(events)
    assert song.seconds <= 6 * 3600 and song.name.isprintable()


FORMAT_1 = song_bytes(
    [(0, b"\xff\x03\x04Song"), (0, tempo(400_000)), (960, tempo(600_000))],
    [(0, b"\xc0\x05"), (0, ON), (480, b"\xe0\x00\x50"), (960, OFF), (960, b"\xf0\x03\x7d\x01\xf7")],
)


@given(
    raw=st.sampled_from([hexed(PLAIN), FORMAT_1]),
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    dropped=st.tuples(st.integers(0, 200), st.integers(0, 3)),
)
@settings(max_examples=300, deadline=None)
def test_changed_files_are_played_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    raw: bytes,
    changes: list[tuple[int, int]],
    dropped: tuple[int, int],
) -> None:
    """A good file with a few bytes changed, and some left out."""
    mutated = bytearray(raw)
    for place, value in changes:
        mutated[place % len(raw)] = value
    del mutated[dropped[0] : dropped[0] + dropped[1]]
    check_any(tmp_path_factory.getbasetemp(), bytes(mutated))


@given(
    head=st.sampled_from(["", HEADER, HEADER + "00 01 00 02 00 60 4D 54 72 6B"]),
    division=st.integers(0, 0xFFFF),
    kind=st.integers(0, 2),
    content=st.binary(max_size=200),
    other=st.binary(max_size=200),
)
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_played_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    head: str,
    division: int,
    kind: int,
    content: bytes,
    other: bytes,
) -> None:
    """Bytes at large, behind a header, and as tracks of a file that is whole otherwise."""
    folder = tmp_path_factory.getbasetemp()
    check_any(folder, hexed(head) + content)
    header = chunk(b"MThd", struct.pack(">HHH", kind, 2, division))
    check_any(folder, header + chunk(b"MTrk", content) + chunk(b"MTrk", other))
