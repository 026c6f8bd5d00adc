"""The sampler against the recordings it plays: which, at what pitch, how loud, from when to when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import bilinear, lfilter
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.patches import load_patch
from tonerig.realtime.processors.delay import Delay
from tonerig.realtime.synths.layout import POLYPHONY
from tonerig.realtime.synths.recordings import Recording, laid_out
from tonerig.realtime.synths.sampler import Sampler
from tonerig.realtime.synths.zones import Zone
from tonerig.realtime.wav_writer import write_wav

from .play import (
    BLOCKS,
    RATE,
    Event,
    Player,
    Signal,
    control,
    note,
    note_off,
    note_on,
    pitch_bend,
    play,
    semitones,
)
from .strategies import streams

KIT_FRAMES = 300
SLOWEST = 32
"""How many times longer a recording gets at most."""
DRUMS = Path("/usr/share/sonic-pi/samples")
OPEN: list[Event] = [control(0, 7, 127)]
"""Channel 1 at full volume: the gain of a plain sampler is 1."""


def plain(*zones: Zone, **values: float | str) -> Sampler:
    """A sampler whose gain is 1 at any velocity, or as stated."""
    return Sampler({"volume_db": 0.0, "velocity": 0.0, **values}, samples=zones)


def recorded(folder: Path, samples: NDArray[Any], name: str = "a.wav", rate: float = RATE) -> Path:
    return write_wav(folder / name, np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(frames: int, channels: int = 2, seed: int = 0) -> Signal:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, frames)).astype(np.float32)


def sine(frequency_hz: float, seconds: float) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * RATE)) / RATE)


def zone(file: Path, key: int = 60, keys: tuple[int, int] = (0, 127), **values: Any) -> Zone:
    return Zone(file, key, keys, **values)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_at_its_own_key_is_itself(tmp_path: Path, channels: int) -> None:
    """From the note's sample on, each sample is the file's, then all is 0; mono plays on both sides."""
    samples = noise(3000, channels)
    heard = play(plain(zone(recorded(tmp_path, samples))), [*OPEN, *note(100, 60, 50)], 0.1)
    assert np.array_equal(heard[:, 100:3100], np.broadcast_to(samples, (2, 3000)))
    assert not heard[:, :100].any() and not heard[:, 3100:].any()


def test_a_long_recording_stays_in_place(tmp_path: Path) -> None:
    """The last samples of twenty seconds are still the file's, to the bit."""
    samples = noise(20 * 48000, 1)
    heard = play(plain(zone(recorded(tmp_path, samples))), [*OPEN, note_on(0, 60)], 20)
    assert np.array_equal(heard[0], samples[0])


def test_the_documented_gain(tmp_path: Path) -> None:
    """The zone's and the patch's level and place, the velocity and the channel's volume multiply."""
    samples = noise(1000)
    sampler = Sampler(
        {"volume_db": -7.0, "velocity": 0.6, "pan": 0.25},
        samples=[zone(recorded(tmp_path, samples), volume_db=-4.5, pan=-0.5)],
    )
    heard = play(sampler, [note_on(0, 60, 90)], 1000 / RATE)
    level = 10 ** (-11.5 / 20) * (1 - 0.6 * (1 - (90 / 127) ** 2)) * (100 / 127) ** 2
    sides = np.sqrt([[1.5 * 0.75], [0.5 * 1.25]])
    assert heard == pytest.approx(samples * level * sides, abs=1e-6)


def test_an_octave_up_is_every_second_sample(tmp_path: Path) -> None:
    """Twice the speed takes no value between two samples, so that nothing is interpolated."""
    samples = noise(3000)
    heard = play(plain(zone(recorded(tmp_path, samples), 48)), [*OPEN, note_on(0, 60)], 1500 / RATE)
    assert np.array_equal(heard, samples[:, ::2])


