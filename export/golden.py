"""The golden pair of an AIDA-X file: what its trainer got for a piece of sound, as a check on loading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from .errors import ModelFileError
from .model import Array, Gru, Lstm, NeuralModel, Stack
from .reference import run

MAX_GOLDEN_FRAMES = 4096
"""Frames that are compared; the rest of a longer pair is left out."""
GOLDEN_TOLERANCE = 1e-3
"""Largest difference to the golden output, relative to full scale, over the second half of the pair.

Trainers get the pair on accelerators that round products to 10 bits (TF32), often for a nearly silent input.
"""


def check_golden(model: NeuralModel, path: Path) -> None:
    """Compare with the golden pair, over its second half: the first depends on a start it may not say.

    AIDA-X's trainer knows no gains; for a file with some, a pair that has them in it is right as well.

    Raises
    ------
    ModelFileError : the difference is larger than the tolerance
    """
    if model.golden is None:
        return
    frames = min(len(model.golden.input), MAX_GOLDEN_FRAMES)
    given, expected = model.golden.input[:frames], model.golden.output[:frames]
    assert isinstance(model.network, Stack)
    before, after = model.network.input_gain, model.network.output_gain
    outputs = [golden_output(model, given)]
    if (before, after) != (1.0, 1.0):
        outputs.append(np.float32(after) * golden_output(model, np.float32(before) * given))
    half = len(expected) // 2
    error = min(float(np.abs(output - expected)[half:].max()) for output in outputs)
    peak = float(np.abs(expected).max())
    if not error <= GOLDEN_TOLERANCE * max(peak, 1.0):
        raise ModelFileError(
            path,
            f"does not compute its own output_batch (off by {error:.2g} at a peak of {peak:.2g}); "
            "its weights are damaged, or its layers are not what they say",
        )


def golden_output(model: NeuralModel, input: Array) -> Array:
    """What the trainer stores for ``input``: the network from a zero state, with skip, without gains."""
    assert isinstance(model.network, Stack)
    layers = []
    for layer in model.network.layers:
        if isinstance(layer, Lstm):
            layer = replace(layer, h=np.zeros_like(layer.h), c=np.zeros_like(layer.c))
        elif isinstance(layer, Gru):
            layer = replace(layer, h=np.zeros_like(layer.h))
        layers.append(layer)
    plain = Stack(tuple(layers), model.network.skip)
    return run(plain, input[np.newaxis].astype(np.float64), {})[0].astype(np.float32)
