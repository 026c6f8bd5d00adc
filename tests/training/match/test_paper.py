"""The paper's tables as they are printed."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.match.synths import FOUR
from tonerig.training.match import paper


def test_every_parameter_has_its_row() -> None:
    """The synthesizer's 23 parameters, by their names, with the letters the paper has for them."""
    assert set(paper.SYMBOLS) == {parameter.name for parameter in FOUR.parameters}
    assert [paper.SYMBOLS[name] for name in ("sine_depth_hz", "square_frequency_hz", "gate_hz")] == [
        "B_sin",
        "f_sqr",
        "f_gate",
    ]


def test_columns_have_the_printed_means() -> None:
    """A digit typed wrong would move a column's mean; that of ConvE2E is one lower than printed."""
    assert len(paper.MODELS) == 14
    for model, printed in paper.MPR.items():
        mean = np.mean(list(paper.MEAN_PERCENTILE_RANKS[model].values()))
        assert mean == pytest.approx(75.17 if model == "conve2e" else printed, abs=0.04)


def test_cells_of_table_3() -> None:
    """Corners and some cells between, as the paper has them."""
    ranks = paper.MEAN_PERCENTILE_RANKS
    assert ranks["fc-linear"]["attack_s"] == 59.34 and ranks["hc3"]["attack_s"] == 83.59
    assert ranks["fc-linear"]["triangle_frequency_hz"] == 59.53
    assert ranks["hc3"]["triangle_frequency_hz"] == 72.71
    assert ranks["conv6xl"]["cutoff_hz"] == 99.68 and ranks["conve2e"]["release_s"] == 88.52
    assert paper.MPR["conv6xl"] == 77.9


def test_cells_of_table_4() -> None:
    """Nine models have eight figures each; the corners, and the best mean correlation."""
    table = paper.RECONSTRUCTION
    assert set(table) == {"conv6xl", "conv6", "conv5", "conv4", "conve2e", "hc3", "hc", "fc2", "fc-linear"}
    assert all(len(figures) == 8 for figures in table.values())
    assert table["conv6xl"]["stft", "mean"] == 92.04 and table["fc-linear"]["stft", "mean"] == 75.24
    assert table["conv6xl"]["frobenius", "median"] == 679.36
    assert table["fc-linear"]["frobenius", "median"] == 1328.79
    assert table["conve2e"]["time", "median"] == 73.81
