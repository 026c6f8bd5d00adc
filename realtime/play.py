"""Play MIDI files to sound files, through the program that plays live: the same synths, the same bits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .audio_files import AudioReader
from .compiler.unit import Unit
from .engine.program import Program, compile_chain
from .engine.runner import Runner
from .midi.events import EVENT, RELEASES
from .midi.files import Song, read_song
from .patches import Patch, library_patches
from .presets import Preset
from .processors.processor import problems
from .render import LONGEST_TAIL_S, MAX_BLOCK, RenderError, Samples, process
from .synths.band import band
from .synths.layout import DRUM_BANK, DRUM_CHANNEL
from .wav_writer import SampleFormat, WavWriter

RATE = 48000.0
NOTE_ON, NOTE_OFF, CONTROL, PROGRAM_CHANGE = 0x90, 0x80, 0xB0, 0xC0
BANK_COARSE, BANK_FINE = 0, 32
DATA_ENTRY, REGISTERED_FINE, REGISTERED_COARSE = 6, 100, 101
MPE_CONFIGURATION = [0, 6]
"""The registered parameter, coarse and fine, that says how many members a zone has."""


@dataclass(frozen=True)
class Played:
    """What came of one song.

    Attributes
    ----------
    path : the sound file
    rate : in Hz
    seconds : of sound, its tail included
    notes : that begin in the song
    unended : those of them that only the song's end ended
    elapsed_s : for playing and writing, without compiling and loading
    times_realtime : seconds of sound for each second that it took
    peak_db : highest sample over full scale, in dB; None for silence
    clipped : samples over full scale in an integer format
    muted : numbers (from 1) of processors that put out NaN or Inf and were silenced
    problems : what kept processors from their work, in sentences
    """

    song: Path
    path: Path
    rate: float
    seconds: float
    notes: int
    unended: int
    elapsed_s: float
    times_realtime: float
    peak_db: float | None
    clipped: int = 0
    muted: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()


def one_note(key: int, velocity: int, seconds: float, rate: float) -> Song:
    """A song of a single note on channel 1, held for ``seconds``."""
    frames = round(seconds * rate)
    events = np.array([(0, NOTE_ON, key, velocity, 3), (frames, NOTE_OFF, key, 0, 3)], EVENT)
    return Song("one note", events, frames / rate, (1,), 1, 0)


def sound_of(
    song: Song,
    program: Program,
    guitar: Iterable[Samples] = (),
) -> Iterator[Samples]:
    """What a program puts out for a song, from its first sample until it is silent after the song's end.

    At the song's end both pedals go up and all notes off, so that none hangs.

    Parameters
    ----------
    song : read at the program's rate
    program : in its state before the first sample
    guitar : the program's input, blocks of shape (inputs, frames); silence after its end

    Yields
    ------
    ndarray, shape (outputs, frames)
    """
    rate, frames = program.rate, _frames(song, program.rate)
    performance = _Performance(Runner(program), np.concatenate([song.events, _all_released(frames)]))
    blocks = _filled(guitar, program.inputs, min(MAX_BLOCK, program.max_block), frames)
    tail = round(LONGEST_TAIL_S * rate)
    yield from process(performance, blocks, program.inputs, program.latency, tail, rate)


def play_song(
    source: Path,
    target: Path,
    assignments: Mapping[int, Patch],
    *,
    rate: float = RATE,
    preset: Preset | None = None,
    guitar: Path | None = None,
    form: SampleFormat = "float32",
    progress: Callable[[float], None] = lambda _: None,
    on_unit: Callable[[Unit], None] | None = None,
) -> Played:
    """Play a MIDI file and write what is heard, in stereo.

    Parameters
    ----------
    source : the MIDI file
    target : the WAV to write
    assignments : patches by channel, 0 for all channels; none: the song's own programs choose from the
        library's
    rate : in Hz; a guitar's own counts instead
    preset, guitar : a sound file, and the chain that it goes through, heard together with the synths
    progress : called with the fraction done, 0 to 1
    on_unit : told each unit of code that has to be compiled first

    Raises
    ------
    SongError, RenderError, PresetError, AudioFileError, ModelFileError
        If a file cannot be used; nothing is left at ``target``.
    """
    with ExitStack() as files:
        reader = files.enter_context(AudioReader(guitar)) if guitar is not None else None
        rate, inputs = (reader.rate, reader.channels) if reader is not None else (rate, 1)
        song = read_song(source, rate)
        chosen, follow = dict(assignments), not assignments
        if follow:
            chosen = patches_for(song, list(library_patches().values()))
        kept = [source, *((guitar,) if guitar is not None else ()), *(preset.files() if preset else ())]
        kept += [file for patch in chosen.values() for file in patch.files()]
        if target.exists() and any(file.exists() and target.samefile(file) for file in kept):
            raise RenderError(f"{target}: is read for this, and never overwritten; choose another output")
        chain = [*(preset.build() if preset is not None else ()), *band(chosen, follow=follow)]
        compile_chain(chain, on_unit)
        program = Program(chain, rate, MAX_BLOCK, inputs)
        started = time.perf_counter()
        peak = 0.0
        length = max(1, _frames(song, rate), reader.frames if reader is not None else 0)
        blocks = reader.blocks(MAX_BLOCK) if reader is not None else ()
        with WavWriter(target, rate, program.outputs, form) as writer:
            for block in sound_of(song, program, blocks):
                writer.write(block)
                peak = max(peak, float(np.max(np.abs(block), initial=0.0)))
                progress(min(1.0, writer.frames / length))
        elapsed = time.perf_counter() - started
    seconds = writer.frames / rate
    return Played(
        source,
        target,
        rate,
        seconds,
        song.notes,
        song.unended,
        elapsed,
        seconds / elapsed,
        20 * math.log10(peak) if peak > 0 else None,
        writer.clipped,
        tuple(number + 1 for number in program.muted()),
        tuple(problems(program.chain)),
    )


def patches_for(song: Song, patches: Sequence[Patch]) -> dict[int, Patch]:
    """For each channel with notes the patch that the song's programs call for its first note.

    A lower MPE zone's first channel has the patch of its members.

    Where no patch has that program in that bank, one that has it in bank 0 plays, or else the one of bank 0
    whose program is nearest. Channel 10 has drums, of `DRUM_BANK`, where there are any.

    Parameters
    ----------
    patches : those to choose from
    """
    called = [patch for patch in patches if patch.program is not None]
    if not called:
        raise RenderError("no patch of the library has a program; choose patches with --patch or --map")
    chosen: dict[int, Patch] = {}
    banks, programs = [0] * 16, [1] * 16
    banks[DRUM_CHANNEL - 1] = DRUM_BANK
    for _, status, data1, data2, _ in _calls(song.events).tolist():
        kind, channel = status & 0xF0, status & 0x0F
        if kind == NOTE_ON:
            chosen.setdefault(channel + 1, _nearest(called, banks[channel], programs[channel]))
        elif kind == PROGRAM_CHANGE:
            programs[channel] = data1 + 1
        elif data1 == BANK_COARSE and channel + 1 != DRUM_CHANNEL:
            banks[channel] = banks[channel] % 128 + 128 * data2
        elif data1 == BANK_FINE:
            banks[channel] = banks[channel] // 128 * 128 + data2
    members = [chosen[c] for c in range(2, _members(song.events) + 2) if c in chosen]
    if members:  # of an MPE zone, whose first channel says what all of them play
        chosen.setdefault(1, members[0])
    return chosen


def _members(events: NDArray[np.void]) -> int:
    """How many member channels the song gives a lower MPE zone; 0 without one."""
    wanted = (DATA_ENTRY, REGISTERED_FINE, REGISTERED_COARSE)
    controls = events[(events["status"] == CONTROL) & np.isin(events["data1"], wanted)]
    number, members = [127, 127], 0
    for _, _, controller, value, _ in controls.tolist():
        if controller in (REGISTERED_COARSE, REGISTERED_FINE):
            number[REGISTERED_COARSE - controller] = value
        elif controller == DATA_ENTRY and number == MPE_CONFIGURATION:
            members = max(members, min(value, 15))
    return members


def _calls(events: NDArray[np.void]) -> NDArray[np.void]:
    """The events that choose programs, and each channel's first note."""
    kind, data1 = events["status"] & 0xF0, events["data1"]
    calls = (kind == PROGRAM_CHANGE) | ((kind == CONTROL) & np.isin(data1, (BANK_COARSE, BANK_FINE)))
    notes = np.flatnonzero((kind == NOTE_ON) & (events["data2"] > 0))
    calls[notes[np.unique(events["status"][notes], return_index=True)[1]]] = True
    chosen: NDArray[np.void] = events[calls]
    return chosen


