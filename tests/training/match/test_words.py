"""The bag of words against scikit-learn and a count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import FOUR
from tonerig.training.match.words import Words, fit_words


@pytest.fixture(scope="module")
def sounds() -> NDArray[np.float32]:
    """Enough sounds for a thousand words."""
    return FOUR.render(FOUR.values(FOUR.drawn(2, "train", 0, 48)), threads=1)


@pytest.fixture(scope="module")
def words(sounds: NDArray[np.float32]) -> Words:
    """Learnt of all but the last sixteen."""
    return fit_words(sounds[:32], seed=1)


def test_shares(words: Words, sounds: NDArray[np.float32]) -> None:
    """1000 shares of each sound, none of them negative, sum 1; each is a number of its 64 windows."""
    bag = words(sounds)
    assert bag.shape == (48, 1000) and bag.dtype == np.float32
    np.testing.assert_allclose(bag.sum(axis=1), 1, rtol=1e-5)
    counts = bag * 64
    np.testing.assert_array_equal(counts, np.rint(counts))
    assert bag.min() >= 0


def test_nearest(words: Words, sounds: NDArray[np.float32]) -> None:
    """Each window's word is the centroid at the smallest distance, all distances computed one by one."""
    spectra = magnitudes(sounds[40:41])[0]
    reduced = (spectra.astype(np.float64) - words.mean) @ words.axes
    counts = np.zeros(1000)
    for window in reduced:
        counts[np.argmin(np.linalg.norm(words.centroids - window, axis=1))] += 1
    np.testing.assert_allclose(words(sounds[40:41])[0], counts / 64, atol=1e-6)


def test_time_invariance(words: Words) -> None:
    """A sound that comes later has the same bag: of a click, wherever its window is."""
    clicks = np.zeros((3, 16384), np.float32)
    rendered = FOUR.render(FOUR.values(FOUR.drawn(7, "test", 0, 1)), threads=1)[0]
    for k, late in enumerate((0, 20, 40)):
        clicks[k, (1 + late) * 256 : (1 + late) * 256 + 4096] = rendered[:4096]
    bags = words(clicks)
    np.testing.assert_array_equal(bags[0], bags[1])
    np.testing.assert_array_equal(bags[0], bags[2])
    assert np.count_nonzero(bags[0]) > 2


def test_components(words: Words, sounds: NDArray[np.float32]) -> None:
    """Axes are scikit-learn's 64 first by its singular value decomposition, and keep as much variance."""
    windows = magnitudes(sounds[:32]).reshape(-1, 257).astype(np.float64)
    analysis = PCA(64, svd_solver="full").fit(windows)
    assert words.kept == pytest.approx(analysis.explained_variance_ratio_.sum(), abs=1e-4)
    overlap = np.abs(np.sum(words.axes.T[:20] * analysis.components_[:20], axis=1))
    np.testing.assert_allclose(overlap, 1, atol=1e-3)


def test_seed(sounds: NDArray[np.float32]) -> None:
    """The same seed finds the same words, another seed others."""
    first, again, other = (fit_words(sounds[:16], seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.centroids, again.centroids)
    assert not np.array_equal(first.centroids, other.centroids)


def test_no_sounds(words: Words) -> None:
    """No sounds have no bags."""
    assert words(np.zeros((0, 16384), np.float32)).shape == (0, 1000)
