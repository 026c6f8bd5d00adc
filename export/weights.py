"""The flat list of weights in a `.nam` file, read in order without trusting its length."""

from __future__ import annotations

import math

import numpy as np

from .document import Node
from .model import Array, Convolution


class WeightReader:
    """Hands out arrays from a flat list, and goes on counting when the list is too short.

    What is missing reads as zeros that take no memory, so that an absurd network costs nothing before
    `finish` refuses it, and the error can say how many weights it would have needed.
    """

    def __init__(self, weights: Node) -> None:
        self._node = weights
        self._values = weights.floats(None)
        self._position = 0

    def take(self, *shape: int) -> Array:
        """The next ``prod(shape)`` weights, row-major."""
        start = self._position
        self._position += math.prod(shape)
        if self._position > len(self._values):
            return np.broadcast_to(np.float32(0), shape)
        return self._values[start : self._position].reshape(shape)

    def scalar(self) -> float:
        return float(self.take(1)[0])

    def convolution(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        *,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> Convolution:
        """Weight[out, in / groups, kernel], the newest sample last, then the bias."""
        for name, channels in (("input", inputs), ("output", outputs)):
            if channels % groups:
                raise self._node.error(
                    f"cannot be read: {groups} groups do not divide {channels} {name} channels"
                )
        weight = self.take(outputs, inputs // groups, kernel)
        return Convolution(weight, self.take(outputs) if bias else None, dilation, groups)

    def finish(self) -> None:
        """Check that the list had exactly the weights that were taken."""
        if self._position != len(self._values):
            raise self._node.error(
                f"has {len(self._values)} numbers, but the network in the config has {self._position} weights"
            )
