"""Tables as Markdown: the right numbers in the right cells."""

from __future__ import annotations

import pytest
from tonerig.training.match import paper, tables
from tonerig.training.match.results import FiguresError, Reconstructed, Spread

from .rows import figures


def cells(table: str) -> list[list[str]]:
    """Row after row, without the line under the heading."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()]
    assert rows[1][0] == "---" and set(rows[1][1:]) == {"---:"}
    assert len({len(row) for row in rows}) == 1
    return [rows[0], *rows[2:]]


def test_table_3() -> None:
    """The paper's models in its order, then ours; only those that there are; the paper's in brackets."""
    ours = figures("ours", ranks=dict.fromkeys(paper.SYMBOLS, 81.25))
    conv6 = figures("conv6", ranks=dict.fromkeys(paper.SYMBOLS, 70.0) | {"cutoff_hz": 99.5})
    table = cells(tables.table_3({"ours": ours, "conv6": conv6, "fc1": figures("fc1")}))
    assert table[0] == ["parameter", "FC1", "Conv6", "ours"]
    rows = {row[0]: row[1:] for row in table[1:]}
    assert rows["`cutoff_hz` (f_cut)"] == ["92.83 (92.83)", "99.50 (99.71)", "81.25"]
    assert rows["`attack_s` (a)"] == ["61.46 (61.46)", "70.00 (71.28)", "81.25"]
    assert rows["mean MPR"][1:] == ["71.28 (77.81)", "81.25"]
    assert [row[0] for row in table[1:4]] == ["`attack_s` (a)", "`decay_s` (d)", "`sustain` (s)"]
    assert len(table) == 1 + 23 + 1


def test_table_3_of_another_synth() -> None:
    """Has its own parameters and nothing of the paper's."""
    found = figures("conv6", synth="two", ranks={"osc_1_wave": 90.0, "cutoff_hz": 80.0})
    assert cells(tables.table_3({"conv6": found})) == [
        ["parameter", "Conv6"],
        ["`osc_1_wave`", "90.00"],
        ["`cutoff_hz`", "80.00"],
        ["mean MPR", "85.00"],
    ]


def test_table_4() -> None:
    """Eight rows; nothing in brackets where the paper has no such row."""
    other = Spread(mean=1.0, median=2.0)
    made = Reconstructed(stft=Spread(mean=93.5, median=96.25), fourier=other, time=other, frobenius=other)
    models = {"conv6xl": figures("conv6xl", reconstruction=made), "fc3": figures("fc3")}
    table = cells(tables.table_4(models))
    assert table[0] == ["measure", "FC3", "Conv6XL"]
    rows = {row[0]: row[1:] for row in table[1:]}
    assert rows["ρ mean (STFT)"] == ["60.00", "93.50 (92.04)"]
    assert rows["ρ median (STFT)"] == ["60.00", "96.25 (95.61)"]
    assert rows["ρ median (time)"] == ["60.00", "2.00 (86.11)"]
    assert rows["F_Δ mean (STFT)"] == ["60.00", "1.00 (708.94)"]
    assert len(rows) == 8


def test_the_table_of_figure_5() -> None:
    """First and first five, in %."""
    found = figures("hc", top={"Filter": (0.5, 0.6, 0.7, 0.8, 0.912), "All": (0.1, 0.2, 0.3, 0.4, 1.0)})
    assert cells(tables.top_table({"hc": found})) == [
        ["model", "Filter", "All"],
        ["HC", "50.0 / 91.2", "10.0 / 100.0"],
    ]


def test_budgets() -> None:
    """All that was given to a model stands in its row."""
    table = cells(tables.budget_table({"hc3": figures("hc3", calibration=None)}))
    expected = "HC3;1 155 287;100 000;1;21 min;two CPU cores;float32;2000 (seed 0);"
    assert table[1] == expected.split(";")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (90.0, "90 s"), (150.0, "2 min"), (7199.0, "120 min"), (9000, "2.5 h")],
)
def test_durations(seconds: float, text: str) -> None:
    """In the unit that a person would take."""
    assert tables.duration(seconds) == text


def test_models_of_two_synths() -> None:
    """Have no table together, nor has no model."""
    with pytest.raises(FiguresError, match="of one synth, found four, two"):
        tables.table_4({"fc1": figures("fc1"), "fc2": figures("fc2", synth="two")})
    with pytest.raises(FiguresError, match="no model"):
        tables.table_3({})
