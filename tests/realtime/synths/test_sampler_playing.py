"""The sampler in play: which zone sounds, from when to when, and that every note comes to an end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tonerig.realtime.processors.delay import Delay
from tonerig.realtime.synths.layout import POLYPHONY
from tonerig.realtime.synths.sampler import Sampler

from .play import BLOCKS, Event, Player, control, note, note_off, note_on, pitch_bend, play
from .sampled import OPEN, noise, plain, recorded, sine, zone
from .strategies import streams

KIT_FRAMES = 300
SLOWEST = 32
"""How many times longer a recording gets at most."""


def test_velocity_layers_and_key_ranges(tmp_path: Path) -> None:
    """The first zone into which key and velocity fall is the one that plays; outside of all, none does."""
    levels = (0.1, 0.2, 0.3, 0.4)
    soft, hard, low, every = (recorded(tmp_path, [level] * 20, f"{level}.wav") for level in levels)
    sampler = plain(
        zone(soft, 36, (36, 36), velocities=(1, 63)),
        zone(hard, 36, (36, 36), velocities=(64, 126)),
        zone(low, 20, (20, 35)),
        zone(every, 36, (36, 40), velocities=(1, 127)),
    )
    cases = {
        (36, 1): 0.1,
        (36, 63): 0.1,
        (36, 64): 0.2,
        (36, 126): 0.2,
        (36, 127): 0.4,
        (37, 1): 0.4,
        (20, 80): 0.3,
        (35, 80): 0.3,
        (19, 80): 0.0,
        (41, 127): 0.0,
    }
    player = Player(sampler)
    player.play(OPEN, 16)
    for (key, velocity), level in cases.items():
        heard = player.play([note_on(0, key, velocity)], 4800)
        assert heard[0, 0] == np.float32(level), (key, velocity)
        assert player.sounding() == 0


def test_no_samples_no_sound() -> None:
    """A sampler without recordings is silent and busies no voices."""
    player = Player(Sampler())
    assert not player.play([note_on(0, 60), note_on(5, 36)], 4800).any()
    assert player.sounding() == 0


def test_block_sizes_change_no_bits(tmp_path: Path) -> None:
    """Notes at any sample, bent, panned, filtered, choked, with an echo: the same bits in any blocks."""
    path = recorded(tmp_path, noise(4000))
    other = recorded(tmp_path, sine(300, 0.2), "b.wav", 44100)
    events = [
        note_on(0, 40),
        note_on(1, 61, 80),
        control(333, 74, 40),
        pitch_bend(777, 5000),
        note_on(801, 50),
        note_off(802, 61),
        control(1000, 10, 20),
        note_on(2047, 55, 20),
        note_on(2049, 41),
        control(2500, 1, 127),
        note_on(3001, 70),
    ]
    zones = [
        zone(path, keys=(0, 54), choke=1),
        zone(path, keys=(55, 62), one_shot=False, pan=0.3),
        zone(other, keys=(63, 127), tune_cents=17),
    ]
    expected = None
    for blocks in (*((size,) for size in BLOCKS), (7, 64, 1, 333)):
        sampler = Sampler({"width": 0.5, "attack_s": 0.001}, samples=zones, effects=[Delay()])
        heard = play(sampler, events, 0.12, blocks=blocks)
        expected = heard if expected is None else expected
        assert np.array_equal(heard, expected), blocks
        assert heard.any()


@pytest.mark.parametrize("start", [0, 1, 15, 16, 17, 63, 64, 1000])
def test_a_note_starts_at_its_sample(tmp_path: Path, start: int) -> None:
    """While another note plays, too, the first sample sounds at the event's own frame."""
    path, silent = recorded(tmp_path, [0.5] * 100), recorded(tmp_path, [0.0] * 5000, "b.wav")
    sampler = plain(zone(path), zone(silent, keys=(0, 127), velocities=(1, 127)))
    sampler.samples = [zone(silent, keys=(1, 1)), zone(path, keys=(60, 60))]
    heard = play(sampler, [*OPEN, note_on(0, 1), *note(start, 60, 10)], 0.05, blocks=(64,))
    assert np.array_equal(np.flatnonzero(heard[0]), np.arange(start, start + 100))


def test_a_one_shot_does_not_mind_its_key(tmp_path: Path) -> None:
    """Key up, pedals and all-notes-off leave it alone; all-sound-off ends it in a few milliseconds."""
    path = recorded(tmp_path, np.ones(9600))
    events = [*OPEN, *note(0, 60, 10), control(20, 64, 127), control(30, 64, 0), control(40, 123, 0)]
    assert np.array_equal(play(plain(zone(path)), events, 0.2)[0], np.ones(9600))
    heard = play(plain(zone(path)), [*events, control(4800, 120, 0)], 0.2)
    assert (heard[0, :4800] == 1).all() and not heard[0, 4800 + 160 :].any()


