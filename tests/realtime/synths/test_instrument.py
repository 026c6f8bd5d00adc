"""The instrument: the same bits in all blocks, the same delay at all frames, exact silence, effects."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from scipy.signal import lfilter, stft
from tonerig.realtime.processors.delay import Delay
from tonerig.realtime.processors.mono import Mono
from tonerig.realtime.processors.overdrive import Overdrive
from tonerig.realtime.processors.processor import Processor
from tonerig.realtime.processors.reverb import Reverb
from tonerig.realtime.synths.four import FourOscillators

from tests.realtime.run import noise, prepared, run

from .play import (
    BLOCKS,
    RATE,
    Event,
    Player,
    Signal,
    channel_pressure,
    control,
    events_of,
    four,
    note,
    note_off,
    note_on,
    pitch_bend,
    play,
    program_change,
)
from .strategies import streams

SECOND = round(RATE)
LAST = 19999
ZONE = [control(0, 101, 0), control(0, 100, 6), control(0, 6, 5)]


def performance(seed: int, frames: int) -> list[Event]:
    """Notes, pedals, wheels and controllers on three channels at random frames, in order."""
    random = np.random.default_rng(seed)
    events: list[Event] = []
    for frame in np.sort(random.integers(0, frames, 150)).tolist():
        key, value, channel, what = random.integers([40, 0, 1, 0], [80, 128, 4, 8]).tolist()
        kinds = (
            note_on(frame, key, value, channel),
            note_on(frame, key, value, channel),
            note_off(frame, key, value, channel),
            note_off(frame, key, value, channel),
            control(frame, (1, 7, 10, 11, 64, 66, 71, 72, 73, 74)[value % 10], value, channel),
            pitch_bend(frame, 128 * value - 8192, channel),
            channel_pressure(frame, value, channel),
            control(frame, 126 + value % 2, 0, channel),
        )
        events.append(kinds[what])
    return events


def rich(*effects: Processor, **values: float | str) -> FourOscillators:
    """Everything moves: all oscillators, gater, width."""
    every: dict[str, float | str] = {
        "sine_depth_hz": 300.0,
        "square_amplitude": 0.3,
        "triangle_amplitude": 0.5,
        "saw_depth_hz": 100.0,
        "gater": "on",
        "width": 0.7,
        "cutoff_hz": 1500.0,
        "resonance": 3.0,
        "volume_db": -12.0,
        "glide_s": 0.05,
    }
    return FourOscillators({**every, **values}, effects=effects)


@pytest.mark.parametrize("voices", ["poly", "mono", "legato"])
@pytest.mark.parametrize("with_effects", [False, True])
def test_blocks_change_no_bits(voices: str, with_effects: bool) -> None:
    """Blocks of 1, 16, 64, 96, 441 and 2048 frames and mixed ones give the same bits."""
    effects = (Reverb({"mix": 30.0}), Delay({"time_ms": 20.0})) if with_effects else ()
    player = Player(rich(*effects, voices=voices))
    events = [*performance(3, LAST), note_on(LAST, 60)]
    expected = player.play(events, LAST + 1, (2048,))
    assert np.abs(expected).max() > 0.1
    for blocks in (*((size,) for size in BLOCKS), (3, 500, 17, 64)):
        player.program.reset()
        np.testing.assert_array_equal(player.play(events, LAST + 1, blocks), expected)


@settings(max_examples=40, deadline=None)
@given(streams(2500))
def test_blocks_change_no_bits_whatever_comes(events: list[Event]) -> None:
    """Any events, zones and mode messages among them, in two divisions into blocks."""
    outputs = []
    for blocks in ((2048,), (7, 96, 1)):
        PLAYER.program.reset()
        outputs.append(PLAYER.play(events, 2600, blocks))
    np.testing.assert_array_equal(outputs[0], outputs[1])


PLAYER = Player(rich())


@pytest.mark.parametrize("count", [1, 2])
def test_effects_rest_and_wake_at_the_same_samples(count: int) -> None:
    """Blocks change no bits across the sample at which echoes are over, the rest, and the next note."""
    rate = 8000.0
    effects = [Delay({"time_ms": 100.0, "feedback": 0.0}), Overdrive()][:count]
    player = Player(rich(*effects, release_s=0.01), rate=rate)
    rest = round(3 * rate * count)
    frames = 3 * rest
    begin = 2 * rest + 1234
    events = [*note(37, 60, 500), *note(begin, 64, 500)]
    player.play(events, begin)
    assert player.record()["quiet"] == rest
    player.program.reset()
    expected = player.play(events, frames, (2048,))
    first = expected[:, :begin]
    assert np.abs(first[:, 837:]).max() > 0.01 and not first[:, -100:].any()
    assert np.abs(expected[:, begin : begin + 500]).max() > 0.1
    for blocks in ((64,), (441,), (96, 1, 777)):
        player.program.reset()
        np.testing.assert_array_equal(player.play(events, frames, blocks), expected)


def test_no_echo_is_lost_to_rest() -> None:
    """Two echoes of two seconds, one through the other and nothing beside them, come four seconds later."""
    rate = 8000.0
    wet = {"time_ms": 2000.0, "mix": 100.0, "feedback": 0.0, "tone_hz": 20000.0}
    events = note(0, 69, 800)
    inside = play(four_with(Delay(wet), Delay(wet)), events, 5.0, rate)
    behind = Player(four(), Delay(wet), Delay(wet), rate=rate).play(events, inside.shape[1])
    assert np.abs(behind[:, 32000:33000]).max() > 0.1
    np.testing.assert_allclose(inside, behind, atol=1e-6)


def four_with(*effects: Processor) -> FourOscillators:
    """The plain sine with effects."""
    return FourOscillators(four().values, effects=effects)


def test_effects_are_for_the_synths_own_sound() -> None:
    """What comes in passes beside them, on both sides; the synth's sound is added to it."""
    guitar = noise(0.2, 1)
    events = events_of(note(100, 60, 4000))
    own = run(prepared(rich(Delay({"time_ms": 20.0}))), np.zeros_like(guitar), events=events)
    both = run(prepared(rich(Delay({"time_ms": 20.0}))), guitar, events=events)
    np.testing.assert_allclose(both, own + guitar, atol=1e-6)
    silent = run(prepared(rich(Reverb())), guitar)
    np.testing.assert_array_equal(silent, np.repeat(guitar, 2, 0))
    stereo = noise(0.2, 2)
    np.testing.assert_array_equal(run(prepared(rich(Reverb()), channels=2), stereo), stereo)


