"""MIDI events on their way to the processors: each once, in order and at its sample."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tonerig.realtime.engine import midi_ring
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.layout import FADE_S
from tonerig.realtime.engine.midi_ring import channel_events, release_messages
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.parallel import Parallel

from tests.realtime.run import BLOCKS, prepared, run

from .drive import RATE, program, serve
from .event_log import EventLog, events, note

FADE = round(FADE_S * RATE)
RING = 4096


def _silence(frames: int) -> NDArray[np.float32]:
    return np.zeros((1, frames), np.float32)


@pytest.mark.parametrize("max_block", [1, 7, 64, 2048])
@pytest.mark.parametrize("calls", [(6000,), (1, 64, 2048, 5, 3000)])
def test_an_event_at_every_frame_arrives_at_its_sample(max_block: int, calls: tuple[int, ...]) -> None:
    """Whatever the length of pieces and calls, each event comes once, at its sample, with its bytes."""
    log = EventLog()
    runner = Runner(Program([Gain(), log], RATE, max_block, 1))
    expected, start = [], 0
    for frames in calls:
        numbers = range(start, start + frames)
        output = runner.process(_silence(frames), events(*[(n - start, note(n)) for n in numbers]))
        assert np.array_equal(output, np.ones((1, frames)))
        expected += [(n, note(n)) for n in numbers]
        start += frames
    assert log.events == expected


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 999), max_size=300), st.integers(1, 300))
def test_events_anywhere_are_impulses_at_their_samples(frames: list[int], max_block: int) -> None:
    """The output is the count of events at each sample, and the log keeps their order within one."""
    log = EventLog()
    due = [(frame, note(k)) for k, frame in enumerate(sorted(frames))]
    output = Runner(Program([log], RATE, max_block, 1)).process(_silence(1000), events(*due))
    assert np.array_equal(output[0], np.bincount(frames, minlength=1000) if frames else np.zeros(1000))
    assert log.events == due


def test_any_number_of_events_may_stand_at_one_frame() -> None:
    """Twenty thousand at frame 100 all come, in order: offline no ring limits them."""
    log = EventLog()
    due = [(100, note(k)) for k in range(20_000)]
    Runner(Program([log], RATE, 64, 1)).process(_silence(200), events(*due))
    assert log.events == due


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([5, 4], "event 1, at frame 4, follows one at 5; sort them by frame"),
        ([-1, 4], "expected events at frames 0 to 99, found one at -1"),
        ([4, 100], "expected events at frames 0 to 99, found one at 100"),
    ],
)
def test_events_out_of_order_or_outside_the_signal_are_refused(frames: list[int], words: str) -> None:
    """They are named with what was expected, and nothing is played."""
    log = EventLog()
    with pytest.raises(ValueError, match=words):
        Runner(Program([log], RATE, 64, 1)).process(_silence(100), events(*[(t, note(1)) for t in frames]))
    assert log.events == []


@pytest.mark.parametrize("block", BLOCKS)
def test_both_chains_of_a_parallel_hear_the_events(block: int) -> None:
    """Each inner processor is told of every event at its sample, behind a processor and without."""
    a, b = EventLog(), EventLog()
    due = [(t, note(t)) for t in range(0, 5000, 37)]
    run(prepared(Parallel(a=[Gain(), a], b=[b])), np.zeros(5000), block, events=events(*due))
    assert a.events == b.events == due


@pytest.mark.parametrize("blocks", [(64,), (7,), (64, 1, 257, 1000)])
def test_in_a_crossfade_both_programs_hear_the_events(blocks: tuple[int, ...]) -> None:
    """The old one hears all until the fade's end, the new one all from its beginning on."""
    old, new = EventLog(), EventLog()
    engine = Engine(program(old), 1)
    engine.block = 10**7  # so long that both can run together
    due = [(t, note(t)) for t in range(5000)]
    swapped: list[int] = []

    def publish(start: int) -> None:
        if start >= 1500 and not swapped:
            swapped.append(start)
            engine.publish(program(new))

    serve(engine, _silence(5000), *blocks, before=publish, events=events(*due))
    assert old.events == due[: swapped[0] + FADE]
    assert [(swapped[0] + t, m) for t, m in new.events] == due[swapped[0] :]


def test_programs_too_heavy_to_run_together_hear_the_events_in_turn() -> None:
    """The old one hears those until it is silent, the new one those since."""
    old, new = EventLog(), EventLog()
    engine = Engine(program(old), 1)
    engine.block = 0
    due = [(t, note(t)) for t in range(5000)]

    def publish(start: int) -> None:
        if start == 640:
            engine.publish(program(new))

    serve(engine, _silence(5000), 64, before=publish, events=events(*due))
    assert old.events == due[: 640 + FADE]
    assert [(640 + FADE + t, m) for t, m in new.events] == due[640 + FADE :]


def test_what_is_sent_plays_at_the_start_of_the_next_block() -> None:
    """A chord comes whole, at one frame, before the device's own events of that frame."""
    log = EventLog()
    engine = Engine(program(log), 1)
    chord = [note(1), note(2), note(3)]

    def send(start: int) -> None:
        if start == 1000:
            engine.send(chord)

    serve(engine, _silence(3000), 500, before=send, events=events((999, note(7)), (1000, note(8))))
    assert log.events == [(999, note(7)), *[(1000, m) for m in chord], (1000, note(8))]


