"""Notes: none hangs, none clicks as another takes its place, and pedals and modes hold those they should."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import stft
from tonerig.realtime.processors.smoothing import GRID
from tonerig.realtime.synths.layout import CHANNELS, GIVE_WAY, GROUPS, LANES, POLYPHONY, VOICES

from .held import Held
from .play import (
    RATE,
    Event,
    Player,
    Signal,
    control,
    four,
    key_pressure,
    note,
    note_off,
    note_on,
    play,
    registered,
    semitones,
)
from .strategies import streams

SECOND = round(RATE)


@cache
def player(voices: str) -> Player:
    """One for all examples of a property test; `Program.reset` starts it anew."""
    synth = four(voices=voices, sine_depth_hz=200.0)
    synth.play_on(range(1, 17), follow=range(1, 17), programs=[(0, 0, 0), (1, 1, 1)])
    return Player(synth)


def check_books(player: Player) -> None:
    """The counts of voices agree with the voices."""
    records = player.array("voice_records")
    active = records["active"] != 0
    assert player.sounding() == active.sum() <= VOICES
    assert np.sum(active & (records["leaving"] == 0)) <= POLYPHONY
    np.testing.assert_array_equal(player.array("active"), active.reshape(GROUPS, LANES).sum(1))
    counted = np.bincount(records["channel"][active], minlength=CHANNELS)
    np.testing.assert_array_equal(player.array("channels")["voices"], counted)
    for c, v in enumerate(player.array("channels")["mono_voice"]):
        assert v < 0 or (active[v] and records["channel"][v] == c)


def endings(how: str) -> list[Event]:
    """What ends all notes: all keys up, all notes off (both with pedals up), or all sound off."""
    events = []
    for channel in range(1, 17):
        if how == "all sound off":
            events.append(control(0, 120, 0, channel))
            continue
        if how == "keys":
            events += [note_off(0, key, channel=channel) for key in range(128)]
        else:
            events.append(control(0, 123, 0, channel))
        events += [control(0, 64, 0, channel), control(0, 66, 0, channel)]
    return events


@settings(max_examples=150, deadline=None)
@given(
    streams(3000),
    st.sampled_from(["keys", "all notes off", "all sound off"]),
    st.sampled_from(["poly", "mono", "legato"]),
)
def test_a_note_never_hangs(events: list[Event], how: str, voices: str) -> None:
    """After any events, all keys up (or 123) with pedals up, or 120, lead to exact silence and no voice."""
    one = player(voices)
    one.program.reset()
    one.play(events, 3000)
    check_books(one)
    one.play(endings(how), GRID * (GIVE_WAY + 3) if how == "all sound off" else 4800)
    check_books(one)
    assert one.sounding() == 0
    assert not one.play([], 100).any()
    assert not one.array("keys").any()


@settings(max_examples=150, deadline=None)
@given(streams(3000), st.sampled_from(["poly", "mono", "legato"]))
def test_the_notes_held_are_those_of_midis_rules(events: list[Event], voices: str) -> None:
    """After any events the voices not released are the notes that a reference in plain lists holds."""
    events = [event for event in events if event[1][0] & 0xF0 != 0xC0]
    held = Held(["poly", "mono", "legato"].index(voices))
    for _, message in events:
        held.hear(message)
    one = player(voices)
    one.program.reset()
    one.play(events, 3000)
    notes = [(int(v["channel"]), int(v["key"])) for v in one.voices() if not v["released"]]
    assert sorted(notes) == held.sorted()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["poly", "mono", "legato"]))
def test_crowds_of_notes_keep_the_books(seed: int, voices: str) -> None:
    """Hundreds of notes and pedals at a time, all at few frames, never take more voices than there are."""
    random = np.random.default_rng(seed)
    events: list[Event] = []
    for frame in random.choice(3000, 6):
        for key, channel, what in random.integers([0, 1, 0], [128, 17, 12], (150, 3)).tolist():
            if what < 8:
                events.append(note_on(int(frame), key, channel=channel))
            elif what < 10:
                events.append(note_off(int(frame), key, channel=channel))
            else:
                events.append(control(int(frame), 64 + 2 * (what - 10), 127 * (key % 2), channel))
    one = player(voices)
    one.program.reset()
    for _ in range(2):
        one.play(events, 3000, (441,))
        check_books(one)
    one.play(endings("keys"), 4800)
    assert one.sounding() == 0 and not one.array("keys").any()


def test_a_zone_that_ends_lets_go_of_what_its_master_holds() -> None:
    """Notes that the master's sostenuto and sustain hold on members end when the zone is taken away."""
    for pedal in (64, 66):
        one = Player(four())
        held = [note_on(2, 60, channel=5), control(3, pedal, 127), note_off(4, 60, channel=5)]
        one.play([*registered(0, 6, 15), *held], 480)
        assert one.held() == [60]
        one.play(registered(0, 6, 0), 4800)
        assert one.sounding() == 0


