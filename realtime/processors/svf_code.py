"""Second-order filters as state-variable filters, compiled. Imports numba: only where code is compiled.

The trapezoidal state-variable form of A. Simper (*Solving the continuous SVF equations using
trapezoidal integration*, Cytomic, 2013): its responses are exactly those of R. Bristow-Johnson's
*Audio EQ Cookbook*, and it stays stable and free of clicks while its coefficients move.
Coefficients are a row of six float64: a1, a2, a3, m0, m1, m2; memory is a pair of float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .smoothing_code import compiled, inline, quiet

HIGHEST = 0.49
"""Of the sample rate: filters' frequencies are kept below."""


@inline
def warped(frequency: Any, rate: Any) -> Any:
    """The frequency, in Hz, as the integrators' gain."""
    return math.tan(math.pi * min(np.float64(frequency), HIGHEST * rate) / rate)


@inline
def _set(rows: Any, k: Any, g: Any, damping: Any, m0: Any, m1: Any, m2: Any) -> None:
    a1 = 1.0 / (1.0 + g * (g + damping))
    rows[k, 0] = a1
    rows[k, 1] = g * a1
    rows[k, 2] = g * g * a1
    rows[k, 3] = m0
    rows[k, 4] = m1
    rows[k, 5] = m2


@compiled
def set_peak(rows: Any, k: Any, frequency: Any, q: Any, gain_db: Any, rate: Any) -> None:
    """Make row ``k`` a peaking band: ``gain_db`` at ``frequency`` Hz."""
    a = 10.0 ** (np.float64(gain_db) / 40.0)
    damping = 1.0 / (np.float64(q) * a)
    _set(rows, k, warped(frequency, rate), damping, 1.0, damping * (a * a - 1.0), 0.0)


@compiled
def set_low_shelf(rows: Any, k: Any, frequency: Any, q: Any, gain_db: Any, rate: Any) -> None:
    """Make row ``k`` a low shelf: ``gain_db`` far below ``frequency`` Hz, half of it there."""
    a = 10.0 ** (np.float64(gain_db) / 40.0)
    damping = 1.0 / np.float64(q)
    g = warped(frequency, rate) * 10.0 ** (np.float64(gain_db) / -80.0)
    _set(rows, k, g, damping, 1.0, damping * (a - 1.0), a * a - 1.0)


@compiled
def set_high_shelf(rows: Any, k: Any, frequency: Any, q: Any, gain_db: Any, rate: Any) -> None:
    """Make row ``k`` a high shelf: ``gain_db`` far above ``frequency`` Hz, half of it there."""
    a = 10.0 ** (np.float64(gain_db) / 40.0)
    damping = 1.0 / np.float64(q)
    g = warped(frequency, rate) * 10.0 ** (np.float64(gain_db) / 80.0)
    _set(rows, k, g, damping, a * a, damping * (1.0 - a) * a, 1.0 - a * a)


@compiled
def set_high_pass(rows: Any, k: Any, frequency: Any, q: Any, amount: Any, rate: Any) -> None:
    """Make row ``k`` a high-pass, mixed with the plain signal: ``amount`` 0 is off, 1 fully on."""
    damping = 1.0 / np.float64(q)
    _set(rows, k, warped(frequency, rate), damping, 1.0, -damping * amount, -1.0 * amount)


@compiled
def set_low_pass(rows: Any, k: Any, frequency: Any, q: Any, amount: Any, rate: Any) -> None:
    """Make row ``k`` a low-pass, mixed with the plain signal: ``amount`` 0 is off, 1 fully on."""
    _set(rows, k, warped(frequency, rate), 1.0 / np.float64(q), 1.0 - amount, 0.0, amount * 1.0)


@compiled
def filter_samples(rows: Any, k: Any, memory: Any, c: Any, x: Any, y: Any, start: Any, count: Any) -> None:
    """Filter ``count`` samples of ``x`` from ``start`` into ``y``, which may be ``x``.

    Parameters
    ----------
    rows : coefficients, shape (filters, 6)
    memory : shape (channels, filters, 2)
    """
    a1, a2, a3 = rows[k, 0], rows[k, 1], rows[k, 2]
    m0, m1, m2 = rows[k, 3], rows[k, 4], rows[k, 5]
    s1, s2 = memory[c, k, 0], memory[c, k, 1]
    for t in range(start, start + count):
        v0 = np.float64(x[t])
        v3 = v0 - s2
        v1 = a1 * s1 + a2 * v3
        v2 = s2 + a2 * s1 + a3 * v3
        s1 = quiet(2.0 * v1 - s1)
        s2 = quiet(2.0 * v2 - s2)
        y[t] = np.float32(m0 * v0 + m1 * v1 + m2 * v2)
    memory[c, k, 0] = s1
    memory[c, k, 1] = s2
