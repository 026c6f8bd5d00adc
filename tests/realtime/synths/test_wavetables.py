"""Tables of waves without aliasing."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.synths.wavetables import MOST, ROWS, SIZE, WAVES, amplitudes, partials, tables


def test_rows_hold_one_partial_more_each_then_eight_steps_to_the_octave() -> None:
    """0 to 16 one by one, then 18, 20 … 32, 36 …, up to the most that are told apart."""
    counts = [partials(row) for row in range(ROWS)]
    assert counts[:17] == list(range(17))
    assert counts[17:26] == [18, 20, 22, 24, 26, 28, 30, 32, 36]
    assert counts[-1] == MOST


@pytest.mark.parametrize("wave", range(len(WAVES)))
@pytest.mark.parametrize("row", [0, 1, 5, 20, ROWS - 1])
def test_a_row_is_the_fourier_series_cut_off(wave: int, row: int) -> None:
    """Each sample is the sum of the row's partials at that place of the period."""
    n = np.arange(1, partials(row) + 1)
    place = np.arange(SIZE) / SIZE
    expected = amplitudes(WAVES[wave], len(n)) @ np.sin(2 * np.pi * np.outer(n, place))
    assert np.allclose(tables()[wave, row + 1, :SIZE], expected, atol=1e-6)
    assert tables()[wave, row + 1, SIZE] == tables()[wave, row + 1, 0]


@pytest.mark.parametrize("wave", WAVES)
def test_the_whole_series_is_the_wave(wave: str) -> None:
    """With ten thousand partials the series is the paper's formula, away from jumps."""
    place = np.linspace(0.05, 0.45, 9)
    n = np.arange(1, 10001)
    series = amplitudes(wave, len(n)) @ np.sin(2 * np.pi * np.outer(n, place))
    formula = {
        "saw": place,
        "triangle": np.arcsin(np.sin(2 * np.pi * place)) / np.pi,
        "square": np.ones(9),
    }[wave]
    assert np.allclose(series, formula, atol=2e-4)


def test_the_row_below_the_first_is_silent() -> None:
    """What has no room for a partial looks up zeros."""
    assert not tables()[:, :2].any()