@settings(max_examples=15, deadline=None)
@given(streams(1))
def test_a_note_sounds_from_its_frame_on(events: list[Event]) -> None:
    """The bits of a first note are the same wherever it begins: its delay is constant to the sample."""
    begin = [event for event in events if event[1][0] & 0xF0 == 0xB0]
    PLAYER.program.reset()
    expected = PLAYER.play([*begin, note_on(0, 60)], 600)
    for frame in (1, 15, 16, 17, 63, 500, 1023):
        PLAYER.program.reset()
        x = PLAYER.play([*begin, note_on(frame, 60)], frame + 600, (64,))
        assert not x[:, :frame].any()
        np.testing.assert_array_equal(x[:, frame:], expected)


@pytest.mark.parametrize("frame", [4800, 4801, 4807, 4815])
def test_a_note_beside_others_sounds_from_its_frame_on(frame: int) -> None:
    """Where the grid of samples stands, because of a silent note, delays nothing."""
    silent = [control(0, 7, 0, 2), note_on(0, 60, channel=2)]
    x = play(four(), [*silent, note_on(frame, 69)], 0.3)
    alone = play(four(), [note_on(0, 69)], 0.3)
    count = x.shape[1] - frame
    assert not x[:, :frame].any()
    np.testing.assert_allclose(x[:, frame:], alone[:, :count], atol=2e-6)


def test_voices_do_not_change_one_another() -> None:
    """A note has the same bits beside a hundred silent ones, whenever those begin."""
    others = [note_on(4800 + 7 * k, 40 + k % 60, channel=2) for k in range(100)]
    alone = play(rich(), [note_on(0, 45)], 0.3)
    np.testing.assert_array_equal(play(rich(), [note_on(0, 45), control(0, 7, 0, 2), *others], 0.3), alone)


