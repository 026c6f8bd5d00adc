"""A bag of words: how often each of a thousand typical spectra occurs in a sound, whenever that is.

Section 5.1 of O. Barkan and D. Tsiris, *Deep Synthesizer Parameter Estimation* (ICASSP 2019): windows of the
spectrogram are reduced to 64 principal components (where the paper keeps 97 % of the variance), k-means finds
1000 centroids of them, and a sound is the share of its windows that is nearest to each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...realtime.match.spectrogram import magnitudes
from .models import VECTOR

COMPONENTS = 64
AT_ONCE = 64


@dataclass(frozen=True)
class Words:
    """What a bag of words was learnt to be.

    Attributes
    ----------
    mean : of the windows' magnitudes, shape (bins,)
    axes : principal axes, shape (bins, 64)
    centroids : in their coordinates, shape (1000, 64)
    kept : share of the windows' variance that the axes keep, 0 to 1
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    centroids: NDArray[np.float32]
    kept: float

    def __call__(self, sounds: NDArray[np.float32]) -> NDArray[np.float32]:
        """Share of the windows that each word is nearest to.

        Parameters
        ----------
        sounds : shape (sounds, frames)

        Returns
        -------
        ndarray, shape (sounds, 1000)
            Each row's sum is 1.
        """
        parts = [self._counted(sounds[k : k + AT_ONCE]) for k in range(0, len(sounds), AT_ONCE)]
        return np.concatenate([np.empty((0, len(self.centroids)), np.float32), *parts])

    def spoken(self, spectra: NDArray[np.float32]) -> NDArray[np.int64]:
        """The nearest word of each window, from magnitudes of shape (…, bins) to shape (…)."""
        centroids = self.centroids.astype(np.float64)  # many lie close to silence
        reduced = (spectra - self.mean.astype(np.float64)) @ self.axes.astype(np.float64)
        return np.argmax(reduced @ centroids.T - 0.5 * np.sum(centroids**2, axis=1), axis=-1)

    def _counted(self, sounds: NDArray[np.float32]) -> NDArray[np.float32]:
        words, size = self.spoken(magnitudes(sounds)), len(self.centroids)
        own = words + size * np.arange(len(words))[:, None]
        counts = np.bincount(own.ravel(), minlength=size * len(words)).reshape(len(words), size)
        return (counts / words.shape[1]).astype(np.float32)


def fit_words(sounds: NDArray[np.float32], seed: int = 0) -> Words:
    """Learn words from sounds, shape (sounds, frames); at least 1000 windows in all."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA

    parts = [magnitudes(sounds[k : k + AT_ONCE]) for k in range(0, len(sounds), AT_ONCE)]
    windows = np.concatenate(parts).reshape(-1, parts[0].shape[-1])
    analysis = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(windows)
    mean, axes = analysis.mean_.astype(np.float32), analysis.components_.T.astype(np.float32)
    reduced = (windows - mean) @ axes
    means = MiniBatchKMeans(VECTOR, batch_size=4096, n_init=1, random_state=seed).fit(reduced)
    kept = float(analysis.explained_variance_ratio_.sum())
    return Words(mean, np.ascontiguousarray(axes), means.cluster_centers_.astype(np.float32), kept)