def test_release(tmp_path: Path) -> None:
    """What is no one-shot fades out in a straight line when its key is up, or a pedal no longer holds it."""
    path = recorded(tmp_path, np.ones(9600))
    sampler = plain(zone(path, one_shot=False), release_s=0.05)
    expected = np.ones(9600)
    expected[1000:] = np.clip(1 - np.arange(8600) / 2400, 0, 1)
    assert play(sampler, [*OPEN, *note(0, 60, 1000)], 0.2)[0] == pytest.approx(expected, abs=1e-6)
    held = [*OPEN, control(0, 64, 127), *note(0, 60, 10), control(1000, 64, 0)]
    player = Player(plain(zone(path, one_shot=False), release_s=0.05))
    assert player.play(held, 9600)[0] == pytest.approx(expected, abs=1e-6)
    assert player.sounding() == 0


def test_attack(tmp_path: Path) -> None:
    """The recording comes in on a straight line of the stated time, longer with controller 73."""
    path = recorded(tmp_path, np.ones(9600))
    heard = play(plain(zone(path), attack_s=0.05), [*OPEN, note_on(0, 60)], 0.2)
    assert heard[0] == pytest.approx(np.clip(np.arange(9600) / 2400, 0, 1), abs=1e-6)
    longer = play(plain(zone(path), attack_s=0.01), [*OPEN, control(0, 73, 127), note_on(0, 60)], 0.2)
    assert longer[0] == pytest.approx(np.clip(np.arange(9600) / 7680, 0, 1), abs=1e-6)


def test_choke(tmp_path: Path) -> None:
    """A closed hi-hat ends the open one in 3 ms without a click; another group's drum plays on."""
    names = ("open", "closed", "kick")
    opened, closed, kick = (
        recorded(tmp_path, [level] * 9600, f"{n}.wav") for n, level in zip(names, (1, 0, 4), strict=True)
    )
    sampler = plain(
        zone(opened, 46, (46, 46), choke=1),
        zone(closed, 42, (42, 42), choke=1),
        zone(kick, 36, (36, 36), choke=2),
    )
    player = Player(sampler)
    events = [*OPEN, note_on(0, 46), note_on(0, 36, channel=2), note_on(4007, 42), note_on(6000, 46)]
    heard = player.play([control(0, 7, 127, channel=2), *events], 9600)[0] - np.float32(4)
    assert (heard[:4007] == 1).all()
    assert (heard[4007 + 160 : 6000] == 0).all()
    assert (heard[6000:] == 1).all()
    fade = np.diff(heard[4006 : 4007 + 160])
    assert (fade <= 0).all() and fade.min() == pytest.approx(-1 / 128, rel=0.01)


def test_a_voice_is_free_when_its_recording_is_over(tmp_path: Path) -> None:
    """A held key keeps no voice whose sound has ended, whatever its pitch and filter; silence is exact."""
    path = recorded(tmp_path, noise(480))
    for values in ({}, {"cutoff_hz": 500.0, "resonance": 10.0}):
        player = Player(plain(zone(path, one_shot=False), **values))
        player.play([*OPEN, note_on(0, 60), note_on(0, 72), note_on(0, 40)], 24000)
        assert not player.play([], 4800).any()
        assert player.sounding() == 0


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Player]:
    """Short recordings of every kind on the keys up to 100, for each way that keys share voices."""
    folder = tmp_path_factory.mktemp("kit")
    path, mono = recorded(folder, noise(KIT_FRAMES)), recorded(folder, noise(KIT_FRAMES, 1), "b.wav")
    zones = [
        zone(path, keys=(0, 59), velocities=(1, 100), choke=1),
        zone(mono, keys=(0, 59), one_shot=False),
        zone(mono, 61, keys=(60, 61), choke=1, one_shot=False),
        zone(path, 62, keys=(62, 100), choke=2),
    ]
    return {voices: Player(plain(*zones, voices=voices)) for voices in ("poly", "mono", "legato")}


@settings(max_examples=40, deadline=None)
@given(events=streams(3000), voices=st.sampled_from(["poly", "mono", "legato"]))
def test_whatever_is_played_comes_to_an_end(
    kits: dict[str, Player], events: list[Event], voices: str
) -> None:
    """After any events, keys and pedals still held, all is silent once the longest recording is over."""
    player = kits[voices]
    player.program.reset()
    assert np.isfinite(player.play(events, 3000, (512,))).all()
    player.play([], SLOWEST * KIT_FRAMES + 2500, (2048,))
    assert player.sounding() == 0
    assert not player.play([], 100).any()


def test_a_kit_that_is_played_fast(tmp_path: Path) -> None:
    """One-shots beyond the polyphony take the place of the oldest ones; the latest all sound."""
    path = recorded(tmp_path, np.full(48000, 0.01))
    player = Player(plain(zone(path)))
    player.play([*OPEN, *(note_on(10 * k, 60) for k in range(300))], 3000 + 160)
    assert player.sounding() == POLYPHONY
    assert player.voices()["order"].tolist() == list(range(301 - POLYPHONY, 301))
    assert player.play([], 1)[0] == pytest.approx(0.01 * POLYPHONY, rel=1e-5)


def test_a_reset_ends_all_and_keeps_the_recordings(tmp_path: Path) -> None:
    """After a reset nothing sounds, and the same notes give the same bits again."""
    player = Player(plain(zone(recorded(tmp_path, noise(3000)))))
    first = player.play([*OPEN, note_on(0, 55), note_on(50, 67)], 1000)
    player.program.reset()
    assert not player.play([], 100).any()
    assert np.array_equal(player.play([*OPEN, note_on(0, 55), note_on(50, 67)], 1000), first)
