"""Principal components of very many numbers, of far fewer sounds than numbers.

The covariance matrix of 319 200 numbers cannot be held. That of n sounds with each other (the Gram matrix) is
n × n and has the same eigenvalues (M. Turk and A. Pentland, *Eigenfaces for recognition*, 1991), so it is this
that is decomposed. Numbers are kept in half precision and multiplied in single precision, a block at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BLOCK = 8192
FARTHEST = 20.0
"""Standardised numbers are clipped here: some hardly ever change, and then by thousands of deviations."""
NOTHING = 1e-6
"""Eigenvalues below this share of the largest are rounding."""


@dataclass(frozen=True)
class Projection:
    """Numbers are standardised and projected onto axes; all components share one scale.

    Attributes
    ----------
    mean : shape (numbers,)
    weight : one over each number's deviation, 0 where it never changes, shape (numbers,)
    axes : shape (numbers, components); orthogonal columns with a mean square of 1, or of zeros where there
        were too few sounds for as many components
    scale : what products with the axes are multiplied by; components then have a mean square of 1
    kept : share of the sounds' variance that the components keep, 0 to 1
    """

    mean: Floats
    weight: Floats
    axes: NDArray[np.float16]
    scale: float
    kept: float

    def __call__(self, numbers: Floats) -> Floats:
        """Components, from shape (sounds, numbers) to (sounds, components)."""
        found = np.zeros((len(numbers), self.axes.shape[1]), np.float32)
        for first in range(0, len(self.axes), BLOCK):
            block = slice(first, first + BLOCK)
            found += self.standardised(numbers, block) @ self.axes[block].astype(np.float32)
        return found * np.float32(self.scale)

    def standardised(self, numbers: Floats, block: slice) -> Floats:
        """Some of the numbers as deviations, clipped."""
        deviations = (numbers[:, block] - self.mean[block]) * self.weight[block]
        return np.clip(deviations, -FARTHEST, FARTHEST, out=deviations)


def fit_projection(batches: Callable[[], Iterator[Floats]], components: int) -> Projection:
    """Find the principal components of sounds.

    Parameters
    ----------
    batches : gives all sounds' numbers in batches of shape (sounds, numbers), the same each time; asked twice
    components : how many
    """
    mean, weight = _moments(batches())
    size = len(mean)
    standard = Projection(mean, weight, np.empty((size, 0), np.float16), 1.0, 0.0)
    halves = []
    for numbers in batches():
        half = np.empty(numbers.shape, np.float16)
        for first in range(0, size, BLOCK):
            block = slice(first, first + BLOCK)
            half[:, block] = standard.standardised(numbers, block)
        halves.append(half)
    sounds = np.concatenate(halves)
    halves.clear()
    gram = np.zeros((len(sounds), len(sounds)))
    centre = np.zeros(size, np.float32)  # clipping moves the mean a little
    for first in range(0, size, BLOCK):
        block = sounds[:, first : first + BLOCK].astype(np.float32)
        centre[first : first + BLOCK] = block.mean(axis=0)
        block -= centre[first : first + BLOCK]
        gram += block @ block.T
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components]
    values = np.where(values > NOTHING * values[0], values, 0)
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    lengths = np.where(values > 0, np.sqrt(size) / np.sqrt(np.maximum(values, 1e-30)), 0)
    turned = (vectors * signs * lengths).astype(np.float32)
    axes = np.zeros((size, components), np.float16)
    for first in range(0, size, BLOCK):
        block = sounds[:, first : first + BLOCK].astype(np.float32) - centre[first : first + BLOCK]
        axes[first : first + BLOCK, : turned.shape[1]] = block.T @ turned
    mean = mean + np.divide(centre, weight, out=np.zeros_like(centre), where=weight > 0)
    mean_square = max(values.sum() / len(sounds) / components * size, 1e-30)
    kept = float(values.sum() / max(np.trace(gram), 1e-30))
    return Projection(mean, weight, axes, float(1 / np.sqrt(mean_square)), kept)


def _moments(batches: Iterator[Floats]) -> tuple[Floats, Floats]:
    """Mean, and one over the deviation, of every number."""
    count = 0
    total = squares = reference = np.zeros(0)
    for numbers in batches:
        if not count:
            reference = numbers[0].astype(np.float64)
            total, squares = np.zeros_like(reference), np.zeros_like(reference)
        for row in numbers:
            away = row - reference
            total += away
            squares += away * away
        count += len(numbers)
    mean = reference + total / count
    deviation = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
    moves = deviation > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    weight = np.divide(1, deviation, out=np.zeros_like(deviation), where=moves)
    return mean.astype(np.float32), weight.astype(np.float32)
