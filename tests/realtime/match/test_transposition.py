"""Sounds of other octaves are heard as if played in the estimator's own."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.match.pitch import key_frequency, pitch_at
from tonerig.realtime.match.sound import Sound, sound_of
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import FOUR, TWO
from tonerig.realtime.match.transposition import (
    key_distances,
    octaves_to_range,
    told_at_pitch,
    transposed_magnitudes,
)


def plucked(frequency_hz: float, rate: float, cutoff_hz: float) -> Sound:
    """Twenty partials under a steep low-pass, swelling and dying, with a tremolo of 5 Hz."""
    t = np.arange(round(1.2 * rate)) / rate
    partials = sum(
        np.sin(2 * np.pi * n * frequency_hz * t) / n / (1 + (n * frequency_hz / cutoff_hz) ** 4)
        for n in range(1, 21)
        if n * frequency_hz < rate / 2
    )
    envelope = np.minimum(1, t / 0.08) * np.exp(-2 * t) * (1 + 0.5 * np.sin(2 * np.pi * 5 * t))
    return Sound("tone", (0.2 * partials * envelope).astype(np.float32), rate)


@pytest.mark.parametrize("semitones", [-24.0, -12.0, -5.3, 12.0])
def test_heard_as_at_the_reference_pitch(semitones: float) -> None:
    """Partials, low-pass and all, moved by the interval: nearly the same spectrogram, in the same time."""
    ratio = 2 ** (semitones / 12)
    reference = transposed_magnitudes(plucked(523.25, 48000.0, 1500.0), FOUR, 0.0)
    heard = transposed_magnitudes(plucked(523.25 * ratio, 48000.0, 1500.0 * ratio), FOUR, semitones)
    assert heard.shape == reference.shape == (1, 64, 257) and heard.dtype == np.float32
    assert np.corrcoef(heard.ravel(), reference.ravel())[0, 1] > (0.85 if semitones < -12 else 0.97)
    assert np.linalg.norm(heard) == pytest.approx(np.linalg.norm(reference), rel=0.1)
    plain = transposed_magnitudes(plucked(523.25 * ratio, 48000.0, 1500.0 * ratio), FOUR, 0.0)
    assert np.corrcoef(plain.ravel(), reference.ravel())[0, 1] < 0.5


def test_untransposed_is_the_spectrogram_itself() -> None:
    """To the bit, for the synths' own sounds."""
    for synth in (FOUR, TWO):
        (sound,) = synth.render(synth.values(synth.drawn(0, "test", 3, 1)))
        heard = transposed_magnitudes(sound_of(sound, synth.rate), synth, 0.0)
        np.testing.assert_array_equal(heard, magnitudes(sound[None], synth.window))


def test_the_cutoff_is_told_at_the_sounds_pitch() -> None:
    """2000 Hz told of a sound that was heard an octave up is 1000 Hz; nothing else changes."""
    cutoff = next(k for k, p in enumerate(FOUR.parameters) if p.name == "cutoff_hz")
    told = [np.eye(p.levels)[p.encode(2000.0) if k == cutoff else 3] for k, p in enumerate(FOUR.parameters)]
    found = told_at_pitch(FOUR, told, -12.0)
    grid = FOUR.parameters[cutoff].grid()
    assert abs(grid[int(np.argmax(found[cutoff]))] - 1000) <= (grid[1] - grid[0]) / 2
    assert found[cutoff].sum() == pytest.approx(1)
    for k in set(range(len(told))) - {cutoff}:
        np.testing.assert_array_equal(found[k], told[k])
    np.testing.assert_array_equal(told_at_pitch(FOUR, told, 0.0)[cutoff], told[cutoff])


def test_whole_octaves_bring_every_note_into_the_carriers_range() -> None:
    """From C0 to G9; what lies within the range is left where it is."""
    for key in range(12, 128):
        octaves = octaves_to_range(key_frequency(key))
        assert 427 < key_frequency(key) / 2**octaves < 1084
        if 69 <= key <= 84:
            assert octaves == 0


def test_distances_of_keys() -> None:
    """Octaves and the tuning for four; the interval itself, or less the second oscillator's, for two."""
    assert key_distances(FOUR, pitch_at(440.0)) == [0.0]
    assert key_distances(FOUR, pitch_at(key_frequency(60 + 0.3))) == [pytest.approx(-11.7)]
    assert key_distances(FOUR, pitch_at(key_frequency(60.05))) == [-12.0]  # in tune
    assert key_distances(FOUR, None, (0, -1)) == [0.0, -12.0]
    interval = TWO.fixed["osc_2_semitones"]
    assert key_distances(TWO, pitch_at(key_frequency(60))) == [60 - TWO.key, 60 - TWO.key - interval]
