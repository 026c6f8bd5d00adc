"""MIDI controllers that turn knobs on the audio thread: when, how far, and across a swap of programs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tonerig.realtime.compiler.unit import Unit
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.knobs import Knob
from tonerig.realtime.engine.layout import FADE_S
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.parameters import Parameter, ParameterError
from tonerig.realtime.processors.equalizer import Equalizer
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.limiter import Limiter
from tonerig.realtime.processors.parallel import Parallel
from tonerig.realtime.processors.processor import Processor
from tonerig.realtime.processors.smoothing import GRID
from tonerig.realtime.synths.four import FourOscillators

from .drive import MAX_BLOCK, RATE, Signal, noise, serve
from .event_log import events

SMOOTHING_S = 0.01  # of a gain
UNEVEN = (64, 1, 257, 16, 1000, 441)


def _program(chain: Sequence[Processor], *knobs: Knob, inputs: int = 1) -> Program:
    return Program(chain, RATE, MAX_BLOCK, inputs, knobs=knobs)


def _gain(*, channel: int | None = None, gain_db: float = 0.0) -> Program:
    gain = Gain({"gain_db": gain_db})
    return _program([gain], Knob(20, gain, "gain_db", channel))


def _moved(position: int, channel: int = 1, controller: int = 20) -> bytes:
    return bytes([0xB0 | channel - 1, controller, position])


def _level_db(position: int) -> float:
    """Of a gain from -60 to 40 dB."""
    return -60 + 100 * position / 127


def _formula(turns: Sequence[tuple[int, float]], frames: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A gain at 1 until, from the first point of the grid after each turn on, its level moves to another."""
    goal, now = 1.0, 1.0
    step = 1 - np.exp(-1 / (SMOOTHING_S * RATE))
    levels = np.empty(frames)
    starts = {frame // GRID * GRID + GRID: level_db for frame, level_db in turns}
    for t in range(frames):
        if t in starts:
            goal = 10 ** (starts[t] / 20)
        now += step * (goal - now)
        levels[t] = now
    return levels


def test_a_controller_moves_a_level_by_the_expected_decibels() -> None:
    """From position 0 to 127 the gain goes from -60 to 40 dB, on a straight line in dB."""
    signal = np.full((1, 24000), 0.01, np.float32)
    for position in (0, 1, 64, 127):
        output = Runner(_gain()).process(signal, events((100, _moved(position))))[0]
        assert 20 * np.log10(output[-1] / 0.01) == pytest.approx(_level_db(position), abs=1e-3)
        assert np.array_equal(output[:112], signal[0, :112])
        assert output[112] != signal[0, 112]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 1999), st.integers(0, 127)), max_size=30),
    st.lists(st.integers(1, 300), min_size=1, max_size=8),
)
def test_the_bits_are_those_of_the_formula_whatever_the_blocks(
    turns: list[tuple[int, int]], blocks: list[int]
) -> None:
    """Live in any blocks equals offline in one, bit for bit, and both the gain's formula with the turns."""
    turns.sort(key=lambda turn: turn[0])
    due = events(*[(frame, _moved(position)) for frame, position in turns])
    signal = np.full((1, 2000), 0.01, np.float32)
    offline = Runner(_gain()).process(signal, due)
    assert np.array_equal(serve(Engine(_gain(), 1), signal, *blocks, events=due), offline)
    expected = 0.01 * _formula([(frame, _level_db(position)) for frame, position in turns], 2000)
    assert np.allclose(offline[0], expected, rtol=2e-4)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, 3999), st.integers(20, 23), st.integers(0, 127)), min_size=1, max_size=200
    ),
    st.lists(st.integers(1, 700), min_size=1, max_size=5),
)
def test_processors_on_the_grid_give_the_same_bits_in_any_blocks(
    turns: list[tuple[int, int, int]], blocks: list[int]
) -> None:
    """Knobs of an equalizer, of a parallel chain and inside it, turned all the time."""
    turns.sort(key=lambda turn: turn[0])
    due = events(*[(frame, _moved(value, controller=number)) for frame, number, value in turns])
    signal = noise(1, 4000)

    def chain() -> Program:
        inner, equalizer = Gain(), Equalizer()
        both = Parallel(a=[inner], b=[equalizer])
        bands = [p.name for p in equalizer.parameters]
        knobs = [Knob(20, inner, "gain_db"), Knob(21, both, "mix")]
        knobs += [Knob(22 + k % 2, equalizer, name) for k, name in enumerate(bands)]
        return _program([both], *knobs)

    assert np.array_equal(
        serve(Engine(chain(), 1), signal, *blocks, events=due), Runner(chain()).process(signal, due)
    )


