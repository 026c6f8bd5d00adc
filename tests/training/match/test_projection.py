"""Principal components by the Gram matrix against scikit-learn's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from tonerig.training.match.projection import fit_projection

SOUNDS, NUMBERS = 40, 9000
"""More numbers than one block has."""


@pytest.fixture(scope="module")
def numbers() -> NDArray[np.float32]:
    """Numbers of very different size that a few things move."""
    random = np.random.default_rng(0)
    moved = random.normal(size=(SOUNDS, 6)) * [5, 4, 3, 2, 1.5, 1] @ random.normal(size=(6, NUMBERS))
    scaled = (moved + random.normal(size=moved.shape)) * 10.0 ** random.integers(-3, 5, NUMBERS)
    return (scaled + 100 * random.normal(size=NUMBERS)).astype(np.float32)


def batches(numbers: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """All sounds, a few at a time."""
    for first in range(0, len(numbers), 16):
        yield numbers[first : first + 16]


def test_against_scikit_learn(numbers: NDArray[np.float32]) -> None:
    """Components are scikit-learn's of standardised numbers, up to their signs and one scale for all."""
    projection = fit_projection(lambda: batches(numbers), 6)
    found = projection(numbers).astype(np.float64)
    standard = StandardScaler().fit_transform(numbers.astype(np.float64))
    analysis = PCA(6, svd_solver="full").fit(standard)
    expected = analysis.transform(standard)
    expected *= np.sign((expected * found).sum(axis=0)) / np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(found, expected, atol=5e-3)
    assert projection.kept == pytest.approx(analysis.explained_variance_ratio_.sum(), abs=1e-3)
    assert np.mean(found**2) == pytest.approx(1, abs=1e-2)


def test_unseen(numbers: NDArray[np.float32]) -> None:
    """Sounds that were not learnt from are projected onto the same axes."""
    seen, unseen = numbers[:30], numbers[30:]
    found = fit_projection(lambda: batches(seen), 4)(unseen)
    scaler = StandardScaler().fit(seen.astype(np.float64))
    standard = scaler.transform(unseen.astype(np.float64)).clip(-20, 20)
    expected = PCA(4, svd_solver="full").fit(scaler.transform(seen)).transform(standard)
    for k in range(4):
        assert abs(np.corrcoef(found[:, k], expected[:, k])[0, 1]) > 0.9999


def test_axes(numbers: NDArray[np.float32]) -> None:
    """Axes are orthogonal and have a mean square of 1; components that are not there are zeros."""
    projection = fit_projection(lambda: batches(numbers), 64)
    axes = projection.axes.astype(np.float64)
    assert axes.shape == (NUMBERS, SOUNDS - 1)
    np.testing.assert_allclose(axes.T @ axes / NUMBERS, np.eye(SOUNDS - 1), atol=2e-3)
    told = projection(numbers)
    assert told.shape == (SOUNDS, 64)
    assert not told[:, SOUNDS - 1 :].any()


def test_constant_numbers(numbers: NDArray[np.float32]) -> None:
    """A number that never changed has no say, even where it is another one later."""
    changed = numbers.copy()
    changed[:, 17] = 3.0
    projection = fit_projection(lambda: batches(changed), 3)
    before = projection(changed)
    assert np.isfinite(before).all()
    changed[:, 17] = 1e6
    np.testing.assert_array_equal(projection(changed), before)


def test_outlier(numbers: NDArray[np.float32]) -> None:
    """A number beyond all experience counts as one at twenty deviations."""
    projection = fit_projection(lambda: batches(numbers), 3)
    far, edge = numbers[:1].copy(), numbers[:1].copy()
    deviation = numbers[:, 5].astype(np.float64).std()
    far[0, 5] = numbers[:, 5].mean() + 1e4 * deviation
    edge[0, 5] = numbers[:, 5].mean() + 21 * deviation
    np.testing.assert_array_equal(projection(far), projection(edge))
