"""A live session: a chain between two devices, kept playing until it is told to stop.

Everything here runs beside the audio thread. `Session.step` wants to be called every few tens of
milliseconds; it reads the levels, frees old programs, records, replaces a processor that broke, swaps in
code that has been compiled meanwhile, and reopens a device or a MIDI port that went away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import Popen

from .compiler.unit import Unit, finish_compiling, is_cached, start_compiling
from .engine.control import Engine, Levels
from .engine.devices import Device, DeviceError, choose, refresh, release
from .engine.knobs import Knob
from .engine.privileges import lock_memory, missing_priority
from .engine.program import Program
from .engine.recorder import Recorder, What
from .engine.stream import Stream, open_stream
from .midi.inputs import JackConnection, MidiInput, follow
from .midi.ports import choose_midi
from .plugins.hosted import Hosted
from .plugins.supervisor import RESTARTS, PluginReport, Supervisor
from .processors.neural import Neural
from .processors.parallel import Parallel
from .processors.processor import Processor, everything, problems
from .synths.played import Played
from .synths.synth import Synth

MAX_BLOCK = 1024
"""Frames that one walk of the program takes at most; larger device blocks are cut."""
TAP_S = 10.0
"""Seconds that a recording may be held up before sound is lost to it."""
LOST_AFTER_S = 1.0
"""A device that has not called for this long has gone away."""
RETRY_S = 1.0
REPAIRS = 3
"""Times a minute that a processor which put out NaN or Inf is replaced."""


@dataclass(frozen=True)
class Setup:
    """What to play on.

    Parameters
    ----------
    channels : the input device's channels to hear, counted from 1; one or two, or none: no input device
        is opened, and the chain hears silence
    block : frames the device should ask for, where it lets one choose
    midi_in : what synths are played from: a name or number as `midi.ports.choose_midi` takes it
    plugin_restarts : times a minute that a plugin which went wrong is started again; None: no limit
    """

    rate: float = 48000.0
    block: int = 64
    input_device: str | None = None
    output_device: str | None = None
    channels: tuple[int, ...] = (1,)
    record: Path | None = None
    record_what: What = "wet"
    midi_in: str | None = None
    plugin_restarts: int | None = RESTARTS


@dataclass
class Report:
    """What a session did; times as parts of the time that a block lasts."""

    rate: float
    block: int
    seconds: float
    callbacks_due: int
    callbacks_served: int
    missing: int
    xruns: int
    load_p50: float
    load_p95: float
    load_p99: float
    load_max: float
    added_latency_frames: int
    cleaned_samples: int
    recorded_frames: int
    tap_lost_frames: int
    midi_lost: int
    plugins: list[PluginReport]
    events: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


class Session:
    """A chain that plays live.

    Parameters
    ----------
    build : makes the chain's processors anew each time it is called
    notify : is told in a sentence what happens
    knobs : which MIDI controllers turn parameters of a chain's processors; called with each chain that
        ``build`` made

    Raises
    ------
    DeviceError
        when a device is missing or refuses.
    MidiPortError
        when the MIDI input is missing.
    """

    def __init__(
        self,
        build: Callable[[], list[Processor]],
        setup: Setup,
        notify: Callable[[str], None] = lambda sentence: None,
        knobs: Callable[[Sequence[Processor]], Sequence[Knob]] = lambda chain: (),
    ) -> None:
        self._build, self.setup, self._notify_person, self._knobs = build, setup, notify, knobs
        self.events: list[str] = []
        self._port = None if setup.midi_in is None else choose_midi(setup.midi_in)
        self.midi: JackConnection | MidiInput | None = None
        self._target = choose(setup.output_device, "output")
        self._source = choose(setup.input_device, "input") if setup.channels else self._target
        if self._source.on_jack:
            release()
        self._stream = self._open(max(setup.channels, default=0), min(2, self._target.outputs))
        self.block = self._stream.block
        if self.block != setup.block:
            self._notify(f"the JACK server asks for {self.block} frames at a time, not {setup.block}")
        self._compiling: Popen[str] | None = None
        self.supervisor = Supervisor(self._notify, setup.plugin_restarts)
        self.recorder: Recorder | None = None
        self._repairs: list[float] = []
        self._served, self._last_call = 0, time.monotonic()
        self._next_try = 0.0
        self.started = time.monotonic()
        try:
            self._begin(build)
            self.started = time.monotonic()
        except BaseException:
            self._stream.close()
            if self.midi is not None:
                self.midi.close()
            if self.recorder is not None:
                self.recorder.discard()
            self._stop_compiling()
            self.supervisor.close()
            raise
        self._tell(missing_priority())

    def _begin(self, build: Callable[[], list[Processor]]) -> None:
        setup = self.setup
        self._tell(lock_memory())
        program = self._program(build())
        route = [channel - 1 for channel in setup.channels] or [-1]
        tap_s = TAP_S if setup.record is not None else 2.0
        self.engine = Engine(program, self._stream.outputs, route=route, tap_s=tap_s, block=self.block)
        if setup.record is not None:
            self.recorder = Recorder(self.engine, setup.record, setup.record_what)
        self._stream.start(self.engine)
        if self._port is not None:  # from here on it is the only one to call `Engine.send`
            self.midi = follow(self._port, self._stream, self.engine.send, self._notify)

    @property
    def connected(self) -> bool:
        """Whether the devices are there."""
        return self._stream.active

    @property
    def sounding(self) -> int:
        """Voices that the synths sound."""
        synths = [part for part in self.engine.playing.chain if isinstance(part, Synth)]
        return sum(int(synth.state.record["sounding"]) for synth in synths)

    @property
    def latency(self) -> int:
        """Frames that the chain adds."""
        return self.engine.playing.latency

    def step(self) -> Levels:
        """Look after everything; see the module's text."""
        levels = self.engine.poll()
        if self.recorder is not None:
            self._record()
        self._look_after_compiler()
        self._look_after_processors()
        self._look_after_device()
        self._look_after_block()
        self.supervisor.look([*self.engine.playing.chain, *self.engine.newest.chain])
        if self.midi is not None:
            self.midi.look()
        return levels

    def change(
        self,
        build: Callable[[], list[Processor]],
        knobs: Callable[[Sequence[Processor]], Sequence[Knob]] = lambda chain: (),
    ) -> None:
        """Play another chain from now on, by a crossfade, with other knobs for controllers to turn."""
        self._build, self._knobs = build, knobs
        self.engine.publish(self._program(build()))

    def close(self) -> Report:
        """Stop, complete the recording, and say how it went."""
        if self.midi is not None:
            self.midi.close()
        self._stream.close()
        seconds = time.monotonic() - self.started  # a JACK server may call for seconds more while it closes
        self.engine.poll()
        if self.recorder is not None:
            self.recorder.close()
        self._stop_compiling()
        self.supervisor.close()
        s = self.engine.statistics
        return Report(
            rate=self.setup.rate,
            block=s.block or self.block,
            seconds=round(seconds, 3),
            callbacks_due=s.due,
            callbacks_served=s.served,
            missing=s.missing,
            xruns=s.xruns,
            load_p50=s.percentile(50),
            load_p95=s.percentile(95),
            load_p99=s.percentile(99),
            load_max=round(s.largest_load, 4),
            added_latency_frames=self.latency,
            cleaned_samples=s.cleaned,
            recorded_frames=self.recorder.frames if self.recorder else 0,
            tap_lost_frames=self.engine.tap_lost,
            midi_lost=self.engine.midi_lost,
            plugins=self.supervisor.reports(),
            events=self.events,
        )

    def _program(self, chain: list[Processor]) -> Program:
        """A program of the chain, with ONNX Runtime in the place of kernels that are still to be compiled."""
        missing: list[Unit] = []
        playable = _playable_at_once(chain, missing)
        if missing and self._compiling is None:
            self._notify("the model's shape is new: ONNX Runtime plays it until its kernel is compiled")
            self._compiling = start_compiling(list(dict.fromkeys(missing)))
        inputs = max(1, len(self.setup.channels))
        knobs = self._knobs(playable)
        program = Program(playable, self.setup.rate, MAX_BLOCK, inputs, knobs=knobs, period=self.block)
        for problem in problems(program.chain):
            if problem not in self.events:
                self._notify(problem)
        return program

    def _play_afresh(self) -> None:
        """The present chain built anew, its knobs where they are."""
        chain, since = self._build(), self.engine.read_knobs()
        _take_over_values(chain, self.engine.newest.chain)
        self.engine.publish(self._program(chain), since)

    def _stop_compiling(self) -> None:
        if self._compiling is not None:
            self._compiling.terminate()
            finish_compiling(self._compiling)
            self._compiling = None

    def _look_after_compiler(self) -> None:
        if self._compiling is None or self._compiling.poll() is None:
            return
        words = finish_compiling(self._compiling)
        self._compiling = None
        if words is not None:
            self._notify(f"the kernel could not be compiled, ONNX Runtime plays on: {words.splitlines()[-1]}")
            return
        self._notify("the kernel is compiled and takes over")
        self._play_afresh()

    def _look_after_processors(self) -> None:
        if self.engine.is_fading():
            return
        silenced = _silenced(self.engine.playing.chain, self.engine.muted_rows)
        now = time.monotonic()
        self._repairs = [t for t in self._repairs if now - t < 60]
        if not silenced or len(self._repairs) == REPAIRS:
            return
        self._repairs.append(now)
        last = "" if len(self._repairs) < REPAIRS else "; if it happens again it stays silent"
        names = ", ".join(silenced)
        self._notify(f"{names} put out NaN or Inf and was silenced; a fresh one takes over{last}")
        self._play_afresh()

    def _look_after_device(self) -> None:
        now = time.monotonic()
        served = self.engine.statistics.served
        if served != self._served:
            self._served, self._last_call = served, now
        if now - self._last_call < LOST_AFTER_S or now < self._next_try:
            return
        if self._next_try == 0.0:
            self._notify("the device has gone away; waiting for it to come back")
            if self.midi is not None:
                self.midi.pause()
        self._next_try = now + RETRY_S
        self._stream.close()
        try:
            self._reopen()
        except DeviceError:
            return
        self._notify("the device is back")
        if self.midi is not None:
            self.midi.resume(self._stream)
        self._last_call, self._next_try = time.monotonic(), 0.0

    def _look_after_block(self) -> None:
        """Where the device asks for longer blocks than it said, a plugin's worker needs longer, too."""
        block = self.engine.statistics.block
        if block <= self.block or self.engine.is_fading():
            return
        self._notify(f"the device asks for {block} frames at a time now, not {self.block}")
        self.block = self.engine.block = block
        if any(isinstance(part, Hosted) for part in everything(self.engine.newest.chain)):
            self._play_afresh()

    def _reopen(self) -> None:
        if not self._source.on_jack:
            refresh()
            self._target = _same(self._target, "output")
            self._source = _same(self._source, "input") if self.setup.channels else self._target
        self._stream = self._open(self._stream.inputs, self._stream.outputs)
        self.engine.forget_clock()
        self._stream.start(self.engine)

    def _open(self, inputs: int, outputs: int) -> Stream:
        rate, block = self.setup.rate, self.setup.block
        midi = self._port is not None and self._port.on_jack
        return open_stream(self._source, self._target, rate, block, inputs, outputs, midi)

    def _record(self) -> None:
        assert self.recorder is not None
        before = self.recorder.problem
        self.recorder.drain()
        if self.recorder.problem is not None and before is None:
            self._notify(f"recording stopped: {self.recorder.problem}")

    def _tell(self, sentence: str | None) -> None:
        if sentence is not None:
            self._notify(sentence)

    def _notify(self, sentence: str) -> None:
        self.events.append(sentence)
        self._notify_person(sentence)


