"""Checked pairs, and FIR filters fitted by least squares, against NumPy's own solution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from tonerig.training.effects.config import TrainingError
from tonerig.training.effects.data import Pair
from tonerig.training.effects.estimation import esr, fit_responses, sounds_of


def _noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(frames)


def test_two_filters_are_found_at_once() -> None:
    """The filters of two signals are those that made the target."""
    first, second = _noise(5000, 1), _noise(5000, 2)
    a, b = np.array([0.5, -0.2, 0.1]), np.array([0.3, 0.7])
    found = fit_responses([[first, second]], [lfilter(a, 1, first) + lfilter(b, 1, second)], [3, 2])
    np.testing.assert_allclose(found[0], a, atol=1e-6)
    np.testing.assert_allclose(found[1], b, atol=1e-6)


def test_the_filter_is_the_least_squares_one_to_the_last_sample() -> None:
    """With a target that no filter makes, cut off while it sounds, it is numpy.linalg.lstsq's."""
    inputs = [np.cumsum(_noise(300, 3)) / 10, _noise(200, 4)]
    targets = [_noise(300, 5), _noise(200, 6)]
    rows = [np.stack([np.append(np.zeros(k), x)[: len(x)] for k in range(6)], axis=1) for x in inputs]
    expected = np.linalg.lstsq(np.concatenate(rows), np.concatenate(targets), rcond=None)[0]
    [found] = fit_responses([[x] for x in inputs], targets, [6])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_error_is_over_all_sounds() -> None:
    """Half the level in one of two equal sounds is an eighth of all their energy."""
    sound = _noise(100)
    assert esr([0.5 * sound, sound], [sound, sound]) == pytest.approx(1 / 8)


@pytest.mark.parametrize(
    ("dry", "wet", "words"),
    [
        (np.ones(48000), np.ones(47999), "one length"),
        (np.ones(48000), np.append(np.ones(47999), np.nan), "NaN"),
        (np.ones(48000), np.zeros(48000), "wet sound of take is silent"),
        (np.zeros(48000), np.ones(48000), "dry sound of take is silent"),
        (np.ones(20000), np.ones(20000), "too short"),
    ],
)
def test_sound_to_learn_nothing_from_is_refused(dry: np.ndarray, wet: np.ndarray, words: str) -> None:
    """Each has its sentence."""
    with pytest.raises(TrainingError, match=words):
        sounds_of([Pair("take", dry.astype(np.float32), wet.astype(np.float32), 48000.0)])


def test_pairs_of_two_rates_are_refused() -> None:
    """One model has one rate."""
    sound = np.ones(48000, np.float32)
    with pytest.raises(TrainingError, match="b is at 44100 Hz and a at 48000 Hz"):
        sounds_of([Pair("a", sound, sound, 48000.0), Pair("b", sound, sound, 44100.0)])
    with pytest.raises(TrainingError, match="no pair"):
        sounds_of([])
