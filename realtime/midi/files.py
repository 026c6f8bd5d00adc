"""Read a MIDI file into events on one line of time, in samples; refuse a bad one in a sentence.

The format is that of "Standard MIDI Files 1.0" (RP-001 of the MIDI Association); `tracks` reads what
stands in a track, this the rest: the chunks, the tempo map, and what a player asks about a song.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .events import EVENT
from .tracks import FormatError, Track, read_track

MAX_BYTES = 16 * 2**20
MAX_SECONDS = 6 * 3600.0
MAX_FRAMES = 2**31 - 1
"""What an event's ``frame`` can count."""

NOTE_OFF, NOTE_ON, CONTROL = 0x80, 0x90, 0xB0
ENDS_ALL_NOTES = (120, 123, 124, 125, 126, 127)
"""Controllers: all sound off, all notes off, and the four modes, which turn all notes off as well."""

DEFAULT_TEMPO = 500_000
"""In microseconds per beat: 120 beats a minute."""
SMPTE_FRAMES = {24: (24, 1), 25: (25, 1), 29: (30_000, 1001), 30: (30, 1)}
"""Frames per second, as a fraction; 29 stands for 29.97, whose numbers of frames drop some."""


class SongError(ValueError):
    """A MIDI file that cannot be played: names the file, what was found, and what to do.

    What it cites of a stranger's file has its control characters escaped: a terminal would obey them.
    """

    def __init__(self, text: str) -> None:
        super().__init__(_printable(text))


@dataclass(frozen=True, eq=False)
class Song:
    """A MIDI file as it is played.

    Attributes
    ----------
    name : of the song, else of its file, without control characters
    events : channel messages, dtype `EVENT`, in the order in which they are played; ``frame`` counts
        samples from the start of the song
    seconds : until the last track ends
    channels : those with notes, counted from 1, sorted
    notes : how many begin
    unended : how many of them no event ends
    """

    name: str
    events: NDArray[np.void]
    seconds: float
    channels: tuple[int, ...]
    notes: int
    unended: int


def read_song(path: Path, rate: float) -> Song:
    """A song from a MIDI file of format 0, 1 or 2, plain or in a RIFF container.

    Events of one tick keep the order of their tracks, then that within the track. Tempo changes count for
    all tracks, whichever they stand in; the tracks of format 2, each a piece of its own with its own
    tempo, play one after another. A frame is rounded once, from the exact time.

    Parameters
    ----------
    path : the file
    rate : of the sound, in Hz

    Raises
    ------
    SongError
        If the file cannot be read, is no whole MIDI file, or lasts longer than `MAX_SECONDS`.
    """
    raw = _content(path)
    try:
        return _song(_unwrapped(raw), path.stem, rate)
    except FormatError as fault:
        raise SongError(f"{path.name}: {fault}") from None


@dataclass(frozen=True)
class _Clock:
    """A tick lasts ``tempo / per_second`` seconds; so times are whole numbers of ``1 / per_second``."""

    tempo: int
    per_second: int
    follows_tempo: bool


def _content(path: Path) -> bytes:
    raw = b""
    try:
        usable = path.is_file() or not path.exists()
        if usable:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SongError(f"{path}: does not exist; check the path") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SongError(f"{path}: cannot be read: {reason}") from None
    if not usable:
        kind = "a folder" if path.is_dir() else "no file"
        raise SongError(f"{path}: is {kind}; give the path of a MIDI file")
    if len(raw) > MAX_BYTES:
        raise SongError(
            f"{path.name}: is larger than {MAX_BYTES // 2**20} MB, which no song is; take what you need of it"
        )
    return raw


def _unwrapped(raw: bytes) -> bytes:
    """The MIDI file itself; a RIFF container of kind RMID has it in its chunk ``data``."""
    if not raw:
        raise FormatError("is empty, expected a MIDI file")
    if raw[:4] == b"MThd":
        return raw
    if raw[:4] == b"RIFF" and raw[8:12] == b"RMID":
        for name, start, size in _chunks(raw, 12, "<"):
            if name == b"data" and raw[start : start + 4] == b"MThd":
                return raw[start : start + size]
        raise FormatError("is a RIFF container for MIDI without a MIDI file in it; export it anew")
    found = raw[:4] if raw[:4] != b"RIFF" else raw[:4] + raw[8:12]
    raise FormatError(f'is no MIDI file: it begins with "{found.decode("latin-1")}", expected "MThd"')