def test_only_complete_channel_messages_are_sent() -> None:
    """Of random bytes those with a status of 0x80 to 0xEF and all their data bytes pass."""
    whole = [b"\x80\x01\x02", b"\x9f\x7f\x7f", b"\xa3\x00\x00", b"\xb0\x40\x7f", b"\xc5\x07", b"\xd6\x70"]
    whole.append(b"\xe0\x00\x40")
    broken = [b"", b"\x90", b"\x90\x40", b"\x90\x40\x80", b"\x90\xff\x01", b"\xc0", b"\xc0\x01\x02"]
    broken += [b"\x40\x40\x40", b"\xf8", b"\xf0\x01\xf7", b"\xf2\x01\x02", b"\x90\x40\x40\x41", b"\xc0\x80"]
    log = EventLog()
    engine = Engine(program(log), 1)
    engine.send([m for pair in zip(broken, [*whole, *whole], strict=False) for m in pair])
    engine.send(broken)
    serve(engine, _silence(64))
    heard = [m for _, m in log.events]
    assert heard == [*whole, *whole][: len(broken)]
    assert engine.midi_lost == 0
    assert channel_events(broken).size == 0


def test_more_events_than_the_device_may_bring_leave_the_ring_waiting() -> None:
    """A block with more events than the engine copies plays them from where they are; what was sent waits."""
    log = EventLog()
    engine = Engine(program(log), 1)
    engine.send([note(1)])
    due = [(0, note(k)) for k in range(10_000)]
    serve(engine, _silence(128), 64, events=events(*due))
    assert log.events == [*due, (64, note(1))]


def test_a_ring_that_nobody_reads_loses_what_finds_no_room_and_then_releases_all_notes() -> None:
    """After a loss the next messages are led by pedals up and all notes off on all channels, once."""
    log = EventLog()
    engine = Engine(program(log), 1)
    numbers = [note(k) for k in range(RING)]
    engine.send(numbers)
    engine.send([note(1), note(2)])
    assert engine.midi_lost == 2
    serve(engine, _silence(64))
    engine.send([])
    engine.send([note(3)])
    engine.send([note(4)])
    serve(engine, _silence(64))
    assert [m for _, m in log.events] == [*numbers, *release_messages(), note(3), note(4)]
    assert len(release_messages()) == 48


def test_two_threads_at_the_ends_of_the_ring_keep_chords_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread sends chords of three, while another serves: none is torn or lost."""
    monkeypatch.setattr(midi_ring, "PATIENCE_S", 60.0)
    log = EventLog()
    engine = Engine(program(log), 1)
    chords = [[note(3 * k), note(3 * k + 1), note(3 * k + 2)] for k in range(15_000)]
    done = threading.Event()

    def audio() -> None:
        while not done.is_set():
            serve(engine, _silence(640), 64)
        serve(engine, _silence(64))

    thread = threading.Thread(target=audio)
    thread.start()
    for chord in chords:
        engine.send(chord)
    done.set()
    thread.join()
    assert [m for _, m in log.events] == [m for chord in chords for m in chord]
    samples = np.array([t for t, _ in log.events]).reshape(-1, 3)
    assert np.all(samples == samples[:, :1])
    assert not np.any(samples % 64)
    assert engine.midi_lost == 0


def test_more_messages_than_the_ring_holds_go_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """They follow each other as the audio thread makes room."""
    monkeypatch.setattr(midi_ring, "PATIENCE_S", 60.0)
    log = EventLog()
    engine = Engine(program(log), 1)
    messages = [note(k) for k in range(3 * RING + 5)]
    sender = threading.Thread(target=engine.send, args=(messages,))
    sender.start()
    while sender.is_alive():
        serve(engine, _silence(64))
    serve(engine, _silence(64))
    assert [m for _, m in log.events] == messages
    assert engine.midi_lost == 0


@pytest.mark.parametrize("inputs", [1, 2])
def test_a_route_of_minus_one_is_silence(inputs: int) -> None:
    """A program without an input device hears zeros, and no memory is read for them."""
    engine = Engine(program(inputs=inputs), 1, route=(-1,))
    output = np.full((1, 64), 9.0, np.float32)
    pointers = np.array([output.ctypes.data], np.int64)
    engine.set_recording(True)
    engine.serve(0, pointers.ctypes.data, 64)
    assert not output.any()
    assert not engine.read_tap().any()
    assert engine.poll().input == (0.0, 0.0)


def test_one_side_of_a_program_may_be_silent() -> None:
    """Of two inputs one hears the device and the other zeros, in each block anew."""
    engine = Engine(program(inputs=2), 2, route=(-1, 0))
    signal = np.arange(1.0, 501.0, dtype=np.float32)[np.newaxis]
    output = serve(engine, signal, 64, 1, 300)
    assert np.array_equal(output, [np.zeros(500), signal[0]])
