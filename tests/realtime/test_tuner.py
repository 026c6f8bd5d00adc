"""The tuner against strings of known pitch, and against itself on a real guitar."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.tuner import frames_needed, note_of, pitch, pitches

RATE = 48000
STRINGS = (82.4069, 110.0, 146.8324, 195.9977, 246.9417, 329.6276)
HARMONICS = Path("/usr/share/sonic-pi/samples/guit_harmonics.flac")


def string(
    frequency: float,
    *,
    stiffness: float = 5e-5,
    level_db: float = -12.0,
    noise_db: float = -90.0,
    seconds: float = 1.5,
    rate: int = RATE,
    seed: int = 0,
) -> NDArray[np.float32]:
    """A plucked stiff string: partials at n f sqrt((1 + B n²) / (1 + B)), the high ones dying first."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(t)
    for n in range(1, 25):
        partial = n * frequency * math.sqrt((1 + stiffness * n * n) / (1 + stiffness))
        if partial < 0.45 * rate:
            fall = np.exp(-t * (0.7 + 0.25 * n))
            sound += (
                np.sin(0.18 * np.pi * n) / n * fall * np.sin(2 * np.pi * partial * t + rng.uniform(0, 6.3))
            )
    sound *= 10 ** (level_db / 20) / np.max(np.abs(sound))
    return (sound + 10 ** (noise_db / 20) * rng.normal(size=len(t))).astype(np.float32)


def cents_off(found: float, expected: float) -> float:
    return 1200 * math.log2(found / expected)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("detune", [-43.0, 0.0, 17.3])
def test_each_string_within_a_tenth_of_a_cent(rate: int, detune: float) -> None:
    """A single reading of each open string, in and out of tune, stiff as a real one."""
    for number, open_string in enumerate(STRINGS):
        frequency = open_string * 2 ** (detune / 1200)
        found = pitch(string(frequency, rate=rate, seed=number), rate)
        assert found is not None
        assert abs(cents_off(found.frequency_hz, frequency)) < 0.1
        assert found.cents == pytest.approx(detune, abs=0.11)


@pytest.mark.parametrize("level_db", [0.0, -20.0, -40.0])
@pytest.mark.parametrize("stiffness", [0.0, 2e-4])
def test_levels_and_noise(level_db: float, stiffness: float) -> None:
    """From full scale to -40 dBFS with noise at -70, up to the 24th fret, readings are within half a cent."""
    for number, frequency in enumerate((*STRINGS, 659.2551, 1318.5102)):
        sound = string(
            frequency, stiffness=stiffness, level_db=level_db, noise_db=-70.0, seed=number, seconds=1
        )
        readings = list(pitches(sound, RATE))
        assert len(readings) >= 5
        assert max(abs(cents_off(r.frequency_hz, frequency)) for r in readings[:5]) < 0.5


def test_much_noise() -> None:
    """With noise 20 dB below the string's peak, the middle of a second's readings is within half a cent."""
    for number, frequency in enumerate(STRINGS):
        sound = string(frequency, level_db=-40.0, noise_db=-60.0, seed=number)
        middle = statistics.median(r.frequency_hz for r in pitches(sound, RATE))
        assert abs(cents_off(middle, frequency)) < 0.5


def test_a_stiff_string_is_not_heard_sharp() -> None:
    """Where the partials' distance would be off by cents, the first partial's pitch is given, and B."""
    found = pitch(string(110.0, stiffness=4e-4), RATE)
    assert found is not None
    assert abs(cents_off(found.frequency_hz, 110.0)) < 0.1
    assert found.inharmonicity == pytest.approx(4e-4, rel=0.05)


def test_hum_does_not_pull() -> None:
    """Mains hum 30 dB below an A string leaves it within half a cent."""
    sound = string(110.0, level_db=-12.0)
    t = np.arange(len(sound)) / RATE
    hum = sum(10 ** (-42 / 20) / k * np.sin(2 * np.pi * 50 * k * t) for k in (1, 3, 5))
    found = pitch((sound + hum).astype(np.float32), RATE)
    assert found is not None
    assert abs(cents_off(found.frequency_hz, 110.0)) < 0.5


def test_nothing_to_hear() -> None:
    """Silence, noise and a sound that is too short have no pitch."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert pitch(np.zeros(RATE, np.float32), RATE) is None
    assert pitch(noise, RATE) is None
    assert pitch(string(110.0)[: frames_needed(RATE) - 1], RATE) is None


@pytest.mark.parametrize(
    ("frequency", "reference", "note", "cents"),
    [
        (440.0, 440.0, "A4", 0.0),
        (82.4069, 440.0, "E2", 0.0),
        (442.0, 442.0, "A4", 0.0),
        (442.0, 440.0, "A4", 7.85),
        (27.5, 440.0, "A0", 0.0),
        (138.5913, 440.0, "C♯3", 0.0),
    ],
)
def test_notes(frequency: float, reference: float, note: str, cents: float) -> None:
    """Names, octaves and cents in equal temperament, for the usual and another concert pitch."""
    name, off = note_of(frequency, reference)
    assert name == note
    assert off == pytest.approx(cents, abs=0.01)


@pytest.mark.skipif(not HARMONICS.exists(), reason="Debian's sonic-pi-samples are not installed")
def test_a_real_guitar_played_faster_is_higher_by_that_much() -> None:
    """The ringing end of a recording, read as if at another rate, is that many cents higher each time."""
    sound, rate = read_audio(HARMONICS)
    ringing = sound[0, -round(1.2 * rate) :]
    plain = [r.frequency_hz for r in pitches(ringing, rate)]
    faster = [
        r.frequency_hz for r in pitches(ringing, rate * 2 ** (20 / 1200), step_s=0.1 / 2 ** (20 / 1200))
    ]
    assert len(plain) >= 5
    for before, after in zip(plain, faster, strict=False):
        assert cents_off(after, before) == pytest.approx(20, abs=0.5)


@pytest.mark.skipif(not HARMONICS.exists(), reason="Debian's sonic-pi-samples are not installed")
def test_a_real_guitar_agrees_with_a_long_spectrum() -> None:
    """The readings of a ringing natural harmonic agree with the peak of one spectrum over all of it."""
    sound, rate = read_audio(HARMONICS)
    ringing = sound[0, -round(1.2 * rate) :].astype(np.float64)
    middle = statistics.median(r.frequency_hz for r in pitches(ringing, rate))
    points = 1 << 21
    spectrum = np.abs(np.fft.rfft(ringing * np.hanning(len(ringing)), points))
    near = round(middle * points / rate)
    reach = round(0.02 * near)
    peak = near - reach + int(np.argmax(spectrum[near - reach : near + reach]))
    assert abs(cents_off(middle, peak * rate / points)) < 0.5