def test_as_many_notes_sound_as_promised() -> None:
    """112 keys pressed are 112 voices; the next one makes the first one leave."""
    one = Player(four())
    one.play([note_on(0, key) for key in range(POLYPHONY)], 480)
    assert one.held() == list(range(POLYPHONY))
    one.play([note_on(0, 127)], GRID * (GIVE_WAY + 2))
    assert one.held() == [*range(1, POLYPHONY), 127] and one.sounding() == POLYPHONY


def test_the_voice_released_longest_ago_gives_way() -> None:
    """Of released voices the one released first leaves, whenever it began; only then do held ones."""
    one = Player(four(release_s=1.0))
    one.play([note_on(0, key) for key in range(POLYPHONY)], 480)
    one.play([note_off(0, 50), note_off(1, 3), note_off(2, 80)], 480)
    expected = [50, 3, 80, 0, 1]
    for k, key in enumerate(expected):
        before = {int(v["key"]) for v in one.voices()}
        one.play([note_on(0, 120 + k)], GRID * (GIVE_WAY + 2))
        after = {int(v["key"]) for v in one.voices()}
        assert before - after == {key}


def sharpness(signal: Signal) -> NDArray[np.float64]:
    """Level above 8 kHz against time, of windows of 2.7 ms."""
    frequencies, _, spectrum = stft(signal.astype(np.float64), RATE, "hann", 128, 96)
    band: NDArray[np.float64] = np.sqrt(np.mean(np.abs(spectrum[frequencies > 8000]) ** 2, 0))
    return band