@pytest.mark.parametrize("key", [53, 59, 61, 67])
def test_between_samples(tmp_path: Path, key: int) -> None:
    """At any speed the values are those of the polynomial through the six nearest places, from NumPy."""
    samples = noise(2000, 1)
    count = 1200
    heard = play(plain(zone(recorded(tmp_path, samples))), [*OPEN, note_on(0, key)], count / RATE)
    sound = laid_out(samples.astype(np.float64))[0].astype(np.float64)
    nodes = np.arange(-2, 4)
    speed = float(np.float32(2 * 2 ** ((key - 60) / 12)))
    at = 80 + speed * np.arange(count)
    whole = np.floor(at).astype(int)
    polynomials = np.linalg.solve(np.vander(nodes, increasing=True), sound[whole[None] + nodes[:, None]])
    expected = np.polynomial.polynomial.polyval(at - whole, polynomials, tensor=False)
    assert heard[0] == pytest.approx(expected, abs=5e-4)  # of white noise, whose steepest slope is 2 a place


@pytest.mark.parametrize(("frequency_hz", "below_db"), [(1000.0, 110.0), (5000.0, 105.0), (10000.0, 78.0)])
def test_images(tmp_path: Path, frequency_hz: float, below_db: float) -> None:
    """A sine played a third lower is a sine of its level; everything else in it is far below."""
    path = recorded(tmp_path, 0.5 * sine(frequency_hz, 0.5))
    heard = play(plain(zone(path)), [*OPEN, note_on(0, 56)], 0.5)[0, 2000:-2000].astype(np.float64)
    time = np.arange(heard.size) / RATE
    angle = 2 * np.pi * frequency_hz * 2 ** (-4 / 12) * time
    # a float32's rounding of the speed shows as a part that grows with time
    parts = np.stack([f(angle) * factor for f in (np.sin, np.cos) for factor in (1, time)], axis=1)
    found = parts @ np.linalg.lstsq(parts, heard, rcond=None)[0]
    assert np.sqrt(2 * np.mean(found**2)) == pytest.approx(0.5, rel=5e-4)
    assert 10 * np.log10(np.mean(found**2) / np.mean((heard - found) ** 2)) > below_db


@pytest.mark.parametrize(
    ("zone_values", "values", "events", "expected"),
    [
        ({}, {}, [note_on(0, 69)], 69.0),
        ({}, {}, [note_on(0, 64)], 64.0),
        ({"tune_cents": 33.0}, {}, [note_on(0, 69)], 69.33),
        ({}, {"transpose_semitones": -5.0, "tune_cents": -20.0}, [note_on(0, 76)], 70.8),
        ({}, {"bend_semitones": 3.0}, [pitch_bend(0, 8191), note_on(0, 69)], 72.0),
        ({"key": 81}, {}, [note_on(0, 69)], 57.0),
        ({"key": 9}, {}, [note_on(0, 108)], 129.0),  # no more than five octaves up
    ],
)
def test_tuning(
    tmp_path: Path,
    zone_values: dict[str, Any],
    values: dict[str, float],
    events: list[Event],
    expected: float,
) -> None:
    """Keys, both tunings, transposition and the pitch wheel, within a tenth of a cent."""
    path = recorded(tmp_path, sine(440.0, 12.0))
    sampler = plain(zone(path, **{"key": 69, **zone_values}), **values)
    assert semitones(play(sampler, events, 0.3)[0]) == pytest.approx(expected, abs=1e-3)


def test_glide(tmp_path: Path) -> None:
    """A key pressed while another is down, in legato, moves the recording that plays to its own pitch."""
    path = recorded(tmp_path, sine(440.0, 4.0))
    events = [note_on(0, 69), note_on(9600, 76)]
    heard = play(plain(zone(path, key=69), voices="legato", glide_s=0.1), events, 0.8)
    assert semitones(heard[0, :9600]) == pytest.approx(69, abs=0.01)
    assert semitones(heard[0, 16000:]) == pytest.approx(76, abs=0.001)


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


def test_width(tmp_path: Path) -> None:
    """0 puts the mean of both channels on both sides, a half lets half of their difference be."""
    samples = noise(1000)
    mean = samples.mean(axis=0)
    path = recorded(tmp_path, samples)
    for width in (0.0, 0.5):
        heard = play(plain(zone(path), width=width), [*OPEN, note_on(0, 60)], 1000 / RATE)
        assert heard == pytest.approx(mean + width * (samples - mean), abs=1e-6)


