"""Weights that follow a model's features: what to compute of them anew when a knob has moved.

The features of `tonerig.export.model.Knobs` are constant while no knob moves, and what depends on them does
so affinely. So they need no channels of their own: everything that they do is multiplied and added into a
kernel's packed weights, and the kernel runs as if there were no knobs. A kernel's ``fold(model, state,
folding)`` says which of its weights that are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
LANES = 16


@dataclass(frozen=True)
class Scaled:
    """Weights that are multiplied: ``target[n, r] = weights[n, r] · values[scale + r]``.

    ``target`` is an address; ``weights`` has the shape (repeats, rows).
    """

    target: int
    weights: Array
    scale: int


@dataclass(frozen=True)
class Shifted:
    """A bias: ``target[r] = values[scale + r] · values[bias + r] + values[shift + r]``, r < ``rows``.

    Without a ``scale`` it is 1, without a ``shift`` 0.
    """

    target: int
    rows: int
    bias: int
    scale: int | None = None
    shift: int | None = None


@dataclass
class Folding:
    """All that depends on ``features`` features.

    Attributes
    ----------
    scaled, shifted : weights and biases
    gains : (address of a linear gain, index of the value that is its logarithm)
    responses : addresses of `response.RESPONSE` records
    """

    features: int
    scaled: list[Scaled] = field(default_factory=list)
    shifted: list[Shifted] = field(default_factory=list)
    gains: list[tuple[int, int]] = field(default_factory=list)
    responses: list[int] = field(default_factory=list)
    _rows: list[Array] = field(default_factory=list)
    _count: int = 0

    def value(self, rows: Array) -> int:
        """Have ``rows[:, 0] + rows[:, 1:] @ features`` computed; the index of the first of these values."""
        assert rows.shape[1] == 1 + self.features
        first, size = self._count, -(-rows.shape[0] // LANES) * LANES
        padded = np.zeros((size, 1 + self.features), np.float32)
        padded[: rows.shape[0]] = rows
        self._rows.append(padded)
        self._count += size
        return first

    def matrix(self) -> Array:
        """Of all values, shape (1 + features, values): each feature's column in one piece."""
        empty = np.zeros((0, 1 + self.features), np.float32)
        return np.ascontiguousarray(np.concatenate([empty, *self._rows]).T)