def _chunks(raw: bytes, place: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and promised size of each chunk; RIFF, of order ``<``, pads them to an even size."""
    while place + 8 <= len(raw):
        name, size = struct.unpack_from(f"{order}4sI", raw, place)
        yield name, place + 8, size
        place += 8 + size + (size % 2 if order == "<" else 0)


def _song(raw: bytes, stem: str, rate: float) -> Song:
    kind, count, clock, first_chunk = _header(raw)
    tracks = _tracks(raw, first_chunk, count)
    longest = min(MAX_SECONDS, MAX_FRAMES / rate)
    times, messages, end = [], [], 0
    for group in [[track] for track in tracks] if kind == 2 else [tracks]:
        steps = _tempo_map(group, clock)
        begin, end = end, end + steps[-1][1]
        if end > longest * clock.per_second:
            raise FormatError(
                f"lasts {end / clock.per_second / 3600:.4g} hours, expected at most {longest / 3600:.4g}; "
                "cut it, or look for a wrong time or tempo in it"
            )
        ticks = np.concatenate([np.array(track.ticks, np.int64) for track in group])
        order = np.argsort(ticks, kind="stable")
        times.append(begin + _times(ticks[order], steps))
        messages.append(np.concatenate([np.array(track.messages, np.uint32) for track in group])[order])
    events = _events(np.concatenate(times) * rate / clock.per_second, np.concatenate(messages))
    begins = _begins(events)
    channels = np.unique(events["status"][begins] & 0x0F) + 1
    return Song(
        name=_text(tracks[0].name) or _printable(stem),
        events=events,
        seconds=end / clock.per_second,
        channels=tuple(channels.tolist()),
        notes=int(begins.sum()),
        unended=_unended(events),
    )


def _header(raw: bytes) -> tuple[int, int, _Clock, int]:
    """Format, number of tracks, clock, and where the first chunk after the header starts."""
    if len(raw) < 14:
        raise FormatError(f"breaks off in its header, after {len(raw)} bytes; get it anew")
    size, kind, count, division = struct.unpack_from(">IHHH", raw, 4)
    if size < 6:
        raise FormatError(f"has a header of {size} bytes, expected 6; export it anew")
    if kind > 2:
        raise FormatError(f"is of format {kind}, expected 0, 1 or 2; export it as format 1")
    if count == 0:
        raise FormatError("has no tracks, so there is nothing to play")
    return kind, count, _clock(division), 8 + size


def _clock(division: int) -> _Clock:
    """From the header: ticks per beat, or with the highest bit minus frames per second, ticks per frame."""
    if division < 0x8000:
        if division == 0:
            raise FormatError("divides a beat into 0 ticks, expected 1 to 32767; export it anew")
        return _Clock(DEFAULT_TEMPO, division * 1_000_000, follows_tempo=True)
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if frames not in SMPTE_FRAMES:
        raise FormatError(f"counts {frames} SMPTE frames per second, expected 24, 25, 29 or 30")
    if ticks == 0:
        raise FormatError("divides an SMPTE frame into 0 ticks, expected 1 to 255; export it anew")
    numerator, denominator = SMPTE_FRAMES[frames]
    return _Clock(denominator, numerator * ticks, follows_tempo=False)


def _tracks(raw: bytes, first_chunk: int, count: int) -> list[Track]:
    """As many as the header promises; chunks of other names between them are stepped over."""
    tracks: list[Track] = []
    for name, start, size in _chunks(raw, first_chunk, ">"):
        if name != b"MTrk":
            continue
        number = len(tracks) + 1
        if start + size > len(raw):
            raise FormatError(
                f"promises {size} bytes in track {number}, but {len(raw) - start} are there; "
                "it was probably cut off, get it anew"
            )
        try:
            tracks.append(read_track(raw[start : start + size], start))
        except FormatError as fault:
            raise FormatError(f"in track {number}, {fault}") from None
        if len(tracks) == count:
            return tracks
    raise FormatError(f"promises {count} tracks, but has {len(tracks)}; it was probably cut off, get it anew")


def _text(content: bytes) -> str:
    """A name as someone wrote it, in UTF-8 or Latin-1, on one line of at most 200 characters."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return _printable(text.strip("\0 \t\r\n")[:200])


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _tempo_map(tracks: Sequence[Track], clock: _Clock) -> list[tuple[int, int, int]]:
    """Tick, time and tempo of each tempo change, from tick 0 on, then of the end of the last track."""
    changes = [change for track in tracks for change in track.tempos] if clock.follows_tempo else []
    changes.sort(key=lambda change: change[0])
    last = max(track.end for track in tracks)
    time = 0
    steps = []
    for (tick, tempo), (next_tick, _) in pairwise([(0, clock.tempo), *changes, (last, 0)]):
        steps.append((tick, time, tempo))
        time += (next_tick - tick) * tempo
    return [*steps, (last, time, 0)]


def _times(ticks: NDArray[np.int64], steps: Sequence[tuple[int, int, int]]) -> NDArray[np.int64]:
    """The times of ticks, in the units of a tempo map; exact."""
    starts, times, tempos = np.array(steps[:-1], np.int64).T
    step = np.searchsorted(starts, ticks, side="right") - 1
    exact: NDArray[np.int64] = times[step] + (ticks - starts[step]) * tempos[step]
    return exact


def _events(frames: NDArray[np.float64], messages: NDArray[np.uint32]) -> NDArray[np.void]:
    events: NDArray[Any] = np.empty(len(frames), EVENT)
    events["frame"] = np.rint(frames)
    for k, name in enumerate(("status", "data1", "data2", "size")):
        events[name] = messages >> 8 * k & 0xFF
    return events


def _begins(events: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which events begin a note: note-on with a velocity; without, it is a note-off."""
    begins: NDArray[np.bool_] = (events["status"] & 0xF0 == NOTE_ON) & (events["data2"] > 0)
    return begins


def _unended(events: NDArray[np.void]) -> int:
    """How many notes no event ends; of notes on one key, each note-off ends one."""
    channel, kind = events["status"] & 0x0F, events["status"] & 0xF0
    index = np.arange(len(events))
    last_end = np.full(16, -1)
    ends_all = (kind == CONTROL) & np.isin(events["data1"], ENDS_ALL_NOTES)
    np.maximum.at(last_end, channel[ends_all], index[ends_all])
    counts = np.isin(kind, (NOTE_OFF, NOTE_ON)) & (index > last_end[channel])
    if not counts.any():
        return 0
    key = channel[counts] * np.int64(128) + events["data1"][counts]
    order = np.argsort(key, kind="stable")
    sounding = np.cumsum(np.where(_begins(events)[counts], 1, -1)[order])
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    before = np.append(0, sounding)[starts]
    after = np.append(sounding[starts[1:] - 1], sounding[-1])
    lowest = np.minimum(np.minimum.reduceat(sounding, starts), before)
    return int((after - lowest).sum())