@pytest.mark.parametrize(("cutoff_hz", "resonance"), [(300.0, 0.7), (4000.0, 5.0)])
def test_low_pass(tmp_path: Path, cutoff_hz: float, resonance: float) -> None:
    """SciPy's bilinear transform of the analog filter of second order, tuned to the cutoff."""
    samples = noise(4000)
    path = recorded(tmp_path, samples)
    heard = play(
        plain(zone(path), cutoff_hz=cutoff_hz, resonance=resonance), [*OPEN, note_on(0, 60)], 4000 / RATE
    )
    warped = 2 * RATE * np.tan(np.pi * cutoff_hz / RATE)
    b, a = bilinear([warped**2], [1, warped / resonance, warped**2], RATE)
    assert heard == pytest.approx(lfilter(b, a, samples.astype(np.float64)), abs=2e-5)


def test_the_brightness_controller_closes_the_filter(tmp_path: Path) -> None:
    """Controller 74 takes the highs from a recording and gives them back, to the bit."""
    path = recorded(tmp_path, sine(10000, 1.0))
    events = [*OPEN, note_on(0, 60), control(4800, 74, 0), control(24000, 74, 127)]
    heard = play(plain(zone(path)), events, 1.0)[0]
    reference = read_audio(path)[0][0]
    assert np.array_equal(heard[:4800], reference[:4800])
    assert np.abs(heard[12000:24000]).max() < 0.02
    assert np.array_equal(heard[36000:], reference[36000:])


def test_another_rate(tmp_path: Path) -> None:
    """A recording made at 44.1 kHz plays at 48 kHz as the same sound, at 44.1 kHz as its own samples."""
    samples = noise(2000)
    path = recorded(tmp_path, samples, rate=44100)
    native = play(plain(zone(path)), [*OPEN, note_on(0, 60)], 2000 / 44100, rate=44100)
    assert np.array_equal(native, samples)
    heard = play(plain(zone(path)), [*OPEN, note_on(0, 60)], 2000 / RATE)
    expected = Recording(samples, 44100).at(RATE)
    assert heard == pytest.approx(expected[:, :2000], abs=1e-6)


def test_a_patch_plays(tmp_path: Path, user_library: Path) -> None:
    """From a TOML file to sound: two samples beside it, values, and an effect."""
    (tmp_path / "kit").mkdir()
    kick, hat = noise(3000, seed=1), noise(500, 1, seed=2)
    recorded(tmp_path / "kit", kick, "kick.wav")
    recorded(tmp_path / "kit", hat, "hat.wav")
    patch = tmp_path / "kit" / "kit.toml"
    patch.write_text("""
        tonerig = 1
        kind = "patch"
        name = "Kit"
        synth = "sampler"
        [parameters]
        volume_db = 0
        velocity = 0
        [[effects]]
        processor = "gain"
        [[samples]]
        file = "kick.wav"
        key = "C2"
        [[samples]]
        file = "hat.wav"
        key = "F#2"
        keys = [41, 43]
        choke = 1
    """)
    heard = play(load_patch(patch).build(), [*OPEN, note_on(0, 36), note_on(4000, 42)], 0.1)
    assert np.array_equal(heard[:, :3000], kick)
    assert np.array_equal(heard[:, 4000:4500], np.broadcast_to(hat, (2, 500)))
    assert not heard[:, 4500:].any()


@pytest.mark.skipif(not DRUMS.exists(), reason="Debian's sonic-pi-samples are not installed")
def test_real_drums() -> None:
    """A whole kit of recorded drums, soft and hard, each of which sounds as it was recorded."""
    names = ("bass", "snare", "tom_lo", "tom_mid", "tom_hi", "cymbal", "splash")
    zones = [
        zone(DRUMS / f"drum_{name}_{layer}.flac", 36 + k, (36 + k, 36 + k), velocities=velocities)
        for k, name in enumerate(names)
        for layer, velocities in (("soft", (1, 79)), ("hard", (80, 127)))
    ]
    player = Player(plain(*zones), rate=44100)
    player.play(OPEN, 16)
    for each in zones:
        expected = read_audio(each.file)[0]
        heard = player.play([note_on(0, each.key, each.velocities[1])], expected.shape[1] + 100)
        assert np.array_equal(heard[:, :-100], np.broadcast_to(expected, (2, expected.shape[1])))
        assert player.sounding() == 0
