"""The control side of the audio thread: publish programs, turn knobs, read what happened."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..compiler.unit import load
from ..midi.events import EVENT
from ..processors.processor import Processor
from .clock import DeviceClock
from .layout import BYPASS, MASTER, MUTE, RECORD, SET
from .memory import engine_state, hear_knobs
from .midi_ring import MidiRing
from .program import ENGINE_UNIT, Program
from .runner import Runner

LOAD_BINS = 400
"""Of half a percent each: loads up to 200 %."""
SHARED_LOAD = 0.8
"""Part of a block that two programs together may take while one fades into the other."""
COMMAND_S = 1.0
"""Longest wait for room for a command; where nothing has moved since, the next ones do not wait."""
CHORD = range(48, 56)
"""Keys that are held on every channel while a program's cost is measured."""
XRUN_FLAGS = 0b1111
"""PortAudio's input and output, underflow and overflow."""


@dataclass
class Statistics:
    """What the audio thread did since the start; loads are parts of the time a block lasts."""

    served: int = 0
    missing: int = 0
    xruns: int = 0
    frames: int = 0
    cleaned: int = 0
    reports_lost: int = 0
    first_ns: int = 0
    last_ns: int = 0
    block: int = 0
    load: NDArray[np.int64] = field(default_factory=lambda: np.zeros(LOAD_BINS, np.int64), repr=False)
    largest_load: float = 0.0

    @property
    def due(self) -> int:
        """Callbacks that the clock asked for: those served and those missing."""
        return self.served + self.missing

    def percentile(self, percent: float) -> float:
        """Load that ``percent`` of the callbacks stayed under."""
        total = int(self.load.sum())
        if total == 0:
            return 0.0
        return float(np.searchsorted(np.cumsum(self.load), percent / 100 * total) + 1) * 2.0 / LOAD_BINS


@dataclass(frozen=True)
class Levels:
    """Peaks since the last look, linear, per channel."""

    input: tuple[float, float]
    output: tuple[float, float]


