"""Principal components of very many numbers, of far fewer sounds than numbers.

The covariance matrix of 319 200 numbers cannot be held. That of n sounds with each other (the Gram matrix)
is n × n and has the same eigenvalues (M. Turk and A. Pentland, *Eigenfaces for recognition*, 1991), so it is
this that is decomposed. Numbers are kept in half precision and multiplied in single precision, a block at a
time.
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
    axes : shape (numbers, found components); orthogonal columns with a mean square of 1
    components : how many are told; those that are not found, with too few sounds for them, are zeros
    scale : what products with the axes are multiplied by; components then have a mean square of 1
    kept : share of the sounds' variance that the components keep, 0 to 1
    """

    mean: Floats
    weight: Floats
    axes: NDArray[np.float16]
    components: int
    scale: float
    kept: float

    def __call__(self, numbers: Floats) -> Floats:
        """Components, from shape (sounds, numbers) to (sounds, components)."""
        told = np.zeros((len(numbers), self.components), np.float32)
        found = told[:, : self.axes.shape[1]]
        for block in _blocks(len(self.axes)):
            standardised = _standardised(numbers, self.mean, self.weight, block)
            found += standardised @ self.axes[block].astype(np.float32)
        return told * np.float32(self.scale)


def fit_projection(batches: Callable[[], Iterator[Floats]], components: int) -> Projection:
    """Find the principal components of sounds.

    Parameters
    ----------
    batches : gives all sounds' numbers in batches of shape (sounds, numbers), the same each time; asked twice
    components : how many
    """
    mean, weight = _moments(batches())
    sounds = [_halves(numbers, mean, weight) for numbers in batches()]
    size, count = len(mean), sum(map(len, sounds))
    gram = np.zeros((count, count))
    centre = np.empty(size, np.float32)  # clipping moves the mean a little
    for block in _blocks(size):
        numbers = np.concatenate([half[:, block] for half in sounds], dtype=np.float32)
        centre[block] = numbers.mean(axis=0)
        numbers -= centre[block]
        gram += numbers @ numbers.T
    values, vectors = np.linalg.eigh(gram)
    leading = np.flatnonzero(values > NOTHING * max(values[-1], 1e-30))[::-1][:components]
    values, vectors = values[leading], vectors[:, leading]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(leading))])
    turned = (vectors * signs * np.sqrt(size / values)).astype(np.float32)
    axes = np.empty((size, len(leading)), np.float16)
    for block in _blocks(size):
        numbers = np.concatenate([half[:, block] for half in sounds], dtype=np.float32)
        axes[block] = (numbers - centre[block]).T @ turned
    mean = mean + np.divide(centre, weight, out=np.zeros_like(centre), where=weight > 0)
    mean_square = max(values.sum() / count / components * size, 1e-30)
    kept = float(values.sum() / max(np.trace(gram), 1e-30))
    return Projection(mean, weight, axes, components, float(1 / np.sqrt(mean_square)), kept)


def _blocks(size: int) -> list[slice]:
    return [slice(first, first + BLOCK) for first in range(0, size, BLOCK)]


def _standardised(numbers: Floats, mean: Floats, weight: Floats, block: slice) -> Floats:
    """Some of the numbers as deviations, clipped."""
    deviations = (numbers[:, block] - mean[block]) * weight[block]
    return np.clip(deviations, -FARTHEST, FARTHEST, out=deviations)


def _halves(numbers: Floats, mean: Floats, weight: Floats) -> NDArray[np.float16]:
    """All of them standardised, in half precision."""
    found = np.empty(numbers.shape, np.float16)
    for block in _blocks(numbers.shape[1]):
        found[:, block] = _standardised(numbers, mean, weight, block)
    return found


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