def test_stealing_does_not_click() -> None:
    """Where a low loud note gives way there is 30 dB less above 8 kHz than where it is cut off."""
    silent = [control(0, 7, 0, 2), *(note_on(1, key, channel=2) for key in range(POLYPHONY - 1))]
    begin = [note_on(0, 30), *silent]
    alone = play(four(), begin, 0.2)[0]
    steal = 5003 + int(np.argmax(np.abs(alone[5003:6100])))
    one = Player(four())
    x = one.play([*begin, note_on(steal, 127, channel=2)], alone.size)[0]
    assert all(voice["channel"] == 1 for voice in one.voices())
    np.testing.assert_array_equal(x[:steal], alone[:steal])
    cut = np.where(np.arange(x.size) < steal, x, 0)
    assert abs(cut[steal - 1]) > 0.3
    around = slice(steal // 32 - 4, steal // 32 + 12)
    assert sharpness(x)[around].max() < sharpness(cut)[around].max() / 30
    assert not x[steal + GRID * (GIVE_WAY + 2) :].any()


def test_more_notes_at_once_than_voices() -> None:
    """A chord of all keys on all channels is heard without NaN and ends with its keys."""
    chord = [(0, key, channel) for channel in range(1, 17) for key in range(128)]
    one = Player(four())
    x = one.play([note_on(frame, key, channel=channel) for frame, key, channel in chord], 4800)
    assert np.isfinite(x).all() and x.any()
    check_books(one)
    one.play([note_off(frame, key, channel=channel) for frame, key, channel in chord], 4800)
    assert one.sounding() == 0


def test_velocity_zero_is_a_note_off() -> None:
    """A note-on of velocity 0 gives the bits of a note-off, whatever velocity that has."""
    ends = ([note_on(5000, 60, 0)], [note_off(5000, 60, 0)], [note_off(5000, 60, 127)])
    outputs = [play(four(), [note_on(0, 60), *end], 0.2) for end in ends]
    assert outputs[0].any()
    for output in outputs[1:]:
        np.testing.assert_array_equal(output, outputs[0])


def test_a_note_off_ends_only_its_own_note() -> None:
    """Neither another key's nor another channel's note-off ends a note."""
    one = Player(four())
    one.play([note_on(0, 60), note_off(10, 61), note_off(10, 60, channel=2)], 4800)
    assert one.held() == [60]


def test_a_repeated_note_on_begins_anew() -> None:
    """The key pressed twice is one held voice beside one that ends, and one note-off ends it."""
    one = Player(four(release_s=0.05))
    one.play([note_on(0, 60), note_on(1000, 60)], 1100)
    assert one.held() == [60] and one.sounding() == 2
    one.play([], 4800)
    assert one.sounding() == 1
    one.play([note_off(0, 60)], 4800)
    assert one.sounding() == 0


def test_the_sustain_pedal_holds_notes_until_it_goes_up() -> None:
    """Notes pressed before and while it is down go on; those whose keys are down outlast it."""
    one = Player(four())
    one.play([note_on(0, 60), control(1, 64, 127), note_off(2, 60), *note(3, 62, 5), note_on(9, 64)], 4800)
    assert one.held() == [60, 62, 64]
    one.play([control(0, 64, 63)], 4800)
    assert one.held() == [64]
    one.play([note_off(0, 64)], 4800)
    assert one.sounding() == 0


def test_sostenuto_holds_the_keys_that_were_down() -> None:
    """Only they outlast their keys, also when the pedal's message comes again; later ones do not."""
    one = Player(four())
    one.play([note_on(0, 60), control(1, 66, 64), *note(2, 62, 5), note_off(9, 60)], 4800)
    assert one.held() == [60]
    one.play([note_on(0, 65), control(1, 66, 127), note_off(2, 65)], 4800)
    assert one.held() == [60]
    one.play([control(0, 66, 0)], 4800)
    assert one.sounding() == 0


def test_sustain_and_sostenuto_together() -> None:
    """A note ends only when neither its key nor either pedal holds it."""
    one = Player(four())
    one.play(
        [note_on(0, 60), control(1, 66, 127), control(2, 64, 127), note_off(3, 60), *note(4, 62, 3)], 480
    )
    one.play([control(0, 64, 0)], 4800)
    assert one.held() == [60]
    one.play([control(0, 64, 127), control(1, 66, 0)], 4800)
    assert one.held() == [60]
    one.play([control(0, 64, 0)], 4800)
    assert one.sounding() == 0


def test_a_key_pressed_again_under_the_pedal_ends_with_it() -> None:
    """Both of its notes go on under the pedal and end with it, unless the key is still down."""
    one = Player(four())
    one.play([control(0, 64, 127), *note(1, 60, 100), note_on(200, 60)], 4800)
    assert one.held() == [60, 60]
    one.play([control(0, 64, 0)], 4800)
    assert one.held() == [60]
    one.play([note_off(0, 60)], 4800)
    assert one.sounding() == 0


def test_all_notes_off_honours_the_pedal_and_all_sound_off_does_not() -> None:
    """123 is as if keys were let go; 120 silences at once, within 3 ms, but not another channel."""
    one = Player(four(release_s=1.0))
    one.play([note_on(0, 60), note_on(0, 60, channel=2), control(1, 64, 127), control(2, 123, 0)], 4800)
    assert one.held() == [60, 60]
    silenced = one.play([control(0, 120, 0), control(0, 120, 0, 2)], 480)
    assert one.sounding() == 0 and not silenced[:, round(0.003 * RATE) :].any()
    one = Player(four())
    one.play([note_on(0, 60), note_on(0, 60, channel=2), control(2, 123, 0)], 4800)
    assert [int(v["channel"]) for v in one.voices()] == [1]


def test_mono_plays_the_last_key_and_returns_to_held_ones() -> None:
    """One voice follows the newest key; when that is up, the newest of those still down."""
    for voices in ("mono", "legato"):
        one = Player(four(voices=voices))
        one.play([note_on(0, 60), note_on(1, 64), note_on(2, 67)], 4800)
        assert one.held() == [67] and one.sounding() == 1
        one.play([note_off(0, 64)], 4800)
        assert one.held() == [67]
        x = one.play([note_off(0, 67)], SECOND // 2)[0]
        assert one.held() == [60] and semitones(x[4800:]) == pytest.approx(60, abs=0.01)
        one.play([note_off(0, 60)], 4800)
        assert one.sounding() == 0


@pytest.mark.parametrize("mode", ["mono", "legato"])
@pytest.mark.parametrize("frame", [4800, 4805])
def test_glide_is_straight_in_semitones_and_takes_its_time(mode: str, frame: int) -> None:
    """From key to key in glide_s, within a grid step; halfway through the time it is halfway up."""
    one = Player(four(voices=mode, glide_s=0.2))
    one.play([note_on(0, 57), note_on(frame, 69)], frame + 1)
    pitches = []
    for _ in range(700):
        one.play([], GRID)
        pitches.append(float(one.array("lanes")["pitch"].max(initial=0, where=_lane(one))))
    expected = np.clip(57 + 12 * np.arange(1, 701) * GRID / (0.2 * RATE), 57, 69)
    np.testing.assert_allclose(pitches, expected, atol=2 * 12 * GRID / (0.2 * RATE))
    assert pitches[-1] == 69


def _lane(one: Player) -> NDArray[np.bool_]:
    """Of the voice that began last."""
    records = one.array("voice_records")
    wanted = np.zeros(VOICES, bool)
    wanted[np.argmax(np.where(records["active"] != 0, records["order"], -1))] = True
    return wanted.reshape(GROUPS, LANES)


def test_the_second_half_of_a_glide_is_heard_at_its_pitch() -> None:
    """A glide of an octave in a second sounds, a quarter second long in its middle, between the two."""
    x = play(four(voices="legato", glide_s=1.0), [note_on(0, 57), note_on(SECOND, 69)], 2.0)[0]
    middle = x[SECOND + SECOND // 2 - 480 : SECOND + SECOND // 2 + 480]
    assert semitones(middle) == pytest.approx(63, abs=0.05)


def test_legato_goes_on_where_mono_begins_anew() -> None:
    """The second of two overlapping notes has an attack in mono, in poly, and none in legato."""
    levels = {}
    for voices in ("poly", "mono", "legato"):
        synth = four(voices=voices, attack_s=0.001, decay_s=0.1, sustain=0.1)
        x = play(synth, [note_on(0, 69), note_on(SECOND // 2, 69)], 1.0)[0]
        levels[voices] = np.abs(x[SECOND // 2 : SECOND // 2 + 960]).max()
    assert levels["mono"] == pytest.approx(levels["poly"], rel=0.2)
    assert levels["legato"] < 0.2 * levels["mono"]


def test_legato_after_a_pause_has_an_attack() -> None:
    """Where the key before is up, also under the pedal, the note is a new one."""
    for pedal in (0, 127):
        synth = four(voices="legato", decay_s=0.1, sustain=0.1, release_s=0.5)
        first = [control(0, 64, pedal), *note(0, 69, 20000)]
        x = play(synth, [*first, note_on(24000, 69)], 1.0)[0]
        assert np.abs(x[24000:24960]).max() > 5 * np.abs(x[22000:24000]).max()


def test_mono_does_not_click() -> None:
    """Going from low note to low note in mono there is 30 dB less above 8 kHz than where one is cut off."""
    x = play(four(voices="mono", attack_s=0.01), [note_on(0, 30), note_on(10000, 33)], 0.5)[0]
    worst = max(
        sharpness(np.where(np.arange(x.size) < place, x, 0))[250:400].max() for place in (9900, 10000, 10100)
    )
    assert sharpness(x)[250:400].max() < worst / 30


def test_mono_and_poly_by_message() -> None:
    """126 makes a channel mono, 127 poly again, and both end its notes."""
    one = Player(four())
    one.play([note_on(0, 60), control(100, 126, 1)], 4800)
    assert one.sounding() == 0
    one.play([note_on(0, 60), note_on(1, 64), note_on(1, 64, channel=2), note_on(2, 67, channel=2)], 4800)
    assert one.held() == [64, 64, 67]
    one.play([control(0, 127, 0), note_on(1, 60), note_on(2, 64)], 4800)
    assert sorted(one.held()) == [60, 64, 64, 67]


def test_a_patch_turned_from_mono_to_poly_while_keys_are_down() -> None:
    """What began in mono ends with its own key, and does not go to another one."""
    one = Player(four(voices="mono"))
    one.play([note_on(0, 60)], 480)
    one.record()["voices"] = 0
    one.play([note_on(0, 64), note_off(1, 60)], 4800)
    assert one.held() == [64]
    one.play([note_off(0, 64)], 4800)
    assert one.sounding() == 0


def test_key_pressure_opens_only_its_own_key() -> None:
    """It moves one voice's cutoff by up to two octaves, in some milliseconds and not in one step."""
    one = Player(four(cutoff_hz=500.0))
    one.play([note_on(0, 60), note_on(0, 64)], 4800)
    one.play([key_pressure(0, 64, 127)], GRID)
    octaves = one.array("lanes")["octaves"].ravel()
    assert 0 < octaves[1] < 0.2 and octaves[0] == 0
    one.play([], 9600)
    octaves = one.array("lanes")["octaves"].ravel()
    assert octaves[1] == pytest.approx(2.0, abs=1e-3) and octaves[0] == 0
