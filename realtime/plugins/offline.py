"""One hosted plugin over an array: waited for, and aligned with what it hears."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..engine.program import Program
from ..engine.runner import Runner
from .errors import PluginError, reason
from .hosted import Hosted

BLOCK = 8192
"""Samples of a call: as many as pedalboard takes when it is asked for a whole sound at once."""


def render(processor: Hosted, dry: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
    """What a plugin makes of a sound, in a worker of its own that ends with it.

    Parameters
    ----------
    processor : an effect that nothing else plays; it is of no use afterwards
    dry : shape (channels, frames), channels 1 or 2
    rate : in Hz

    Returns
    -------
    ndarray, shape (outputs, frames)
        Without the latency that the plugin reports.

    Raises
    ------
    PluginError
        when it cannot be loaded, ends, hangs, floods its output, takes too much memory, or puts out NaN or
        Inf; the sentence names it.
    """
    program = Program([processor], rate, BLOCK, dry.shape[0])
    try:
        if processor.problem is not None:
            raise PluginError(reason(processor.problem))
        runner = Runner(program)
        after = np.zeros((dry.shape[0], program.latency), np.float32)
        parts = [
            runner.process(sound[:, start : start + BLOCK])
            for sound in (dry, after)
            for start in range(0, sound.shape[1], BLOCK)
        ]
        if program.muted():
            raise PluginError(f"{processor.title} put out NaN or Inf")
    finally:
        processor.hosting = None  # its worker ends now, not when the processor is collected
    return np.concatenate(parts, axis=1)[:, program.latency :]
