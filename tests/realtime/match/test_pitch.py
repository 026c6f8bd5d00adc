"""Pitches of tones against the formula, and of recordings whose names tell theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.match.pitch import find_pitch, key_frequency, pitch_at
from tonerig.realtime.match.sound import read_sound

SAMPLES = Path("/usr/share/sonic-pi/samples")


def tone(frequency_hz: float, rate: float, amplitudes: dict[int, float], seconds: float = 0.8) -> np.ndarray:
    """Partials below half the rate, dying away."""
    t = np.arange(round(rate * seconds)) / rate
    partials = [
        a * np.sin(2 * np.pi * n * frequency_hz * t)
        for n, a in amplitudes.items()
        if n * frequency_hz < rate / 2
    ]
    return np.asarray(sum(partials) * np.exp(-3 * t))


KINDS = {
    "sine": {1: 1.0},
    "saw": {n: 1 / n for n in range(1, 40)},
    "square": {n: 1 / n for n in range(1, 40, 2)},
    "no fundamental": {n: 1 / n for n in range(2, 20)},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [8000.0, 44100.0, 96000.0])
def test_all_octaves(kind: str, rate: float) -> None:
    """From C1 to C8, 13 cents sharp, within two cents, as long as two partials fit under half the rate."""
    for key in range(24, 109, 12):
        frequency = key_frequency(key) * 2 ** (13 / 1200)
        if frequency > rate / 5:
            continue
        found = find_pitch(tone(frequency, rate, KINDS[kind]), rate)
        assert found is not None, key
        assert found.key == key and found.cents == pytest.approx(13, abs=2), (key, found)
        assert found.sureness > 0.8 and found.frequency_hz == pytest.approx(frequency, rel=0.002)


def test_notes_and_their_names() -> None:
    """A4 is key 69 at 440 Hz; a quarter tone below the next key is 50 cents at most."""
    assert pitch_at(440.0).key == 69 and pitch_at(440.0).note == "A4" and pitch_at(440.0).cents == 0
    assert key_frequency(60) == pytest.approx(261.6256, abs=1e-4)
    assert pitch_at(440 * 2 ** (0.4 / 12)).cents == pytest.approx(40)
    assert pitch_at(4.0).key == 0 and pitch_at(20000.0).key == 127


def test_a_short_tone() -> None:
    """Thirty milliseconds are enough for a note in the middle."""
    found = find_pitch(tone(440.0, 44100, KINDS["saw"], 0.03), 44100)
    assert found is not None and found.key == 69


def test_noise_and_clicks_have_none() -> None:
    """Neither noise, nor a click, nor ten milliseconds of hiss."""
    generator = np.random.default_rng(0)
    for sound in (generator.normal(size=44100), np.eye(1, 44100, 900)[0], generator.normal(size=441)):
        assert find_pitch(sound, 44100) is None
    assert find_pitch(np.zeros(44100), 44100) is None
    assert find_pitch(np.ones(8), 44100) is None


@pytest.mark.parametrize(
    ("name", "note"),
    [("bass_voxy_c", "C2"), ("bass_trance_c", "C2"), ("bass_woodsy_c", "C2"), ("bass_dnb_f", "F1")],
)
def test_recordings_named_by_their_note(name: str, note: str) -> None:
    """Sonic Pi's basses say their note in their names."""
    heard = read_sound(SAMPLES / f"{name}.flac")
    found = find_pitch(heard.samples, heard.rate)
    assert found is not None and found.note == note and abs(found.cents) < 20


@pytest.mark.parametrize(
    "name", ["drum_snare_hard", "drum_cymbal_open", "loop_amen", "perc_snap", "vinyl_hiss"]
)
def test_drums_have_none(name: str) -> None:
    """Cymbals, snares, snaps, loops and hiss."""
    heard = read_sound(SAMPLES / f"{name}.flac")
    assert find_pitch(heard.samples, heard.rate) is None


@pytest.mark.parametrize(("frequency_hz", "rate"), [(15000.0, 44100.0), (7000.0, 48000.0)])
def test_what_lies_above_all_pitches_has_none(frequency_hz: float, rate: float) -> None:
    """Not that of every third period."""
    assert find_pitch(tone(frequency_hz, rate, {1: 1.0}), rate) is None
