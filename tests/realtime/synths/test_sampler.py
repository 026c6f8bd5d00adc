"""The sampler against the recordings it plays: at what pitch, how loud, through which filter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import bilinear, lfilter
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.patches import load_patch
from tonerig.realtime.synths.recordings import Recording, laid_out
from tonerig.realtime.synths.sampler import Sampler

from .play import RATE, Event, Player, control, note, note_on, pitch_bend, play, semitones
from .sampled import OPEN, noise, plain, recorded, sine, zone

DRUMS = Path("/usr/share/sonic-pi/samples")


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