class Engine:
    """An audio thread's memory and its control.

    Only one Python thread may use it, and one, the same or another, `send`. Nothing here runs on the audio
    thread.

    Parameters
    ----------
    program : what plays first
    outputs : channels of the device's output, 1 or 2
    route : which channel of the device each of the program's inputs is; -1: silence
    tap_s : seconds of sound kept for the recorder and the tuner
    block : frames the device will ask for, as far as known; for judging loads

    Attributes
    ----------
    playing : the program that plays, alone or on its way out
    muted_rows : its processors that put out NaN or Inf and were silenced
    swapped_at : sample since the start at which the last fade began
    """

    def __init__(
        self,
        program: Program,
        outputs: int,
        *,
        route: Sequence[int] = (0, 1),
        tap_s: float = 2.0,
        block: int = 64,
    ) -> None:
        self.rate, self.outputs, self.block = program.rate, outputs, block
        self._code = load(ENGINE_UNIT)
        self._read = self._code.function("read_word", ctypes.c_int64, result=ctypes.c_int64)
        self._write = self._code.function("write_word", ctypes.c_int64, ctypes.c_int64)
        self._state = engine_state(program, outputs, route=route, tap_s=tap_s)
        self._state.lock()
        self._midi = MidiRing(self._state, self._read, self._write)
        program.lock()
        self.playing, self._entering, self._waiting = program, None, None
        self._costs = {program.generation: measure(program, block)}
        self.statistics = Statistics()
        self._clock = DeviceClock(program.rate)
        self._stood_at = -1  # commands obeyed when one was last given up
        self._peaks = np.zeros((2, 2), np.float32)
        self.muted_rows: list[int] = []
        self.swapped_at = 0
        self.master_db, self.muted, self.bypassed = 0.0, False, False

    _entering: Program | None
    _waiting: Program | None

    @property
    def address(self) -> int:
        """Of the `ENGINE` record: what the callback is given."""
        return self._state.address

    @property
    def callback(self) -> int:
        """Address of the PortAudio callback."""
        return self._code["callback"]

    def serve(self, inputs: int, outputs: int, frames: int, events: int = 0, event_count: int = 0) -> None:
        """Serve one buffer from this thread; addresses of arrays of channel pointers and of its events."""
        serve = self._code.function("serve", *[ctypes.c_int64] * 6)
        serve(self.address, inputs, outputs, frames, events, event_count)

    def send(self, messages: Sequence[bytes]) -> None:
        """Play MIDI channel messages at the start of the device's next block; what else there is is left out.

        Messages of one call are heard together. Waits up to a second where 4096 others wait; what finds no
        room even then is counted in `midi_lost`.
        """
        self._midi.send(messages)

    @property
    def midi_lost(self) -> int:
        """MIDI events that a flood of them or a stream that stood still has cost."""
        return self._load("midi_lost") + self._midi.lost

    @property
    def newest(self) -> Program:
        """The program published last: the one whose knobs are turned."""
        return self._waiting or self._entering or self.playing

    def publish(self, program: Program, since: int | None = None) -> None:
        """Let a program take over: by a crossfade of 20 ms or, if both are too heavy, a fade out and in.

        While a fade lasts a later program waits; of several that wait the last one wins. Notes go on in a
        program whose synths play the same patches.

        Parameters
        ----------
        since : what `read_knobs` said before the program got its values; its knobs follow what controllers
            turned since. By default those values count, until a controller moves again.
        """
        program.lock()
        self._measure(program)
        hear_knobs(self._state, program, self._load("turned") if since is None else since)
        if self._entering is not None:
            self._waiting = program
        else:
            self._hand_over(program)

    def _hand_over(self, program: Program) -> None:
        together = self._costs[self.playing.generation] + self._costs[program.generation]
        program.set_alone(together > SHARED_LOAD * self.block / self.rate)
        program.inherit(self.playing)
        self._entering = program
        self._store("next_program", program.address)

    def set_parameter(self, processor: Processor, name: str, value: object) -> float:
        """Turn a knob of a processor of the newest program; returns the value in its unit.

        Parameters
        ----------
        processor : of its chain, or of a chain inside one of its processors

        Raises
        ------
        ParameterError
            when there is no such parameter, it is fixed, or does not take the value.
        ValueError
            when the processor is none of the newest program's.
        """
        program = self.newest
        number = program.check(processor, name, value)
        if program is self._waiting:
            program.set(processor, name, number)
            program.stand_at(self._load("turned"), processor, name)
        else:
            processor.values[name] = number
            self._command(SET, number, program.generation, processor.state.field_address(name))
        return number

    def read_knobs(self) -> int:
        """Take what controllers turned as the processors' values; returns the turn that they stand at.

        `poll` does it too.
        """
        turned = self._load("turned")
        if self._load("commands_read") == int(self._state.record["commands_written"]):
            for program in (self.playing, self._entering):
                if program is not None:
                    program.read_back()
        return turned if self._waiting is None else self._waiting.since

    def set_master(self, level_db: float) -> None:
        """Master volume in dB."""
        self.master_db = level_db
        self._command(MASTER, 10 ** (level_db / 20))

    def set_mute(self, muted: bool) -> None:
        """Silence the output, smoothly."""
        self.muted = muted
        self._command(MUTE, float(muted))

    def set_bypass(self, bypassed: bool) -> None:
        """Let the input through instead of the chain's output, smoothly."""
        self.bypassed = bypassed
        self._command(BYPASS, float(bypassed))

    def set_recording(self, recording: bool) -> None:
        """Fill the tap."""
        self._command(RECORD, float(recording))

    def read_tap(self) -> NDArray[np.float32]:
        """What the tap has gathered, shape (4, frames): dry left and right, wet left and right."""
        record, ring = self._state.record, self._state.arrays["tap"]
        read, written = int(record["tap_read"]), self._load("tap_written")
        places = np.arange(read, written) & (ring.shape[0] - 1)
        frames = ring[places].T.copy()
        self._store("tap_read", written)
        return frames

    @property
    def tap_lost(self) -> int:
        """Frames that the tap had no room for."""
        return self._load("tap_lost")

    def poll(self) -> Levels:
        """Read the reports; free programs that no longer play. Call it every few tens of milliseconds."""
        self._read_reports()
        self._advance()
        self.read_knobs()
        levels = Levels(
            (float(self._peaks[0, 0]), float(self._peaks[0, 1])),
            (float(self._peaks[1, 0]), float(self._peaks[1, 1])),
        )
        self._peaks[:] = 0
        return levels

    def forget_clock(self) -> None:
        """Count no missing callbacks for the time before the next one: the device was away."""
        self._read_reports()
        self._clock.restart()

    def is_fading(self) -> bool:
        """Whether a published program does not yet play alone."""
        self._advance()
        return self._entering is not None

    def wait_until_settled(self, timeout_s: float = 5.0) -> bool:
        """Wait for published programs to play alone."""
        end = time.monotonic() + timeout_s
        while self.is_fading():
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def _advance(self) -> None:
        if self._entering is not None and self._load("generation") == self._entering.generation:
            self.playing, self._entering = self._entering, None
            if self._waiting is not None:
                waiting, self._waiting = self._waiting, None
                self._hand_over(waiting)

    def _read_reports(self) -> None:
        ring = self._state.arrays["reports"]
        read, written = int(self._state.record["reports_read"]), self._load("reports_written")
        if written == read:
            return
        reports = ring[np.arange(read, written) & (ring.size - 1)].copy()
        self._store("reports_read", written)
        self._gather(reports)

    def _gather(self, reports: NDArray[np.void]) -> None:
        s = self.statistics
        started, frames = reports["started_ns"], reports["frames"]
        lengths = frames / self.rate * 1e9
        self._clock.add(started, frames)
        s.missing = self._clock.missing
        if not s.served:
            s.first_ns = int(started[0])
        s.served += reports.size
        s.last_ns, s.block = int(started[-1]), int(frames[-1])
        s.frames += int(frames.sum())
        s.xruns += int(np.count_nonzero(reports["flags"] & XRUN_FLAGS))
        s.cleaned += int(reports["cleaned"].sum())
        s.reports_lost = self._load("reports_lost")
        loads = reports["duration_ns"] / lengths
        s.load += np.bincount(
            np.minimum(loads * LOAD_BINS / 2, LOAD_BINS - 1).astype(int), minlength=LOAD_BINS
        )
        s.largest_load = max(s.largest_load, float(loads.max()))
        peaks = np.stack([reports["input_peak"].max(axis=0), reports["output_peak"].max(axis=0)])
        self._peaks = np.maximum(self._peaks, peaks)
        self.swapped_at = int(reports["swapped_at"][-1])
        bits = int(reports["muted"][-1])
        self.muted_rows = [k for k in range(62) if bits >> k & 1]

    def _measure(self, program: Program) -> None:
        """Keep what a block of the program costs, measured before it plays, and forget what is gone."""
        alive = {one.generation for one in (self.playing, self._entering) if one is not None}
        self._costs = {generation: cost for generation, cost in self._costs.items() if generation in alive}
        self._costs[program.generation] = measure(program, self.block)

    def _command(self, kind: int, value: float, generation: int = 0, address: int = 0) -> None:
        ring = self._state.arrays["commands"]
        written = int(self._state.record["commands_written"])
        end = time.monotonic() + COMMAND_S
        while written - (read := self._load("commands_read")) >= ring.size:
            if read == self._stood_at or time.monotonic() > end:
                self._stood_at = read  # the audio thread has stopped: nobody will hear it
                return
            time.sleep(0.001)
        ring[written & (ring.size - 1)] = (kind, generation, address, value)
        self._store("commands_written", written + 1)

    def _load(self, name: str) -> int:
        return int(self._read(self._state.field_address(name)))

    def _store(self, name: str, value: int) -> None:
        self._write(self._state.field_address(name), value)


def measure(program: Program, block: int, blocks: int = 24) -> float:
    """Seconds that a program takes for a block (median), its synths playing `CHORD`; resets it.

    Not while it plays.
    """
    runner = Runner(program)
    random = np.random.default_rng(0)
    noise = (0.01 * random.standard_normal((program.inputs, block))).astype(np.float32)
    chord = np.array([(0, 0x90 | c, key, 100, 3) for c in range(16) for key in CHORD], EVENT)
    runner.process(np.zeros((program.inputs, 1), np.float32), chord)
    times = []
    for _ in range(blocks):
        start = time.perf_counter()
        runner.process(noise)
        times.append(time.perf_counter() - start)
    program.reset()
    return float(np.median(times))
