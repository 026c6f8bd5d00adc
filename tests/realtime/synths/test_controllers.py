"""Controllers: what each does to pitch, level, place and tone; and an MPE zone's master and members."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import hilbert
from tonerig.realtime.processors.smoothing import SMOOTHING_S

from .play import (
    RATE,
    Event,
    Player,
    Signal,
    channel_pressure,
    control,
    four,
    key_pressure,
    level_db,
    note,
    note_on,
    pitch_bend,
    play,
    registered,
    semitones,
)

SECOND = round(RATE)
SETTLED = slice(SECOND // 4, None)
DEFAULT_DB = 40 * np.log10(100 / 127)


def heard(events: list[Event], key: int = 69, channel: int = 1, **values: float | str) -> Signal:
    """Three quarters of a second of a held note, a quarter after these events."""
    return play(four(**values), [*events, note_on(0, key, channel=channel)], 1.0)[:, SETTLED]


def pitch(events: list[Event], key: int = 69, channel: int = 1, **values: float | str) -> float:
    """The key number that a note sounds at after these events."""
    return semitones(heard(events, key, channel, **values)[0])


def levels(events: list[Event], **values: float | str) -> tuple[float, float]:
    """Left and right in dB over a note without any events."""
    plain, x = heard([]), heard(events, **values)
    return level_db(x[0]) - level_db(plain[0]), level_db(x[1]) - level_db(plain[1])


@pytest.mark.parametrize(("bend", "part"), [(8191, 1.0), (-8192, -1.0), (4096, 4096 / 8191), (1, 1 / 8191)])
@pytest.mark.parametrize("reach", [2.0, 12.0])
def test_pitch_bend(bend: int, part: float, reach: float) -> None:
    """The wheel moves the pitch by its part of bend_semitones, each end exactly."""
    expected = 69 + part * reach
    assert pitch([pitch_bend(0, bend)], bend_semitones=reach) == pytest.approx(expected, abs=0.003)


def test_bend_range_by_message() -> None:
    """Registered parameter 0 sets semitones, and cents by the second byte, over the patch's."""
    bent = pitch_bend(0, 8191)
    assert pitch([*registered(0, 0, 7), bent]) == pytest.approx(76, abs=0.003)
    assert pitch([*registered(0, 0, 7), control(0, 38, 50), bent]) == pytest.approx(76.5, abs=0.003)
    assert pitch([*registered(0, 0, 0), bent]) == pytest.approx(69, abs=0.003)


def test_tuning_by_message() -> None:
    """Parameter 1 is 100 cents each way in 14 bits, 2 is semitones around 64; they add to the patch's own."""
    assert pitch(registered(0, 1, 0)) == pytest.approx(68, abs=0.003)
    assert pitch([*registered(0, 1, 96), control(0, 38, 64)]) == pytest.approx(69 + 4160 / 8192, abs=0.003)
    assert pitch(registered(0, 2, 60)) == pytest.approx(65, abs=0.003)
    together = [*registered(0, 2, 76), *registered(0, 1, 32)]
    tuned = pitch(together, transpose_semitones=-12, tune_cents=20)
    assert tuned == pytest.approx(69 + 12 - 0.5 - 12 + 0.2, abs=0.003)


@pytest.mark.parametrize(
    "chosen",
    [
        [(101, 127), (100, 127)],
        [(101, 61), (100, 0)],
        [(99, 0), (98, 0)],
        [(101, 0), (100, 0), (99, 1)],
        [(101, 0), (100, 0), (98, 1)],
        [(101, 0), (100, 0), (121, 0)],
        [(101, 0), (100, 5)],
        [],
    ],
)
def test_data_for_other_parameters_changes_nothing(chosen: list[tuple[int, int]]) -> None:
    """After the null parameter, an unregistered or unknown one, or 121, data does not set the bend range."""
    chosen = [*chosen, (6, 12), (38, 99)]
    events = [control(0, number, value) for number, value in chosen]
    assert pitch([*events, pitch_bend(0, 8191)]) == pytest.approx(71, abs=0.003)


