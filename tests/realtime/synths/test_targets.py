"""One source of a voice for several targets: sixteen side by side, one alone, one for each CUDA thread."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray
from tonerig.realtime.synths.dataset import lanes_of, render_values, values_of
from tonerig.realtime.synths.dataset_cuda import is_available, render_on_cuda
from tonerig.realtime.synths.four import ESTIMATED
from tonerig.realtime.synths.four_voice import Coefficients, Memory, Modulation, voice
from tonerig.realtime.synths.target_code import one

RATE, FRAMES = 16384.0, 2000
MODULATIONS: tuple[Modulation, ...] = ("frequency", "phase")


def _values(sounds: int) -> NDArray[np.float64]:
    return values_of(np.random.default_rng(5).integers(0, 16, (sounds, len(ESTIMATED))))


def _alone(values: NDArray[np.float64], modulation: Modulation) -> NDArray[np.float32]:
    """One sound by the target of single values, its key held."""
    step = voice(one(njit(inline="always", error_model="numpy")), "formulas", modulation)
    lanes = lanes_of(values[None], modulation, RATE)[0]
    coefficients = Coefficients(*(lanes[name][0] for name in Coefficients._fields))
    memory = Memory(*(lanes[name][0] for name in Memory._fields))

    @njit(error_model="numpy")
    def run(c: Coefficients, m: Memory, output: NDArray[np.float32]) -> None:
        for t in range(output.size):
            output[t], _, m = step(0, np.float32(0), c, m)

    output = np.empty(FRAMES, np.float32)
    run(coefficients, memory, output)
    return output


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_a_voice_alone_is_the_voice_among_sixteen(modulation: Modulation) -> None:
    """Compiled for single values the same source gives the same sound, but for fused multiply-adds."""
    values = _values(3)
    together = render_values(values, modulation=modulation, frames=FRAMES, key_up_s=1.0)
    for v, expected in zip(values, together, strict=True):
        error = _alone(v, modulation) - expected
        assert np.sum(error**2) < 1e-4 * np.sum(expected**2)
        assert np.median(np.abs(error)) < 1e-5


@pytest.mark.skipif(not is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("modulation", MODULATIONS)
def test_a_cuda_device_renders_the_same_sounds(modulation: Modulation) -> None:
    """What the device renders is what the processor renders, but for rounding."""
    values = _values(200)
    ours = render_values(values, modulation=modulation)
    theirs = render_on_cuda(values, modulation=modulation).copy_to_host().T
    assert theirs.shape == ours.shape
    errors = np.sum((theirs - ours) ** 2, axis=1) / np.sum(ours**2, axis=1)
    assert np.median(errors) < 1e-4
