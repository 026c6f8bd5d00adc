"""Saw, triangle and square without aliasing: one period each, for every number of partials that fits.

A row of a table holds a wave of so many partials, at levels that do not change from row to row. A
frequency of ``n`` times less than half the sample rate has room for ``n`` partials: no row with more is
played, so that nothing folds back.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiler.layout import State

SIZE = 2048
STRIDE = SIZE + 16
"""From row to row; the first sample stands again behind the last one, for interpolation."""
LINEAR = 8
"""Rows for 0 to 7 partials; from here on 8 rows to the octave."""
MOST = 640.0
"""Partials that are told apart; a lower note has no more than these."""
WAVES = ("saw", "triangle", "square")


def partials(row: int) -> int:
    """How many partials a row has; row 0 and those before it are silent."""
    if row < LINEAR:
        return max(0, row)
    octave, step = divmod(row - LINEAR, 8)
    return (8 + step) << octave


ROWS = next(row for row in range(200) if partials(row) > MOST)


def amplitudes(wave: str, count: int) -> NDArray[np.float64]:
    """Sine amplitudes of partials 1 … ``count``; the waves rise through 0 at the start of a period.

    Saw and triangle run from -1/2 to 1/2, the square from -1 to 1, as in `four` without its constants.
    """
    n = np.arange(1, count + 1)
    if wave == "saw":
        return -((-1.0) ** n) / (np.pi * n)
    odd = n % 2
    if wave == "triangle":
        return odd * 4 / np.pi**2 * (-1.0) ** ((n - 1) // 2) / n**2
    return odd * 4 / (np.pi * n)


@cache
def memory() -> State:
    """All rows of all waves: ``rows``, shape (3, `ROWS` + 1, `STRIDE`); a wave's row ``r`` is at ``r + 1``.

    Every synth of this process reads it, and nobody writes to it again.
    """
    state = State(np.dtype([("rows", "i8")]), rows=(np.float32, (len(WAVES), ROWS + 1, STRIDE)))
    for wave, rows in zip(WAVES, state.arrays["rows"], strict=True):
        for row in range(ROWS):
            spectrum = np.zeros(SIZE // 2 + 1, np.complex128)
            count = partials(row)
            spectrum[1 : count + 1] = -0.5j * SIZE * amplitudes(wave, count)
            period = np.fft.irfft(spectrum, SIZE)
            rows[row + 1, :SIZE], rows[row + 1, SIZE:] = period, period[: STRIDE - SIZE]
    return state


def tables() -> NDArray[np.float32]:
    """The rows of `memory`."""
    return memory().arrays["rows"]
