"""The rings between audio thread and control side, whatever the order in which the two ends run."""

from __future__ import annotations

import threading
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.processors.gain import Gain

from .drive import RATE, program, serve

TAP_FRAMES = 512
STEPS = st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=30)


@settings(deadline=None, max_examples=50)
@given(STEPS)
def test_the_tap_keeps_order_and_counts_what_it_lost(steps: list[tuple[int, bool]]) -> None:
    """What is read is the input in order, without the frames that came while the ring was full."""
    engine = Engine(program(), 1, tap_s=TAP_FRAMES / RATE)
    engine.set_recording(True)
    position, room, lost = 1, TAP_FRAMES, 0
    expected: list[float] = []
    heard: list[float] = []
    for frames, read in steps:
        signal = np.arange(position, position + frames, dtype=np.float32)[np.newaxis]
        serve(engine, signal, 128)
        position += frames
        kept = 0
        for start in range(0, frames, 128):  # a block that does not fit is kept as far as it does
            kept_here = min(room, min(128, frames - start))
            expected += signal[0, start : start + kept_here].tolist()
            room -= kept_here
            kept += kept_here
        lost += frames - kept
        if read:
            heard += engine.read_tap()[0].tolist()
            room = TAP_FRAMES
    heard += engine.read_tap()[0].tolist()
    assert heard == expected
    assert engine.tap_lost == lost


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=6))
def test_reports_are_read_or_counted_as_lost(rounds: list[int]) -> None:
    """Every callback leaves a report that is read, or counts as lost when nobody read for too long."""
    engine = Engine(program(), 1)
    for callbacks in rounds:
        serve(engine, np.zeros((1, callbacks), np.float32), 1)
        engine.poll()
    s = engine.statistics
    assert s.served + s.reports_lost == sum(rounds)
    assert s.frames == s.served == s.load.sum()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-60, 40, width=32, allow_subnormal=False), min_size=1, max_size=1000))
def test_the_last_of_many_turns_of_a_knob_is_the_one_that_stays(values: list[float]) -> None:
    """As many commands as the ring holds, sent between two blocks, arrive in order."""
    engine = Engine(program(Gain()), 1)
    for value in values:
        engine.set_parameter(engine.playing.chain[0], "gain_db", value)
    serve(engine, np.zeros((1, 64), np.float32))
    assert engine.playing.chain[0].state.record["gain_db"] == np.float32(values[-1])


def test_two_threads_at_the_ends_of_the_rings_lose_and_mix_up_nothing() -> None:
    """A thread serves counted samples while another reads the tap and turns a knob all the time."""
    engine = Engine(program(Gain()), 1, tap_s=200_000 / RATE)
    engine.set_recording(True)
    signal = np.arange(1, 150_001, dtype=np.float32)[np.newaxis]
    heard: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
    turns, frames = 0, 0

    def keep_near(start: int) -> None:
        """Not so far ahead that a ring could be full, however seldom the other thread comes to read."""
        while start > frames + 10_000:
            time.sleep(0.001)

    audio = threading.Thread(target=lambda: serve(engine, signal, 64, 17, before=keep_near))
    audio.start()
    while audio.is_alive():
        heard.append(engine.read_tap()[0])
        frames += heard[-1].size
        engine.set_parameter(engine.playing.chain[0], "gain_db", turns % 7)
        engine.poll()
        turns += 1
    heard.append(engine.read_tap()[0])
    engine.poll()
    assert turns > 10
    assert np.array_equal(np.concatenate(heard), signal[0])
    assert engine.statistics.frames == 150_000