def test_the_last_position_of_a_stretch_counts() -> None:
    """Of a flood of messages within 16 samples only the last is followed, on time."""
    signal = np.full((1, 4800), 0.5, np.float32)
    flood = [(33 + k // 200, _moved(k % 128)) for k in range(2000)]
    output = Runner(_gain()).process(signal, events(*flood, (47, _moved(70))))
    assert np.array_equal(output, Runner(_gain()).process(signal, events((47, _moved(70)))))
    assert output[0, 47] == 0.5 != output[0, 48]


def test_only_its_own_controller_and_channel_turn_a_knob() -> None:
    """Other controllers and channels, notes and pitch wheels leave it alone; any channel is any channel."""
    signal = np.full((1, 4800), 0.5, np.float32)
    others = [_moved(0, 2, 21), _moved(0, 3), b"\x91\x14\x00", b"\xe1\x14\x00", b"\xd1\x14", b"\xc1\x14"]
    due = events(*[(10, message) for message in others])
    assert np.array_equal(Runner(_gain(channel=2)).process(signal, due), signal)
    due = events((10, _moved(0)), (20, _moved(120, 16)), (40, _moved(64, 2)))
    alone = Runner(_gain()).process(signal, events((10, _moved(0)), (20, _moved(120)), (40, _moved(64))))
    assert np.array_equal(Runner(_gain()).process(signal, due), alone)
    only = Runner(_gain(channel=2)).process(signal, events((40, _moved(64, 2))))
    assert np.array_equal(Runner(_gain(channel=2)).process(signal, due), only)


def test_one_controller_turns_several_knobs_and_several_turn_one() -> None:
    """Two gains follow one controller, and one gain two: the one that moved last counts."""
    signal = np.full((1, 9600), 0.5, np.float32)
    first, second = Gain(), Gain()
    both = _program([first, second], Knob(20, first, "gain_db"), Knob(20, second, "gain_db"))
    output = Runner(both).process(signal, events((0, _moved(70))))
    assert 20 * np.log10(output[0, -1] / 0.5) == pytest.approx(2 * _level_db(70), abs=1e-3)
    gain = Gain()
    either = _program([gain], Knob(20, gain, "gain_db"), Knob(21, gain, "gain_db"))
    runner = Runner(either)
    for controller, position in ((20, 50), (21, 80), (20, 60)):
        output = runner.process(signal, events((0, _moved(position, controller=controller))))
        assert 20 * np.log10(output[0, -1] / 0.5) == pytest.approx(_level_db(position), abs=1e-3)


def test_a_synths_effect_is_turned() -> None:
    """The level of a held note follows a gain among the synth's own effects."""
    gain = Gain()
    synth = FourOscillators({"sustain": 1.0}, effects=[gain])
    chain = _program([synth], Knob(20, gain, "gain_db"))
    runner = Runner(chain)
    silence = np.zeros((1, 24000), np.float32)
    before = runner.process(silence, events((0, b"\x90\x45\x64")))[:, -4800:]
    after = runner.process(silence, events((0, _moved(57))))[:, -4800:]
    ratio = np.sqrt(np.mean(after.astype(float) ** 2) / np.mean(before.astype(float) ** 2))
    assert 20 * np.log10(ratio) == pytest.approx(_level_db(57), abs=0.1)


def test_another_runner_hears_the_controllers_anew() -> None:
    """A program that was turned a hundred times on one runner follows the first turn on the next one."""
    signal = np.full((1, 4800), 0.5, np.float32)
    chain = _gain()
    Runner(chain).process(signal, events(*[(t, _moved(t)) for t in range(100)]))
    chain.reset()
    due = events((40, _moved(64)))
    assert np.array_equal(Runner(chain).process(signal, due), Runner(_gain()).process(signal, due))


@pytest.mark.parametrize(
    "parameter", [("look_ahead_ms", "look_ahead_ms is read before it plays"), ("x", "no parameter x")]
)
def test_a_fixed_parameter_is_refused(parameter: tuple[str, str]) -> None:
    """Neither a controller nor a turn moves what is read before the processor plays, or what there is not."""
    limiter = Limiter()
    with pytest.raises(ParameterError, match=parameter[1]):
        Knob(20, limiter, parameter[0])
    engine = Engine(_program([limiter]), 1)
    with pytest.raises(ParameterError, match=parameter[1]):
        engine.set_parameter(limiter, parameter[0], 1.0)


@pytest.mark.parametrize(("controller", "channel"), [(120, None), (-1, None), (20, 0), (20, 17)])
def test_what_midi_does_not_have_is_refused(controller: int, channel: int | None) -> None:
    """Controllers go from 0 to 119 and channels from 1 to 16."""
    with pytest.raises(ValueError, match=r"there is no (controller|channel)"):
        Knob(controller, Gain(), "gain_db", channel)


# Across programs


def _same(level: Signal, level_db: float) -> bool:
    return bool(abs(20 * np.log10(level[0, -1] / 0.01) - level_db) < 1e-2)


QUIET = np.full((1, 9600), 0.01, np.float32)


def _send(engine: Engine, *positions: int) -> Signal:
    engine.send([_moved(position) for position in positions])
    output = serve(engine, QUIET)
    engine.poll()
    return output


def test_what_a_controller_turned_is_the_processors_value() -> None:
    """After a poll the value is the one that is heard, in the shortest digits that mean it."""
    engine = Engine(_gain(gain_db=0.3), 1)
    assert engine.playing.chain[0].values == {"gain_db": 0.3}
    engine.poll()
    assert engine.playing.chain[0].values == {"gain_db": 0.3}
    for position in (1, 127, 0):
        _send(engine, position)
        value = engine.playing.chain[0].values["gain_db"]
        assert np.float32(value) == np.float32(_level_db(position))
        assert repr(value) == str(np.float32(value))


class _Third(Gain):
    """A gain whose range ends between two float32."""

    parameters = (Parameter("gain_db", -1 / 3, 1 / 3, 0.0, "dB"),)

    def units(self) -> tuple[Unit, ...]:
        return Gain().units()


def test_a_value_that_was_turned_is_in_the_parameters_range() -> None:
    """Also where the end of the range, rounded to the float32 that is heard, is outside it."""
    gain = _Third()
    engine = Engine(_program([gain], Knob(20, gain, "gain_db")), 1)
    for position, end in ((127, 1 / 3), (0, -1 / 3)):
        _send(engine, position)
        assert gain.values["gain_db"] == pytest.approx(end)
        assert gain.parameter("gain_db").check(gain.values["gain_db"]) == gain.values["gain_db"]


def test_a_line_and_a_controller_turn_the_same_knob_in_turn() -> None:
    """The later one counts, for the sound and for the value."""
    engine = Engine(_gain(), 1)
    gain = engine.playing.chain[0]
    assert _same(_send(engine, 80), _level_db(80))
    engine.set_parameter(gain, "gain_db", -12.0)
    engine.poll()  # not obeyed yet: what was asked for stays
    assert gain.values["gain_db"] == -12.0
    assert _same(_send(engine), -12.0)
    assert gain.values["gain_db"] == -12.0
    engine.set_parameter(gain, "gain_db", 3.0)
    assert _same(_send(engine, 70), _level_db(70))


@pytest.mark.parametrize("block", [10**7, 0])
def test_a_fresh_program_goes_on_where_the_knobs_are(block: int) -> None:
    """Turned before the swap, while the new program is built, while it fades in, and after: none is lost."""
    for moment in range(4):
        engine = Engine(_gain(), 1)
        engine.block = block  # so long that both can run together, or too short
        for step in range(4):
            if step == moment:
                engine.send([_moved(50)])
                serve(engine, QUIET[:, : 64 if step == 2 else 640])
                engine.poll()
            if step == 0:
                since = engine.read_knobs()
                fresh = _gain(gain_db=engine.newest.chain[0].values["gain_db"])
            elif step == 1:
                engine.publish(fresh, since)
        assert _same(serve(engine, QUIET), _level_db(50)), moment
        engine.poll()
        assert engine.playing is fresh
        assert engine.playing.chain[0].values["gain_db"] == pytest.approx(_level_db(50))


def test_a_program_that_waits_follows_the_controller_and_later_lines() -> None:
    """Published while another fades in: a turn before it plays reaches it, and so does a later line."""
    for line in (False, True):
        engine = Engine(_gain(), 1)
        engine.publish(_gain())
        since = engine.read_knobs()
        last = _gain()
        engine.publish(last, since)
        engine.send([_moved(50)])
        serve(engine, QUIET[:, :64])
        if line:
            engine.set_parameter(last.chain[0], "gain_db", -20.0)
        for _ in range(2):
            serve(engine, QUIET)
            engine.poll()
        assert engine.playing is last
        assert _same(serve(engine, QUIET), -20.0 if line else _level_db(50))


def test_a_program_that_takes_the_place_of_one_that_waits_loses_no_turn() -> None:
    """It got the values of the one that waits, which does not hear controllers yet."""
    engine = Engine(_gain(), 1)
    engine.publish(_gain())
    engine.publish(_gain(), engine.read_knobs())
    engine.send([_moved(50)])
    serve(engine, QUIET[:, :64])
    since = engine.read_knobs()
    last = _gain(gain_db=engine.newest.chain[0].values["gain_db"])
    engine.publish(last, since)
    for _ in range(2):
        serve(engine, QUIET)
        engine.poll()
    assert engine.playing is last
    assert _same(serve(engine, QUIET), _level_db(50))


@pytest.mark.parametrize("blocks", [(64,), (7,), UNEVEN])
def test_both_programs_of_a_crossfade_are_turned(blocks: tuple[int, ...]) -> None:
    """A knob that only the leaving one has moves within the fade, as it does offline."""
    signal, due = np.full((1, 4800), 0.01, np.float32), events((1400, _moved(50)))
    engine = Engine(_gain(), 1)
    engine.block = 10**7  # so long that both can run together
    swapped: list[int] = []

    def publish(start: int) -> None:
        if start >= 1000 and not swapped:
            swapped.append(start)
            engine.publish(_program([Gain({"gain_db": -60.0})]))

    output = serve(engine, signal, *blocks, before=publish, events=due)[0]
    fade = round(FADE_S * RATE)
    g = np.minimum((np.arange(4800 - swapped[0]) + 1) / fade, 1.0)
    old = Runner(_gain()).process(signal, due)[0, swapped[0] :]
    assert swapped[0] < 1400 < swapped[0] + fade
    assert np.allclose(output[swapped[0] :], (1 - g) * old + g * 1e-5, atol=1e-8)


def test_another_chain_keeps_its_own_values_until_a_controller_moves() -> None:
    """What was turned before counts for the program that it was turned on."""
    engine = Engine(_gain(), 1)
    _send(engine, 50)
    engine.publish(_gain(gain_db=-3.0))
    assert _same(_send(engine), -3.0)
    assert _same(_send(engine, 70), _level_db(70))


def test_a_processor_of_another_program_is_not_turned() -> None:
    """It is named, and nothing is written."""
    engine, other = Engine(_gain(), 1), _gain()
    with pytest.raises(ValueError, match="gain is no processor of this program"):
        engine.set_parameter(other.chain[0], "gain_db", 3.0)


def test_processors_inside_others_are_turned() -> None:
    """A gain inside a parallel chain, by a command, moves the level by as many dB."""
    inner = Gain()
    engine = Engine(_program([Parallel({"mix": 0.0}, a=[inner])]), 1)
    engine.set_parameter(inner, "gain_db", -20.0)
    assert _same(serve(engine, QUIET), -20.0)


@settings(deadline=None, max_examples=20)
@given(st.binary(min_size=0, max_size=600))
def test_arbitrary_bytes_turn_knobs_within_their_range(raw: bytes) -> None:
    """Whatever stands in events, the goal stays in the parameter's range and the sound finite."""
    due = np.frombuffer(raw[: len(raw) // EVENT.itemsize * EVENT.itemsize], EVENT).copy()
    due["frame"] = np.sort(np.abs(due["frame"].astype(np.int64)) % 1000)
    due["status"] |= 0xB0
    gain = Gain()
    chain = _program([gain], *[Knob(number, gain, "gain_db") for number in range(120)])
    output = Runner(chain).process(np.full((1, 1000), 0.1, np.float32), due)
    assert -60 <= float(gain.state.record["gain_db"]) <= 40
    assert np.isfinite(output).all()
