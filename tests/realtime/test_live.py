"""A live session on a JACK server: what is heard, recorded, repaired and reported."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.audio_files import AudioFileError, AudioReader
from tonerig.realtime.bench.server import start_server, stop_server
from tonerig.realtime.compiler.unit import cache_folder, compile_units
from tonerig.realtime.engine.devices import devices, refresh
from tonerig.realtime.engine.program import ENGINE_UNIT, Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.kernels import onnx_runtime
from tonerig.realtime.live import Session, Setup
from tonerig.realtime.midi.inputs import SILENCE, JackConnection, MidiInput
from tonerig.realtime.midi.ports import MidiPort, MidiPortError
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.neural import Neural
from tonerig.realtime.processors.parallel import Parallel
from tonerig.realtime.processors.processor import Processor
from tonerig.realtime.synths.four import FourOscillators

from tests.models import random_model

from .engine.event_log import EventLog, note
from .midi.keyboard import keyboard
from .servers import wait_until_seen

GONE = "the MIDI input keys:out has gone away; its notes are ended, waiting for it to come back"
BACK = "the MIDI input keys:out is back"
FEEDER = Path(__file__).parent / "engine" / "feeder.py"


@pytest.fixture(scope="module")
def feeder(jack_in_step: str) -> Iterator[str]:
    """Another process that plays noise into JACK ports; gives the name of its client."""
    process = subprocess.Popen(
        [sys.executable, str(FEEDER), "feeder"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    refresh()
    yield "feeder"
    process.stdin.close()
    process.wait(60)


def _amp_chain() -> list[Processor]:
    return [Gain({"gain_db": 6.0}), Neural({"normalization": "raw"}, model=random_model("a1_standard", 3))]


def _run(session: Session, until: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        session.step()
        time.sleep(0.02)


def _play(session: Session, seconds: float) -> None:
    """Until so many more were played."""
    last = session.engine.statistics.frames + 48000 * seconds
    _run(session, lambda: session.engine.statistics.frames >= last)


def _sounds(session: Session) -> Callable[[], bool]:
    """Whether there is an output since the last look."""
    return lambda: max(session.step().output) > 0.0


def _takes(folder: Path) -> list[NDArray[np.float32]]:
    """Dry and wet of a recording."""
    takes = []
    for part in ("dry", "wet"):
        with AudioReader(folder / f"take-{part}.wav") as reader:
            takes.append(np.concatenate([block.copy() for block in reader.blocks()], axis=1))
    return takes


def test_offline_equals_live(feeder: str, tmp_path: Path) -> None:
    """What was recorded wet from a live stream is, bit for bit, what the chain makes offline of the dry."""
    setup = Setup(input_device=feeder, record=tmp_path / "take.wav", record_what="both")
    session = Session(_amp_chain, setup)
    _play(session, 2.0)
    report = session.close()
    dry, wet = _takes(tmp_path)
    assert report.tap_lost_frames == 0
    assert dry.shape == wet.shape == (1, report.recorded_frames)
    assert dry.shape[1] > 48000
    assert np.sqrt(np.mean(dry[:, 4800:] ** 2)) > 0.05
    assert np.array_equal(wet, Runner(Program(_amp_chain(), 48000, 512, 1)).process(dry))


def test_a_pair_of_inputs_runs_dual_mono(feeder: str, tmp_path: Path) -> None:
    """Two input channels through a mono chain give for each side what the chain makes of it."""
    setup = Setup(input_device=feeder, channels=(2, 1), record=tmp_path / "take.wav", record_what="both")
    session = Session(_amp_chain, setup)
    _play(session, 0.7)
    session.close()
    dry, wet = _takes(tmp_path)
    assert not np.array_equal(dry[0], dry[1])
    for side in range(2):
        offline = Runner(Program(_amp_chain(), 48000, 64, 1)).process(dry[side : side + 1])
        assert np.array_equal(wet[side], offline[0])


def test_another_chain_fades_in_while_it_plays(feeder: str, tmp_path: Path) -> None:
    """The wet side of a swap under signal is the crossfade of both offline renders, within 1e-6."""
    setup = Setup(input_device=feeder, record=tmp_path / "take.wav", record_what="both")
    session = Session(_amp_chain, setup)
    _play(session, 0.5)
    session.change(lambda: [Gain({"gain_db": -12.0})])
    _run(session, lambda: not session.engine.is_fading())
    _play(session, 0.5)
    start = session.engine.swapped_at
    session.close()
    dry, wet = (take[0] for take in _takes(tmp_path))
    old = Runner(Program(_amp_chain(), 48000, 512, 1)).process(dry[np.newaxis])[0]
    new = dry[start:] * np.float32(10 ** (-12 / 20))
    g = np.minimum((np.arange(dry.size - start) + 1) / 960, 1.0)
    assert np.array_equal(wet[:start], old[:start])
    assert np.abs(wet[start:] - ((1 - g) * old[start:] + g * new)).max() < 1e-6


def test_a_processor_that_broke_is_replaced(feeder: str) -> None:
    """A processor that put out NaN is silenced, named, and a fresh one with the same knobs takes over."""
    heard: list[str] = []
    session = Session(lambda: [Gain(), Gain({"gain_db": 3.0})], Setup(input_device=feeder), heard.append)
    _play(session, 0.3)
    session.engine.set_parameter(session.engine.newest.chain[1], "gain_db", -6.0)
    _play(session, 0.2)
    broken = session.engine.playing.chain[1]
    broken.state.record["now"] = np.nan
    _run(session, lambda: session.engine.playing.chain[1] is not broken)
    _play(session, 0.1)
    session.step()
    _run(session, _sounds(session))
    replaced = session.engine.playing.chain[1]
    session.close()
    assert any("gain put out NaN or Inf" in sentence for sentence in heard)
    assert replaced is not broken
    assert replaced.values == {"gain_db": -6.0}


def test_a_processor_that_broke_inside_parallel_chains_is_replaced(feeder: str) -> None:
    """A gain inside a parallel chain that put out NaN is named and replaced like any other."""
    heard: list[str] = []
    session = Session(lambda: [Parallel(a=[Gain()], b=[Gain()])], Setup(input_device=feeder), heard.append)
    _play(session, 0.3)
    broken = session.engine.playing.chain[0]
    assert isinstance(broken, Parallel)
    broken.b[0].state.record["now"] = np.nan
    _run(session, lambda: session.engine.playing.chain[0] is not broken)
    replaced = session.engine.playing.chain[0]
    session.close()
    assert heard == ["gain put out NaN or Inf and was silenced; a fresh one takes over"]
    assert replaced is not broken


@pytest.mark.usefixtures("jack_in_step")
def test_a_synths_effect_that_broke_is_replaced() -> None:
    """A gain among a synth's own effects that put out NaN while a note sounds is named and replaced."""
    heard: list[str] = []
    compile_units(FourOscillators(effects=[Gain()]).units())
    with keyboard("keys") as keys:
        session = Session(
            lambda: [FourOscillators(effects=[Gain()])], Setup(channels=(), midi_in="keys"), heard.append
        )
        broken = session.engine.playing.chain[0]
        assert isinstance(broken, FourOscillators)
        keys.send_message([0x90, 69, 100])
        _run(session, lambda: session.sounding == 1)
        sounding = session.sounding
        broken.effects[0].state.record["now"] = np.nan
        _run(session, lambda: session.engine.playing.chain[0] is not broken)
        replaced = session.engine.playing.chain[0]
        session.close()
    assert sounding == 1
    assert heard == ["gain put out NaN or Inf and was silenced; a fresh one takes over"]
    assert replaced is not broken


