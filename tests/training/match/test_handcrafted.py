"""Derivatives, statistics and their numbers, against NumPy, SciPy and the paper's sizes."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.fft
import scipy.stats
from tonerig.realtime.match.synths import FOUR
from tonerig.training.match.frame_features import frame_features
from tonerig.training.match.handcrafted import SEGMENTS, handcrafted, statistics, with_slopes

NOISE = np.random.default_rng(3).normal(size=(5, 32)).astype(np.float32)


def test_sizes() -> None:
    """7 × 32 = 224 series, 25 segments, 57 statistics: 319 200 numbers, as the paper has."""
    sounds = FOUR.render(FOUR.values(FOUR.drawn(0, "train", 0, 2)), threads=1)
    assert with_slopes(frame_features(sounds)).shape == (2, 224, 128)
    assert len(SEGMENTS) == len(set(SEGMENTS)) == 25
    assert statistics(NOISE).shape == (5, 57)
    assert handcrafted(sounds).shape == (2, 319_200)


def test_segments() -> None:
    """Segments lie inside the sound; the shortest ones cover it."""
    assert all(first >= 0 and first + length <= 128 for first, length in SEGMENTS)
    shortest = min(length for _, length in SEGMENTS)
    covered = {k for first, length in SEGMENTS if length == shortest for k in range(first, first + length)}
    assert covered == set(range(128))


def test_layout() -> None:
    """Numbers of a segment and a series are where their order says, and what `statistics` tells of them."""
    sounds = FOUR.render(FOUR.values(FOUR.drawn(1, "train", 0, 3)), threads=1)
    series = with_slopes(frame_features(sounds))
    found = handcrafted(sounds).reshape(3, 25, 224, 57)
    for segment in (0, 8, 24):
        first, length = SEGMENTS[segment]
        expected = statistics(np.ascontiguousarray(series[2, :, first : first + length]))
        np.testing.assert_array_equal(found[2, segment], expected)


def test_slopes_of_a_line() -> None:
    """Away from the ends a line's slope is its own by every width, and slopes of slopes are nothing."""
    line = np.repeat(0.25 * np.arange(64, dtype=np.float32)[None, :, None], 32, axis=2)
    found = with_slopes(line).reshape(7, 32, 64)[:, 0, 8:-8]
    np.testing.assert_allclose(found[0], line[0, 8:-8, 0])
    np.testing.assert_allclose(found[1:4], 0.25, atol=1e-5)
    np.testing.assert_allclose(found[4:], 0, atol=1e-5)


def test_slopes_against_librosa() -> None:
    """Slopes are librosa's deltas of the same width, slopes of slopes those of these."""
    x = np.random.default_rng(0).normal(size=(1, 50, 32)).astype(np.float32)
    found = with_slopes(x).reshape(7, 32, 50)
    np.testing.assert_array_equal(found[0], x[0].T)
    for k, width in enumerate((1, 2, 4)):
        once = librosa.feature.delta(x[0].T.astype(np.float64), width=2 * width + 1, mode="nearest")
        twice = librosa.feature.delta(once, width=2 * width + 1, mode="nearest")
        np.testing.assert_allclose(found[1 + k], once, atol=1e-5)
        np.testing.assert_allclose(found[4 + k], twice, atol=1e-5)


def test_moments() -> None:
    """Sum, mean and variance are NumPy's, the skewness is SciPy's."""
    found = statistics(NOISE)
    x = NOISE.astype(np.float64)
    expected = [x.sum(axis=1), x.mean(axis=1), x.var(axis=1), scipy.stats.skew(x, axis=1)]
    np.testing.assert_allclose(found[:, :4].T, expected, rtol=1e-5, atol=1e-6)


def test_quantiles() -> None:
    """Percentiles are NumPy's nearest ones; each is the value at its position."""
    x = np.random.default_rng(1).normal(size=(4, 41)).astype(np.float32)  # every 5 % is a value of its own
    found = statistics(x)
    levels = np.arange(0, 101, 5)
    np.testing.assert_array_equal(found[:, 4:25].T, np.percentile(x, levels, axis=1).astype(np.float32))
    at = np.rint(found[:, 25:46] * 40).astype(int)
    np.testing.assert_array_equal(np.take_along_axis(x, at, axis=1), found[:, 4:25])


def test_extremes_by_hand() -> None:
    """Of 3 1 4 1 5 the minimum is first at a quarter, the median at the start, the maximum at the end."""
    found = statistics(np.array([[3, 1, 4, 1, 5]], np.float32))[0]
    assert found[[0, 1]] == pytest.approx([14, 2.8])
    assert found[[4, 4 + 10, 4 + 20]].tolist() == [1, 3, 5]
    assert found[[25, 25 + 10, 25 + 20]].tolist() == [0.25, 0, 1]


def test_cosines() -> None:
    """The last eleven are SciPy's orthonormal DCT-II, and zeros where a segment has no more of them."""
    expected = scipy.fft.dct(NOISE.astype(np.float64), norm="ortho", axis=1)[:, :11]
    np.testing.assert_allclose(statistics(NOISE)[:, 46:], expected, atol=1e-5)


def test_constant() -> None:
    """A series that never moves has neither variance nor skewness, whatever its value."""
    found = statistics(np.full((1, 16), 0.3, np.float32))[0]
    assert found[2] == pytest.approx(0, abs=1e-12)
    assert found[3] == 0
    assert found[4:25] == pytest.approx(0.3)


def test_wrong_length() -> None:
    """Sounds of another length are refused."""
    with pytest.raises(ValueError, match=r"\(1, 8000\).*16384"):
        handcrafted(np.zeros((1, 8000), np.float32))