@pytest.mark.parametrize("rate", [44100.0, 48000.0, 96000.0])
@pytest.mark.parametrize("held_s", [0.2, 0.03, 0.005])
def test_the_envelope_is_to_the_sample(rate: float, held_s: float) -> None:
    """Straight to 1 in attack_s, to the sustain in decay_s, and from where it is to 0 in release_s."""
    a, d, s, r = 0.0123, 0.0456, 0.4, 0.0789
    begin, held = 333, round(held_s * rate)
    x = sine_alone(note(begin, 69, held), rate, attack_s=a, decay_s=d, sustain=s, release_s=r)
    n = np.arange(x.size) - begin
    age = np.clip(n, 0, held)
    level = np.minimum(age / (a * rate), np.maximum(s, 1 - (age - a * rate) / (d * rate) * (1 - s)))
    level = level * np.clip(1 - (n - held) / (r * rate), 0, 1)
    expected = low_passed(level * np.sin(2 * np.pi * 440 / rate * n), rate)
    np.testing.assert_allclose(x, 0.999 * (100 / 127) ** 2 * expected, atol=3e-5)
    assert abs(int(np.argmax(level)) - begin - min(held, round(a * rate))) <= 1
    assert not x[begin + held + round((r + 0.01) * rate) :].any()


def sine_alone(events: list[Event], rate: float, **values: float) -> NDArray[np.float64]:
    """A note's sine without the other oscillators, whose lowest level is not 0."""
    high = play(four(**values), events, 0.4, rate)[0].astype(np.float64)
    return high - play(four(**values, sine_amplitude=0.001), events, 0.4, rate)[0]


