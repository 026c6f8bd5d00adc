"""The orders in which formats stack the gates of recurrent layers, and how to change from one to the other.

Ours are torch's: i, f, g, o for an LSTM and r, z, n for a GRU. ONNX has i, o, f, c and z, r, h; Keras has our
order for an LSTM and ONNX's for a GRU.
"""

from __future__ import annotations

import numpy as np

from .model import Array

LSTM_TO_ONNX = (0, 3, 1, 2)
LSTM_FROM_ONNX = (0, 2, 3, 1)
GRU_TO_ONNX = (1, 0, 2)
"""Its own inverse; also to and from Keras."""


def reorder_gates(array: Array, order: tuple[int, ...]) -> Array:
    """The same rows, their blocks in another order; shape (gates · hidden, …)."""
    blocks = np.split(array, len(order))
    return np.concatenate([blocks[n] for n in order])
