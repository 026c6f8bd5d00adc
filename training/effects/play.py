"""A model over an array, played by the engine itself: the code of the audio thread, from rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...export.model import NeuralModel
from ...realtime.engine.program import Program
from ...realtime.engine.runner import Runner
from ...realtime.processors.neural import Neural

Array: TypeAlias = NDArray[np.float32]

BLOCK = 64


class PlayError(ValueError):
    """A sound that a model cannot be played over, or that it makes NaN or infinity of."""


def model_runner(model: NeuralModel, knobs: Mapping[str, float] | None = None, block: int = BLOCK) -> Runner:
    """A stream through one model at its raw level and its own rate, mono, before its first sample.

    Parameters
    ----------
    model : what plays; what its kernel needs is compiled if it was not before
    knobs : values in the knobs' units; the others stand at their defaults
    block : frames of a block

    Raises
    ------
    ParameterError
        for a knob that the model does not have, or a value outside its range.
    """
    processor = Neural({"normalization": "raw", **(knobs or {})}, model=model)
    return Runner(Program([processor], model.sample_rate, block, 1))


def play_model(
    model: NeuralModel, dry: Array, *, knobs: Mapping[str, float] | None = None, block: int = BLOCK
) -> Array:
    """What a model makes of a sound, at its raw level, from rest.

    Parameters
    ----------
    model : what plays
    dry : shape (frames,), at the model's own rate
    knobs : values in the knobs' units; the others stand at their defaults
    block : frames that are computed at a time

    Returns
    -------
    ndarray, shape (frames,)

    Raises
    ------
    ParameterError
        for a knob that the model does not have, or a value outside its range.
    PlayError
        if the sound has another shape, or the model's output is not finite.
    """
    signal = np.asarray(dry, np.float32)
    if signal.ndim != 1:
        raise PlayError(f"expected a sound of shape (frames,), found {signal.shape}; give one channel")
    runner = model_runner(model, knobs, block)
    output = runner.process(signal[None])[0]
    if runner.program.muted():
        name = model.metadata.name or "the model"
        raise PlayError(f"{name} put out NaN or infinity; its weights are damaged, make it again")
    return output