def test_a_parameter_may_be_chosen_in_any_order() -> None:
    """Low byte first, or one byte alone where the other one stands already."""
    low_first = [control(0, 100, 0), control(0, 101, 0), control(0, 6, 5)]
    assert pitch([*low_first, pitch_bend(0, 8191)]) == pytest.approx(74, abs=0.003)
    fine_then_coarse = [*registered(0, 1, 96), control(0, 100, 2), control(0, 6, 65)]
    assert pitch(fine_then_coarse) == pytest.approx(70.5, abs=0.003)


def test_the_modulation_wheel_is_a_vibrato() -> None:
    """Full on, the pitch swings by vibrato_cents each way at vibrato_hz; half on, by half of it."""
    for value, part in ((127, 1.0), (64, 64 / 127), (0, 0.0)):
        x = heard([control(0, 1, value)], vibrato_hz=5.0, vibrato_cents=50.0)[0]
        phase = np.unwrap(np.angle(hilbert(x.astype(np.float64))))
        cents = 1200 * np.log2(np.diff(phase)[2000:-2000] * RATE / (2 * np.pi) / 440)
        time = np.arange(cents.size) / RATE
        wave = 2 * np.mean((cents * np.exp(-2j * np.pi * 5.0 * time))[: 3 * SECOND // 5])
        assert abs(wave) == pytest.approx(50.0 * part, abs=0.3)


def test_volume_and_expression_are_squared() -> None:
    """40 log10(value / 127) dB each (General MIDI), from volume 100 and expression 127 on."""
    for events, factor in (
        ([control(0, 7, 127)], 127 / 100),
        ([control(0, 7, 50)], 50 / 100),
        ([control(0, 11, 32)], 32 / 127),
        ([control(0, 7, 64), control(0, 11, 64)], 64 / 100 * 64 / 127),
    ):
        expected = 40 * np.log10(factor)
        assert levels(events) == pytest.approx((expected, expected), abs=0.01)
    assert not heard([control(0, 7, 0)]).any()
    assert level_db(heard([], cutoff_hz=4000.0, resonance=0.7)[0]) == pytest.approx(DEFAULT_DB, abs=0.1)


@pytest.mark.parametrize(("value", "place"), [(64, 0.0), (0, -1.0), (127, 1.0), (96, 32 / 63)])
def test_pan(value: int, place: float) -> None:
    """Gains are sqrt(1 - pan) and sqrt(1 + pan): equal power, 0 dB in the middle; the patch's pan adds."""
    for events, values in (([control(0, 10, value)], {}), ([], {"pan": place})):
        plain, x = heard([]), heard(events, **values)
        for c, gain in enumerate((np.sqrt(1 - place), np.sqrt(1 + place))):
            np.testing.assert_allclose(x[c], gain * plain[c], atol=2e-6)
    both = heard([control(0, 10, 127)], pan=0.5)
    assert not both[0].any()


def test_brightness_moves_the_cutoff_four_octaves_each_way() -> None:
    """Controller 74 at 0 and at 127 filters like a cutoff 16 times lower and higher."""
    for value, octaves in ((0, -4.0), (127, 4.0), (64, 0.0), (96, 4 * 32 / 63)):
        low = heard([control(0, 74, value)], cutoff_hz=3200.0 if octaves < 0 else 240.0)
        cutoff = (3200.0 if octaves < 0 else 240.0) * 2**octaves
        np.testing.assert_allclose(level_db(low[0]) - DEFAULT_DB, low_pass_db(440.0, cutoff, 0.7), atol=0.03)


def test_pressure_opens_the_filter() -> None:
    """Full pressure of the channel or of the key is two octaves of cutoff each."""
    for events, octaves in (
        ([channel_pressure(0, 127)], 2.0),
        ([channel_pressure(0, 64)], 2 * 64 / 127),
        ([note_on(0, 69), key_pressure(0, 69, 127)], 2.0),
        ([note_on(0, 69), key_pressure(0, 69, 127), channel_pressure(0, 127)], 4.0),
        ([note_on(0, 69), key_pressure(0, 69, 127), control(0, 121, 0)], 0.0),
    ):
        held = events if events[0][1][0] == 0x90 else [note_on(0, 69), *events]
        x = play(four(cutoff_hz=240.0), held, 1.0)[0, SETTLED]
        expected = low_pass_db(440.0, 240.0 * 2**octaves, 0.7)
        assert level_db(x) - DEFAULT_DB == pytest.approx(expected, abs=0.03)


def test_resonance_by_controller() -> None:
    """Controller 71 makes the filter's Q four times as high, or as low."""
    for value, factor in ((0, 1 / 4), (127, 4.0), (64, 1.0)):
        x = heard([control(0, 71, value)], cutoff_hz=440.0, resonance=1.0)[0]
        assert level_db(x) - DEFAULT_DB == pytest.approx(low_pass_db(440.0, 440.0, factor), abs=0.03)


def low_pass_db(frequency_hz: float, cutoff_hz: float, q: float) -> float:
    """Magnitude of the analog low-pass, both frequencies warped as the bilinear transform has it."""
    f, c = (np.tan(np.pi * x / RATE) for x in (frequency_hz, min(cutoff_hz, 0.45 * RATE)))
    s = 1j * f / c
    return float(20 * np.log10(abs(1 / (s * s + s / q + 1))))


def test_attack_and_release_by_controller() -> None:
    """73 and 72 make the envelope's times up to 16 times as long, or as short; 64 leaves them."""
    for number, value, factor in (
        (73, 127, 16.0),
        (73, 0, 1 / 16),
        (72, 127, 16.0),
        (72, 0, 1 / 16),
        (73, 64, 1.0),
    ):
        times = {"attack_s": 0.02, "release_s": 0.02}
        changed = "attack_s" if number == 73 else "release_s"
        events = [control(0, number, value), *note(0, 69, 24000)]
        x = play(four(**times), events, 1.0)
        expected = play(four(**{**times, changed: 0.02 * factor}), note(0, 69, 24000), 1.0)
        np.testing.assert_allclose(x, expected, atol=2e-4)


def test_reset_all_controllers() -> None:
    """121 resets what RP-015 names: bend, modulation, expression, pressure, pedals; the rest stays."""
    reset = control(0, 121, 0)
    moved = [pitch_bend(0, 5000), control(0, 1, 127), control(0, 11, 20), channel_pressure(0, 90)]
    np.testing.assert_allclose(heard([*moved, reset], cutoff_hz=500.0), heard([], cutoff_hz=500.0), atol=1e-6)
    stays = [control(0, number, 30) for number in (7, 10, 71, 73, 74)] + registered(0, 2, 60)
    np.testing.assert_allclose(heard([*stays, reset]), heard(stays), atol=1e-6)
    one = Player(four())
    one.play([control(0, 64, 127), *note(1, 60, 5), note_on(7, 62), control(8, 66, 127)], 480)
    one.play([(0, (0x80, 62, 0)), control(1, 121, 0)], 4800)
    assert one.sounding() == 0


def test_channels_are_apart() -> None:
    """What one channel's controllers do, no other one hears."""
    events = [
        pitch_bend(0, 8191),
        control(0, 7, 3),
        control(0, 10, 0),
        control(0, 74, 0),
        channel_pressure(0, 127),
    ]
    np.testing.assert_array_equal(heard(events, channel=2), heard([], channel=2))


def test_a_controller_moved_while_a_note_sounds_does_not_jump() -> None:
    """Volume from 127 to 0 falls as an exponential of 10 ms in steps of 16 samples, straight in between."""
    x = play(four(), [control(0, 7, 127), note_on(0, 69), control(24000, 7, 0)], 1.0)[0]
    steady = play(four(), [control(0, 7, 127), note_on(0, 69)], 1.0)[0]
    time = np.arange(0, 1500) / RATE
    envelope = (
        np.abs(hilbert(x.astype(np.float64)))[24000:25500] / np.abs(hilbert(steady.astype(np.float64)))[24000]
    )
    np.testing.assert_allclose(envelope[50:], np.exp(-time / SMOOTHING_S)[50:], atol=0.03)
    assert np.abs(np.diff(x[23900:])).max() <= 1.01 * np.abs(np.diff(steady)).max()


def test_a_controller_moved_in_silence_is_there_when_a_note_begins() -> None:
    """The first note after it starts with the new value, at once."""
    events = [*note(0, 69, 480), control(4800, 7, 30), pitch_bend(4800, 8191)]
    x = play(four(), [*events, note_on(9600, 69)], 0.5)[:, 9600:]
    moved = [control(0, 7, 30), pitch_bend(0, 8191), note_on(0, 69)]
    np.testing.assert_array_equal(x, play(four(), moved, 0.3))


ZONE = registered(0, 6, 5)
"""A lower zone of five members, channels 2 to 6."""


def test_a_zone_bends_members_48_semitones_and_all_of_them_2() -> None:
    """A member's wheel moves its own note by up to 48 semitones, the master's all by up to 2."""
    up, half = pitch_bend(0, 8191, 3), pitch_bend(0, -4096, 3)
    assert pitch([*ZONE, up], key=40, channel=3) == pytest.approx(88, abs=0.003)
    assert pitch([*ZONE, half], channel=3) == pytest.approx(69 - 48 * 4096 / 8191, abs=0.003)
    assert pitch([*ZONE, half], channel=4) == pytest.approx(69, abs=0.003)
    assert pitch([*ZONE, pitch_bend(0, 8191), half], channel=3) == pytest.approx(
        71 - 48 * 4096 / 8191, abs=0.003
    )
    assert pitch([*ZONE, pitch_bend(0, 8191)], channel=1) == pytest.approx(71, abs=0.003)
    assert pitch([*ZONE, pitch_bend(0, 8191)], channel=7) == pytest.approx(69, abs=0.003)
    assert pitch([*ZONE, pitch_bend(0, 8191, 7)], channel=7) == pytest.approx(71, abs=0.003)


def test_bend_ranges_of_a_zone_by_message() -> None:
    """On one member it counts for all members, on the master for the master."""
    ranges = [*ZONE, *registered(0, 0, 24, 2), *registered(0, 0, 5, 1)]
    assert pitch([*ranges, pitch_bend(0, 8191, 6)], channel=6) == pytest.approx(93, abs=0.003)
    assert pitch([*ranges, pitch_bend(0, 8191)], channel=6) == pytest.approx(74, abs=0.003)


def test_a_masters_controllers_count_for_all_members() -> None:
    """Volume, pan, brightness, pressure, vibrato and tuning do to a member what they do to the master."""
    for events in (
        [control(0, 11, 40)],
        [control(0, 10, 20)],
        [control(0, 74, 20)],
        [control(0, 71, 120)],
        [channel_pressure(0, 100)],
        [control(0, 1, 127)],
        registered(0, 2, 60),
    ):
        of_master = heard([*ZONE, *events], channel=1, cutoff_hz=900.0)
        of_member = heard([*ZONE, *events], channel=4, cutoff_hz=900.0)
        np.testing.assert_allclose(of_member, of_master, atol=1e-6)
        assert np.abs(of_member - heard(ZONE, channel=4, cutoff_hz=900.0)).max() > 1e-3


def test_a_master_resets_its_members() -> None:
    """Its controller 121 centres their wheels and lifts their pedals; a member's only its own."""
    moved = [*ZONE, pitch_bend(0, 8191, 2), pitch_bend(0, 8191, 3)]
    assert pitch([*moved, control(0, 121, 0)], channel=2) == pytest.approx(69, abs=0.003)
    assert pitch([*moved, control(0, 121, 0, 3)], channel=2, key=21) == pytest.approx(69, abs=0.003)
    one = Player(four())
    one.play([*ZONE, control(0, 64, 127, 2), control(0, 66, 127), *note(1, 60, 9, channel=2)], 4800)
    assert one.held() == [60]
    one.play([control(0, 121, 0)], 4800)
    assert one.sounding() == 0


def test_a_zone_is_as_loud_as_a_channel() -> None:
    """A member's note has the level of the master's volume, and as before once the zone has ended."""
    np.testing.assert_allclose(heard(ZONE, channel=2), heard([], channel=2), atol=1e-6)
    ended = [*ZONE, *registered(0, 6, 0)]
    np.testing.assert_allclose(heard(ended, channel=2), heard([], channel=2), atol=1e-6)
    bent = pitch_bend(0, 8191, 2)
    assert pitch([*ended, bent], channel=2) == pytest.approx(71, abs=0.003)


def test_a_zone_leaves_other_channels_alone() -> None:
    """Neither their bend range nor their notes nor their pedals change as a zone comes and goes."""
    one = Player(four())
    before = [*registered(0, 0, 12, 16), control(0, 64, 127, 16), *note(1, 69, 5, channel=16)]
    one.play([*before, note_on(2, 60, channel=3)], 480)
    one.play(ZONE, 4800)
    assert one.held() == [69]
    one.play(registered(0, 6, 0), 4800)
    x = one.play([pitch_bend(0, 8191, 16)], SECOND)
    assert one.held() == [69] and semitones(x[0, SETTLED]) == pytest.approx(81, abs=0.003)


def test_pedals_and_all_notes_off_of_a_master() -> None:
    """The master's pedal holds members' notes; its 123 and 120 are for all of them, a member's for itself."""
    one = Player(four())
    one.play([*ZONE, control(0, 64, 127), *note(1, 60, 9, channel=2), *note(1, 62, 9, channel=3)], 4800)
    assert one.held() == [60, 62]
    one.play([control(0, 64, 0, 2)], 4800)
    assert one.held() == [60, 62]
    one.play([control(0, 64, 0)], 4800)
    assert one.sounding() == 0
    for number in (123, 120):
        both = [note_on(0, 60, channel=2), note_on(0, 62, channel=3), note_on(0, 64, channel=9)]
        one.play([*both, control(100, number, 0, 2)], 4800)
        assert one.held() == [62, 64]
        one.play([control(100, number, 0, 1)], 4800)
        assert one.held() == [64]
        one.play([control(100, number, 0, 9)], 4800)
        assert one.sounding() == 0


def test_a_note_does_not_make_a_moving_zone_jump() -> None:
    """The master's wheel on its way, another member's note-on leaves the sounding one's pitch on its way."""
    one = Player(four(bend_semitones=2.0))
    begin = [*ZONE, *registered(0, 0, 24, 1), note_on(0, 60, channel=2)]
    pitches = []
    for events in (begin, [pitch_bend(0, 8191)], [note_on(1, 64, channel=3)], [note_on(1, 66, channel=1)]):
        one.play(events, 16)
        one.play([], 16)
        pitches.append(float(one.array("lanes")["pitch"][0, 0]))
    share = 1 - np.exp(-32 / RATE / SMOOTHING_S)
    assert pitches[0] == 60
    steps = np.diff(pitches)
    np.testing.assert_allclose(steps, 24 * share * (1 - share) ** np.arange(3), rtol=0.02)


def test_only_the_first_channel_makes_a_zone() -> None:
    """Parameter 6 elsewhere changes nothing; more members than channels are all channels."""
    assert pitch([*registered(0, 6, 5, 3), pitch_bend(0, 8191)], channel=2) == pytest.approx(69, abs=0.003)
    assert pitch([*registered(0, 6, 127), pitch_bend(0, 8191)], channel=16) == pytest.approx(71, abs=0.003)