def low_passed(signal: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Through the patch's low-pass as R. Bristow-Johnson has it, 4 kHz and Q 0.7."""
    w = 2 * np.pi * 4000 / rate
    alpha, c = np.sin(w) / 2 / 0.7, np.cos(w)
    b, a = [(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]
    return np.asarray(lfilter(b, a, signal))


def test_silence_is_exact_and_computes_nothing() -> None:
    """Before the first and after the last note there are zeros and no voices, and nothing moves."""
    one = Player(rich())
    assert not one.play([control(5, 7, 127), pitch_bend(9, 300)], 480).any()
    assert one.play(note(0, 60, 480), SECOND).any()
    assert one.sounding() == 0 and not one.array("active").any()
    before = one.program.chain[0].state.memory.copy()
    assert not one.play([], SECOND).any()
    changed = one.program.chain[0].state.memory != before
    context = one.program.chain[0].state.record.dtype.fields["context"][1]
    assert not changed[:context].any()


@pytest.mark.parametrize("flood", ["controllers", "notes", "pedals", "zones", "pressure"])
def test_floods(flood: str) -> None:
    """100 000 events at one frame are taken in, and leave silence when their keys are up."""
    random = np.random.default_rng(5)
    count = 100_000
    status, first, second = 0xB0 + random.integers(0, 16, count), *random.integers(0, 128, (2, count))
    if flood == "notes":
        status = np.where(random.random(count) < 0.6, 0x90, 0x80) + status % 16
    elif flood == "pedals":
        first = np.where(random.random(count) < 0.5, 64, 66)
    elif flood == "zones":
        status[:], first = 0xB0, np.array([101, 100, 6, 6])[np.arange(count) % 4]
        second = np.array([0, 6, 5, 127])[np.arange(count) % 4]
    elif flood == "pressure":
        status = 0xA0 + status % 16
    events = [
        (100, message) for message in zip(status.tolist(), first.tolist(), second.tolist(), strict=True)
    ]
    one = Player(rich(release_s=0.01))
    begin = [note_on(0, key, channel=channel) for key in range(30, 40) for channel in (1, 2, 16)]
    x = one.play([*begin, *events], 4800, (2048,))
    assert np.isfinite(x).all()
    one.play([control(0, number, 0, channel) for channel in range(1, 17) for number in (64, 66, 123)], SECOND)
    assert one.sounding() == 0 and not one.play([], 480).any()


def loudness_above(signal: Signal, hz: float) -> NDArray[np.float64]:
    """Level above a frequency against time, of windows of 2.7 ms, 1.33 ms apart."""
    frequencies, _, spectrum = stft(signal.astype(np.float64), RATE, "hann", 128, 64)
    band: NDArray[np.float64] = np.sqrt(np.mean(np.abs(spectrum[frequencies > hz]) ** 2, 0))
    return band


MOVED = {
    "volume_db": (-20.0, 0.0),
    "pan": (-1.0, 1.0),
    "width": (0.0, 1.0),
    "transpose_semitones": (0.0, 5.0),
    "tune_cents": (-100.0, 100.0),
    "key_tracking": (0.0, 1.0),
    "sine_amplitude": (0.001, 1.0),
    "cutoff_hz": (200.0, 4000.0),
    "resonance": (0.5, 5.0),
    "sine_depth_hz": (0.0, 50.0),
    "gater": (0.0, 1.0),
}


@pytest.mark.parametrize("name", MOVED)
def test_parameters_moved_in_a_note_do_not_click(name: str) -> None:
    """On the way from one value to another there is 30 dB less above 8 kHz than in a step of a tenth."""
    low, high = MOVED[name]
    moved = held_note({24000: {name: high}}, **{name: low})
    step = np.where(np.arange(SECOND) < 24000, 0, np.float32(0.1))
    around = slice(24000 // 64 - 5, 28800 // 64)
    for side in moved:
        assert loudness_above(side, 8000)[around].max() < loudness_above(step, 8000)[around].max() / 30
    assert np.abs(moved - held_note(**{name: low})).max() > 0.01


def held_note(changes: Mapping[int, Mapping[str, float]] | None = None, **values: float) -> Signal:
    """A second of a low note, with parameters changed on the way."""
    synth = prepared(four(**{"sustain": 1.0, **values}))
    return run(synth, np.zeros(SECOND), changes=changes, events=events_of([note_on(0, 45)]))


def test_switches_do_not_pass_through_other_positions() -> None:
    """From poly to legato, with no time for a mode in between: the next note is played in legato at once."""
    synth = prepared(four(decay_s=0.05, sustain=0.1))
    events = events_of([note_on(0, 69), note_on(24001, 72)])
    run(synth, np.zeros(SECOND), changes={24000: {"voices": 2.0}}, events=events)
    # the note before was begun in poly, and there is none to go on from
    assert int(synth.state.record["sounding"]) == 2
    synth.reset()
    run(synth, np.zeros(SECOND), changes={0: {"voices": 2.0}}, events=events)
    assert int(synth.state.record["sounding"]) == 1


def test_reset_restores_everything() -> None:
    """Controllers, programs, zone, notes, effects and moved parameters are as they were after `prepare`."""
    synth = rich(Delay({"time_ms": 50.0, "feedback": 60.0}))
    synth.play_on([1, 2], follow=[1], programs=[(5, 5, 1)])
    expected = run(prepared(synth), np.zeros(9600), events=events_of(performance(4, 9600)))
    changes = {100: {"cutoff_hz": 300.0, "voices": 1.0}}
    other = [*performance(5, 4800), program_change(4799, 5), *((4799, m) for _, m in ZONE)]
    run(synth, np.zeros(4800), changes=changes, events=events_of(other))
    synth.reset()
    again = run(synth, np.zeros(9600), events=events_of(performance(4, 9600)))
    np.testing.assert_array_equal(again, expected)


def test_a_broken_effect_is_silenced_alone() -> None:
    """One that puts out NaN leaves the synth silent, and is told of; what comes in still passes."""
    synth = prepared(rich(Delay({"time_ms": 20.0}), Reverb()))
    guitar = noise(0.2, 1)
    synth.effects[0].state.record["mix"] = np.nan
    x = run(synth, guitar, events=events_of([note_on(0, 60)]))
    np.testing.assert_array_equal(x, np.repeat(guitar, 2, 0))
    assert synth.muted() == [("effects", 0)]
    synth.reset()
    assert run(synth, np.zeros(9600), events=events_of([note_on(0, 60)])).any() and synth.muted() == []


def test_effects_have_two_channels() -> None:
    """One that puts out a single channel is refused, by name."""
    with pytest.raises(ValueError, match="four: its effect mono does not put out two channels"):
        Player(rich(Mono()))