def _playable_at_once(chain: Sequence[Processor], missing: list[Unit]) -> list[Processor]:
    """The chain with ONNX Runtime for kernels not yet compiled, which are added to ``missing``."""
    playable: list[Processor] = []
    for processor in chain:
        for name in processor.chains:
            setattr(processor, name, _playable_at_once(getattr(processor, name), missing))
        if isinstance(processor, Neural) and processor.on_kernel and not processor.is_compiled():
            missing += [unit for unit in processor.units() if not is_cached(unit)]
            playable.append(processor.on_onnxruntime())
        else:
            playable.append(processor)
    return playable


def _take_over_values(chain: Sequence[Processor], present: Sequence[Processor]) -> None:
    """Set the knobs of a chain to those of another chain of the same processors."""
    for new, old in zip(chain, present, strict=True):
        for parameter in new.parameters:
            value = old.values[parameter.name]  # a float32 may lie just outside
            new.set(parameter.name, min(max(value, parameter.minimum), parameter.maximum))
        for name in new.chains:
            _take_over_values(getattr(new, name), getattr(old, name))


def _silenced(chain: Sequence[Processor], rows: Sequence[int]) -> list[str]:
    """Names of the processors in these rows, and of those in chains inside one, that were silenced."""
    names = [chain[row].name for row in rows]
    for processor in chain:
        if isinstance(processor, Parallel | Played):
            names += [getattr(processor, path)[row].name for path, row in processor.muted()]
    return names


def _same(device: Device, direction: str) -> Device:
    """The device of the same name and host as before, wherever it is listed now."""
    found = choose(device.name, direction)
    if found.host != device.host:
        raise DeviceError(f"{device.name} is not there")
    return found
