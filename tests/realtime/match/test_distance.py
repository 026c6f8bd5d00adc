"""Distances between sounds, held to formulas and SciPy's own transforms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.signal
from numpy.typing import NDArray
from tonerig.realtime.match.distance import (
    BLOCK,
    RANGE_DB,
    UNRELATED,
    Heard,
    HeardSoundError,
    mel_filters,
    powers,
)
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import FOUR, SYNTHS

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def sounds() -> Array:
    """Ten sounds of `four`."""
    return FOUR.render(FOUR.values(FOUR.drawn(1, "test", 0, 10)), threads=1)


def _magnitudes(sound: Array, window: int) -> NDArray[np.float64]:
    """By SciPy's own short-time transform, in double precision."""
    hop = window // 2
    padded = np.concatenate([sound.astype(np.float64), np.zeros(window)])
    hann = scipy.signal.get_window("hann", window)
    starts = range(0, len(sound), hop)
    return np.array([np.abs(np.fft.rfft(padded[start : start + window] * hann)) for start in starts])


def test_powers_are_those_of_the_spectrogram(sounds: Array) -> None:
    """The squares of what estimators hear, for the same window."""
    assert np.allclose(powers(sounds, 512), magnitudes(sounds) ** 2, rtol=1e-4, atol=1e-5)


def test_equal_sounds_have_no_distance(sounds: Array) -> None:
    """0 for the heard sound itself, more for all others, by both measures."""
    for k in (0, 3):
        heard = Heard(FOUR, sounds[k])
        for found in (heard.distances(sounds), heard.quick(sounds)):
            assert abs(found[k]) < 1e-5
            assert (np.delete(found, k) > 0.05).all()


def test_correlation_is_pearsons(sounds: Array) -> None:
    """As NumPy's corrcoef of both spectrograms, laid out flat."""
    expected = np.corrcoef(_magnitudes(sounds[0], 512).ravel(), _magnitudes(sounds[1], 512).ravel())[0, 1]
    assert Heard(FOUR, sounds[0]).parts(sounds[1])["stft_correlation"] == pytest.approx(expected, abs=1e-4)


def test_multi_resolution_is_its_formula(sounds: Array) -> None:
    """Spectral convergence and mean difference of logarithms, averaged over three windows."""
    total = 0.0
    for window in (2048, 512, 128):
        heard, other = _magnitudes(sounds[0], window), _magnitudes(sounds[1], window)
        floor = heard.max() * 10 ** (-RANGE_DB / 20)
        difference = np.log(np.maximum(other, floor)) - np.log(np.maximum(heard, floor))
        total += np.linalg.norm(other - heard) / np.linalg.norm(heard) + np.abs(difference).mean()
    found = Heard(FOUR, sounds[0]).parts(sounds[1])["multi_resolution"]
    assert found == pytest.approx(total / 3, rel=1e-3)


def test_mel_and_cepstrum_are_their_formulas(sounds: Array) -> None:
    """Levels of bands in dB, and the cosine transform of them."""
    filters = mel_filters(FOUR.rate).astype(np.float64)
    mel = [_magnitudes(sounds[k], 512) ** 2 @ filters for k in (0, 1)]
    floor = mel[0].max() * 10 ** (-RANGE_DB / 10)
    levels = [10 * np.log10(np.maximum(part, floor)) for part in mel]
    parts = Heard(FOUR, sounds[0]).parts(sounds[1])
    assert parts["log_mel"] == pytest.approx(np.abs(levels[1] - levels[0]).mean(), rel=1e-3)
    cepstra = [scipy.fft.dct(part, norm="ortho")[:, :20] for part in levels]
    assert parts["mfcc"] == pytest.approx(np.abs(cepstra[1] - cepstra[0]).mean(), rel=1e-3)


def test_a_band_hears_its_own_frequency() -> None:
    """Triangles whose peaks rise, each line between two bands' peaks in both, together at most 1."""
    filters = mel_filters(16384.0)
    peaks = filters.argmax(axis=0)
    assert (np.diff(peaks) >= 0).all() and (filters.max(axis=0) > 0.2).all()
    assert (filters.sum(axis=1) <= 1 + 1e-5).all()


def test_envelope_is_the_difference_of_levels() -> None:
    """Half as loud throughout is half the level away, and a gain is not free."""
    sound = np.sin(np.arange(16384) * 2 * np.pi * 8 / BLOCK).astype(np.float32)
    parts = Heard(FOUR, sound).parts(sound / 2)
    assert parts["envelope"] == pytest.approx(0.5, abs=1e-4)
    assert parts["stft_correlation"] == pytest.approx(1.0, abs=1e-5)
    assert Heard(FOUR, sound).distances(sound[None] / 2)[0] > 0.1


@pytest.mark.parametrize("kind", ["silence", "constant", "click", "noise", "faint"])
def test_strange_sounds_have_distances(kind: str, sounds: Array) -> None:
    """Silence, DC, clicks: finite distances from everything, and 0 from itself."""
    strange = np.zeros(16384, np.float32)
    if kind == "constant":
        strange += 0.5
    if kind == "click":
        strange[100] = 1.0
    if kind == "noise":
        strange[:] = np.random.default_rng(0).normal(size=16384)
    if kind == "faint":
        strange[:] = sounds[0] * 1e-6
    heard = Heard(FOUR, strange)
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        found = heard.distances(np.concatenate([strange[None], sounds]))
        quick = heard.quick(np.concatenate([strange[None], sounds]))
    assert abs(found[0]) < 1e-5 and abs(quick[0]) < 1e-5
    assert np.isfinite(found).all() and (found[1:] > 0.05).all() and np.isfinite(quick).all()


def test_a_silent_candidate_is_far(sounds: Array) -> None:
    """Silence for a sound is as far as an unrelated sound or farther, never no number."""
    found = Heard(FOUR, sounds[0]).distances(np.zeros((2, 16384), np.float32))
    assert (found > 0.8).all() and np.isfinite(found).all()


def test_sounds_without_numbers_are_infinitely_far(sounds: Array) -> None:
    """A candidate with a NaN loses against every other."""
    broken = sounds[:2].copy()
    broken[0, 5000] = np.nan
    heard = Heard(FOUR, sounds[0])
    assert np.isinf(heard.distances(broken)[0]) and np.isinf(heard.quick(broken)[0])


def test_unrelated_sounds_are_about_one_apart(sounds: Array) -> None:
    """The scales of the measures are those of sounds drawn by chance."""
    found = [Heard(FOUR, sound).measured(np.delete(sounds, k, axis=0)) for k, sound in enumerate(sounds)]
    for name, unit in UNRELATED.items():
        values = np.concatenate([part[name] for part in found])
        middle = float(np.median(1 - values if name == "stft_correlation" else values))
        assert unit / 2 < middle < unit * 2


@pytest.mark.parametrize(
    ("sound", "words"),
    [(np.zeros(100, np.float32), "16384"), (np.full(16384, np.nan, np.float32), "no numbers")],
)
def test_what_cannot_be_compared_is_refused(sound: Array, words: str) -> None:
    """Another length and samples that are not finite, by a sentence."""
    with pytest.raises(HeardSoundError, match=words):
        Heard(FOUR, sound)


def test_every_synth_can_be_compared() -> None:
    """Each at its own rate and length."""
    for synth in SYNTHS.values():
        pair = synth.render(synth.values(synth.drawn(0, "train", 0, 2)), threads=1)
        found = Heard(synth, pair[0]).distances(pair)
        assert abs(found[0]) < 1e-5 < found[1]