def _nearest(patches: Sequence[Patch], bank: int, program: int) -> Patch:
    def distance(patch: Patch) -> tuple[bool, bool, int]:
        first, last = patch.program or (0, 0)
        away = max(first - program, program - last, 0)
        exact = patch.bank == bank and (away == 0 or bank == DRUM_BANK)
        return not exact, patch.bank != 0, away

    return min(patches, key=distance)


def _all_released(frame: int) -> NDArray[np.void]:
    rows = [(frame, CONTROL | channel, number, 0, 3) for channel in range(16) for number in RELEASES]
    return np.array(rows, EVENT)


class _Performance:
    """A runner that gets each block's events with it."""

    def __init__(self, runner: Runner, events: NDArray[np.void]) -> None:
        self._runner, self._events = runner, events
        self._frames = np.ascontiguousarray(events["frame"])
        self._frame = self._next = 0

    def process(self, block: Samples, /) -> Samples:
        first, self._frame = self._frame, self._frame + block.shape[1]
        stop = int(np.searchsorted(self._frames, self._frame))
        due: NDArray[Any] = self._events[self._next : stop].copy()
        due["frame"] -= first
        self._next = stop
        return self._runner.process(block, due)


def _filled(guitar: Iterable[Samples], channels: int, size: int, frames: int) -> Iterator[Samples]:
    """The guitar, then silence up to ``frames``."""
    done = 0
    for block in guitar:
        yield block
        done += block.shape[1]
    for start in range(done, frames, size):
        yield np.zeros((channels, min(size, frames - start)), np.float32)


def _frames(song: Song, rate: float) -> int:
    """Until the song's end; an event may round to a frame after it."""
    last = int(song.events["frame"][-1]) if len(song.events) else 0
    return max(round(song.seconds * rate), last)