def test_a_device_slow_to_close_has_no_more_due_than_fits_the_time(
    feeder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callbacks that come while the device is being closed are within the seconds reported."""
    session = Session(_amp_chain, Setup(input_device=feeder))
    close = session._stream.close

    def slowly() -> None:
        time.sleep(1)
        close()

    monkeypatch.setattr(session._stream, "close", slowly)
    _play(session, 0.5)
    report = session.close()
    # 375 of them before it is closed; a server that was late makes up for some of the time before it began.
    assert 500 < report.callbacks_due <= report.seconds * 750 + 200


def test_a_session_that_cannot_begin_leaves_nothing_behind(feeder: str, tmp_path: Path) -> None:
    """A chain that cannot be built, or a recording that cannot be written: its JACK client is gone again."""

    def broken() -> list[Processor]:
        raise ValueError("no chain")

    with pytest.raises(ValueError, match="no chain"):
        Session(broken, Setup(input_device=feeder))
    with pytest.raises(AudioFileError, match="does not exist"):
        Session(_amp_chain, Setup(input_device=feeder, record=tmp_path / "gone" / "take.wav"))
    refresh()
    assert not [device.name for device in devices() if device.name.startswith("tonerig")]


def test_the_report_counts_what_happened(feeder: str) -> None:
    """Served blocks follow the clock, loads are ordered, and a chain of kernels adds no latency.

    A busy machine may let a session wait for its first block or for its end, but hardly five in a row.
    """
    for _ in range(5):
        session = Session(_amp_chain, Setup(input_device=feeder))
        _play(session, 1.0)
        report = session.close()
        assert report.callbacks_due == report.callbacks_served + report.missing
        if abs(report.callbacks_due - report.seconds * 750) < 200:
            break
    assert abs(report.callbacks_due - report.seconds * 750) < 200
    assert 0 < report.load_p50 <= report.load_p95 <= report.load_p99
    assert report.load_p50 <= report.load_max
    assert report.added_latency_frames == 0
    assert report.block == 64


def test_an_unseen_shape_plays_at_once_and_its_kernel_takes_over(
    feeder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose kernel was never compiled is heard through ONNX Runtime until the kernel is there."""
    model = random_model("lstm_2x8", 1)
    ready = [ENGINE_UNIT, onnx_runtime.unit(), Neural(model=model).units()[0], Gain().units()[0]]
    compile_units(ready)
    folder = tmp_path / "kernels"
    folder.mkdir()
    for unit in ready:
        shutil.copy(cache_folder() / f"{unit.key}.zip", folder)
    monkeypatch.setenv("TONERIG_CACHE", str(tmp_path))
    monkeypatch.setattr("tonerig.realtime.compiler.unit._loaded", {})
    heard: list[str] = []

    def chain() -> list[Processor]:
        return [Parallel(a=[Neural(model=model)], b=[Gain()]), Neural(model=model)]

    compile_units(Parallel().units())
    session = Session(chain, Setup(input_device=feeder), heard.append)
    first = session.engine.playing.chain[1]
    assert isinstance(first, Neural)
    assert first.runtime == "onnxruntime"
    _run(session, _sounds(session))
    _run(session, lambda: session.engine.playing.chain[1] is not first, seconds=600.0)
    taken_over = session.engine.playing.chain[1]
    session.close()
    assert isinstance(taken_over, Neural)
    assert taken_over.on_kernel
    assert heard[-2:] == [
        "the model's shape is new: ONNX Runtime plays it until its kernel is compiled",
        "the kernel is compiled and takes over",
    ]


def _heard(log: EventLog) -> list[bytes]:
    return [message for _, message in log.events]


@pytest.mark.usefixtures("jack_in_step")
def test_a_keyboard_plays_without_any_input_device(tmp_path: Path) -> None:
    """What a JACK keyboard sends is heard, read by compiled code; what would be the guitar is silent."""
    log = EventLog()
    with keyboard("keys") as keys:
        setup = Setup(channels=(), midi_in="keys", record=tmp_path / "take.wav", record_what="both")
        session = Session(lambda: [log], setup)
        assert isinstance(session.midi, JackConnection)
        _run(session, lambda: len(log.events) == len(SILENCE))
        for number in range(100):
            keys.send_message(note(number))
        _run(session, lambda: len(log.events) == len(SILENCE) + 100)
        _play(session, 0.2)
        report = session.close()
    assert _heard(log) == [*SILENCE, *map(note, range(100))]
    assert (report.midi_lost, report.events) == (0, [])
    dry, wet = _takes(tmp_path)
    assert not dry.any()
    assert np.sum(wet) in (100, 100 + len(SILENCE))  # the silence may come before the recording begins


def test_a_guitar_and_a_keyboard_are_one_program(feeder: str, tmp_path: Path) -> None:
    """The guitar goes on while keys are played: what they add to it are the notes' own impulses."""
    log = EventLog()
    with keyboard("keys") as keys:
        setup = Setup(input_device=feeder, midi_in="keys", record=tmp_path / "take.wav", record_what="both")
        session = Session(lambda: [log], setup)
        _play(session, 0.3)
        for number in range(10):
            keys.send_message(note(number))
        _run(session, lambda: len(log.events) == len(SILENCE) + 10)
        _play(session, 0.3)
        session.close()
    dry, wet = _takes(tmp_path)
    added = wet[0] - dry[0]
    assert np.sqrt(np.mean(dry[0, 4800:] ** 2)) > 0.05
    # The silence may come before the recording begins.
    assert round(float(np.sum(added)), 2) in (10, 10 + len(SILENCE))
    assert np.count_nonzero(added) <= 10 + 1


@pytest.mark.usefixtures("jack_in_step")
def test_a_keyboard_that_goes_away_is_silenced_and_comes_back() -> None:
    """Its notes are ended, both is said in a sentence, and what it then plays is heard."""
    log, said = EventLog(), list[str]()
    with keyboard("keys") as keys:
        session = Session(lambda: [log], Setup(channels=(), midi_in="keys:out"), said.append)
        keys.send_message(note(1))
        _run(session, lambda: note(1) in _heard(log))
    _run(session, lambda: GONE in said)
    _run(session, lambda: len(log.events) == 2 * len(SILENCE) + 1)
    with keyboard("keys") as again:
        _run(session, lambda: BACK in said)
        again.send_message(note(2))
        _run(session, lambda: note(2) in _heard(log))
        report = session.close()
    assert [message for message in _heard(log) if message not in SILENCE] == [note(1), note(2)]
    assert _heard(log)[-1 - len(SILENCE) : -1] == list(SILENCE)
    assert said == report.events == [GONE, BACK]


@pytest.mark.usefixtures("jack_in_step")
def test_a_drained_port_plays_a_chord_at_one_sample() -> None:
    """Ten keys that RtMidi's queue held together sound in the same block, at its first sample.

    The queue says to nobody how much it holds, and a busy machine takes its time to fill it.
    """
    for patience_s in (0.2, 1.0, 5.0):
        log = EventLog()
        with keyboard("keys") as keys:
            session = Session(lambda log=log: [log], Setup(channels=()))
            midi = MidiInput(MidiPort("keys:out", "JACK"), session.engine.send, print)
            midi._in_use.acquire()  # the queue fills before it is drained
            for number in range(10):
                keys.send_message(note(number))
            time.sleep(patience_s)
            midi._in_use.release()
            midi.resume(None)
            _run(session, lambda log=log: len(log.events) == len(SILENCE) + 10)
            midi.close()
            session.close()
        assert _heard(log) == [*SILENCE, *map(note, range(10))]
        samples = {sample for sample, _ in log.events}
        if len(samples) == 1:
            break
    assert len(samples) == 1
    assert samples.pop() % 64 == 0


def test_a_server_that_comes_back_brings_the_keyboard_back(
    jack_in_step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JACK server is killed and started anew: notes are ended, and the keyboard, once there, is heard."""
    name = f"{jack_in_step}-midi"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    server = start_server(name)
    log, said = EventLog(), list[str]()
    try:
        wait_until_seen(server)
        with keyboard("keys") as keys:
            session = Session(lambda: [log], Setup(channels=(), midi_in="keys"), said.append)
            keys.send_message(note(1))
            _run(session, lambda: note(1) in _heard(log))
            server.kill()
            server.wait()
        _run(session, lambda: bool(said))
        server = start_server(name)
        _run(session, lambda: "the device is back" in said)
        _run(session, lambda: len(log.events) == 2 * len(SILENCE) + 1)
        with keyboard("keys") as again:
            _run(session, lambda: BACK in said)
            again.send_message(note(2))
            _run(session, lambda: note(2) in _heard(log))
            session.close()
    finally:
        stop_server(server)
        monkeypatch.undo()
        refresh()
    assert _heard(log) == [*SILENCE, note(1), *SILENCE, note(2)]
    assert said == ["the device has gone away; waiting for it to come back", "the device is back", GONE, BACK]


def test_a_midi_input_that_is_missing_is_refused_before_any_device_is_opened(feeder: str) -> None:
    """One sentence, and no client of ours is left on the server."""
    with pytest.raises(MidiPortError, match="there is no MIDI input 'keys'; there are no MIDI inputs"):
        Session(_amp_chain, Setup(input_device=feeder, midi_in="keys"))
    refresh()
    assert not [device.name for device in devices() if device.name.startswith("tonerig")]
