"""Oscillators found in the waveform, where the sound is the synthesizer's own."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.match.distance import Heard
from tonerig.realtime.match.synths import FOUR, TWO
from tonerig.realtime.match.trials import Trials
from tonerig.realtime.match.waveform import _fitted, by_waveform, has_oscillators

from .made import guesses


@pytest.mark.parametrize("semitones", [0.0, -12.0])
def test_own_sounds_are_met(semitones: float) -> None:
    """From a start that has all oscillators wrong, for the most part: next to nothing is left over."""
    drawn = FOUR.drawn(4, "train", 0, 4)
    sounds = FOUR.render(FOUR.values(drawn), semitones=semitones, threads=1)
    left = []
    for k, (levels, sound) in enumerate(zip(drawn, sounds, strict=True)):
        start = np.array([part.argmax() for part in guesses(FOUR, levels, k)])
        start[:16] = np.random.default_rng(k).integers(0, 16, 16)
        tried = Trials(Heard(FOUR, sound, semitones))
        found = by_waveform(tried, start, lambda: True)
        assert found is not None
        assert tried.heard is not None
        rendered = FOUR.render(FOUR.values(found.levels[None]), semitones=semitones, threads=1)[0]
        away = float(np.sum((rendered - sound) ** 2) / np.sum(sound**2))
        assert away == pytest.approx(found.left, abs=1e-4)
        left.append(away)
    assert np.median(left) < 1e-3


def test_other_sounds_are_left_alone() -> None:
    """Noise, silence and a plucked string tell nothing."""
    generator = np.random.default_rng(0)
    seconds = np.arange(FOUR.frames) / FOUR.rate
    string = sum(np.sin(2 * np.pi * 443.3 * n * seconds * (1 + 1e-4 * n * n)) / n for n in range(1, 9))
    start = np.full(23, 7)
    for sound in (generator.normal(size=FOUR.frames), np.zeros(FOUR.frames), string * np.exp(-3 * seconds)):
        heard = Heard(FOUR, sound.astype(np.float32))
        assert by_waveform(Trials(heard), start, lambda: True) is None


def test_only_sums_of_oscillators_are_sought() -> None:
    """`two` has other parameters, and is left to other searches."""
    assert has_oscillators(FOUR) and not has_oscillators(TWO)
    sound = TWO.render(TWO.values(TWO.drawn(0, "train", 0, 1)), threads=1)[0]
    assert by_waveform(Trials(Heard(TWO, sound)), np.zeros(16, np.int64), lambda: True) is None


def test_no_time_means_no_search() -> None:
    """What is asked to stop at once stops after the first attempt."""
    levels = FOUR.drawn(4, "train", 0, 1)
    tried = Trials(Heard(FOUR, FOUR.render(FOUR.values(levels), threads=1)[0]))
    by_waveform(tried, levels[0], lambda: False)
    assert tried.renders < 100


def test_a_click_is_left_alone() -> None:
    """One sample, in which all waves are alike."""
    tried = Trials(Heard(FOUR, np.eye(1, FOUR.frames, 30, dtype=np.float32)[0], 0.0))
    for start in FOUR.drawn(2, "train", 0, 12):
        found = by_waveform(tried, start, lambda: True, rounds=1)
        assert found is None or found.left > 0.1


def test_weights_of_waves_that_are_alike() -> None:
    """Products in single precision of twice the same wave: what is left is next to nothing."""
    wave = np.random.default_rng(0).normal(size=16384).astype(np.float32)
    squares = np.array([[1.0, 1.0 + 1e-5], [1.0 + 1e-5, 1.0]]) * float(wave @ wave)
    weights = _fitted(squares @ [0.3, 0.4], squares)
    assert weights.sum() == pytest.approx(0.7, rel=1e-3) and (weights >= 0).all()
