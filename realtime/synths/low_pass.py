"""A voice's low-pass: one sample of it, and its coefficients. Written once for every target.

A. Simper's trapezoidal state-variable filter, see ``processors.svf_code``; ``ops`` as in `oscillators`.
"""

from __future__ import annotations

from typing import Any

from .oscillators import ONE, f, powers

HIGHEST_CUTOFF = f(0.45)
"""Of the sample rate: the highest cutoff."""
PEAK_OCTAVES = f(2.0)
"""Octaves of Q that controller 71 reaches each way."""


def low_pass(ops: Any) -> Any:
    """``step(a1, a2, a3, x, first, second) -> (y, first, second)``: one sample, and its two integrators'."""
    fma = ops.fma

    @ops.inline
    def step(a1: Any, a2: Any, a3: Any, x: Any, first: Any, second: Any) -> Any:
        v3 = x - second
        v1 = fma(a1, first, a2 * v3)
        v2 = fma(a2, first, fma(a3, v3, second))
        return v2, v1 + v1 - first, v2 + v2 - second

    return step


def coefficients(ops: Any) -> Any:
    """``of(cutoff, resonance, octaves, peak) -> (a1, a2, a3)`` for sixteen voices side by side.

    Parameters of ``of``: the patch's cutoff over the sample rate and its Q, single values; then what
    controllers make of them in each voice, octaves of the cutoff and -1 to 1 of the resonance.
    """
    exp2, warped = powers(ops).exp2, powers(ops).warped
    splat, at_most = ops.splat, ops.at_most

    @ops.inline
    def of(cutoff: Any, resonance: Any, octaves: Any, peak: Any) -> Any:
        g = warped(at_most(exp2(octaves) * f(cutoff), splat(HIGHEST_CUTOFF)))
        damping = exp2(peak * -PEAK_OCTAVES) * f(1.0 / resonance)
        a1 = ONE / (g * (g + damping) + ONE)
        a2 = g * a1
        return a1, a2, g * a2

    return of
