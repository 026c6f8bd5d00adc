"""Knobs that MIDI controllers turn in a session: they stay where they are when its chain is built anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from tonerig.realtime.compiler.unit import compile_units
from tonerig.realtime.engine.knobs import Knob
from tonerig.realtime.live import Session, Setup
from tonerig.realtime.midi.inputs import MidiInput
from tonerig.realtime.midi.ports import MidiPort
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.parallel import Parallel
from tonerig.realtime.processors.processor import Processor

from .midi.keyboard import keyboard

pytestmark = pytest.mark.usefixtures("jack_server")


def _chain() -> list[Processor]:
    return [Gain({"gain_db": 3.0}), Parallel(a=[Gain({"gain_db": 1.0})])]


def _inner(chain: Sequence[Processor]) -> Processor:
    both = chain[1]
    assert isinstance(both, Parallel)
    return both.a[0]


def _knobs(chain: Sequence[Processor]) -> list[Knob]:
    return [Knob(20, _inner(chain), "gain_db"), Knob(21, chain[0], "gain_db", channel=2)]


def _level_db(position: int) -> float:
    return -60 + 100 * position / 127


def _run(session: Session, until: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        session.step()
        time.sleep(0.02)
    assert until()


def _stands(session: Session, first: float, inner: float) -> Callable[[], bool]:
    """Whether both gains are there, for the control side and for the audio thread."""

    def true() -> bool:
        chain = session.engine.newest.chain
        parts = [(chain[0], first), (_inner(chain), inner)]
        return all(
            part.values["gain_db"] == pytest.approx(level, abs=1e-4)
            and part.state.record["gain_db"] == np.float32(part.values["gain_db"])
            for part, level in parts
        )

    return true


def test_knobs_stay_where_they_are_when_a_processor_is_replaced() -> None:
    """Turned by a controller and by a command, then built anew since one broke, then turned again."""
    compile_units(Parallel().units())
    said: list[str] = []
    with keyboard("keys") as keys:
        session = Session(_chain, Setup(channels=(), midi_in="keys"), said.append, _knobs)
        try:
            keys.send_message([0xB5, 20, 40])
            _run(session, _stands(session, 3.0, _level_db(40)))
            session.engine.set_parameter(session.engine.newest.chain[0], "gain_db", -7.0)
            _run(session, _stands(session, -7.0, _level_db(40)))
            broken = session.engine.playing.chain[0]
            broken.state.record["now"] = np.nan
            _run(session, lambda: session.engine.playing.chain[0] is not broken)
            assert _stands(session, -7.0, _level_db(40))()
            keys.send_message([0xB0, 21, 90])  # not its channel
            keys.send_message([0xB0, 20, 50])
            _run(session, _stands(session, -7.0, _level_db(50)))
            keys.send_message([0xB1, 21, 90])
            _run(session, _stands(session, _level_db(90), _level_db(50)))
        finally:
            session.close()
    assert said == ["gain put out NaN or Inf and was silenced; a fresh one takes over"]


def test_another_chain_has_other_knobs() -> None:
    """Its values are its own, and its own controller turns it."""
    with keyboard("keys") as keys:
        session = Session(_chain, Setup(channels=(), midi_in="keys"), knobs=_knobs)
        try:
            keys.send_message([0xB0, 20, 40])
            _run(session, _stands(session, 3.0, _level_db(40)))
            session.change(_chain, lambda chain: [Knob(30, chain[0], "gain_db")])
            _run(session, lambda: not session.engine.is_fading())
            assert _stands(session, 3.0, 1.0)()
            keys.send_message([0xB0, 20, 50])
            keys.send_message([0xB0, 30, 60])
            _run(session, _stands(session, _level_db(60), 1.0))
        finally:
            session.close()


def test_a_drained_port_turns_knobs() -> None:
    """Messages that RtMidi brings, as on a computer without JACK, turn the same knobs."""
    with keyboard("keys") as keys:
        session = Session(_chain, Setup(channels=()), knobs=_knobs)
        midi = MidiInput(MidiPort("keys:out", "JACK"), session.engine.send, print)
        try:
            midi.resume(None)
            keys.send_message([0xB0, 20, 40])
            _run(session, _stands(session, 3.0, _level_db(40)))
        finally:
            midi.close()
            session.close()
