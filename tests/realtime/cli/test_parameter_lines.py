"""Columns of parameters, and a range that does not fit into its line."""

from __future__ import annotations

from tonerig.realtime.cli.parameter_lines import LONGEST_RANGE, parameter_lines


def test_columns_are_aligned() -> None:
    """Each column begins at one place; nothing trails."""
    rows = [("gain_db", "0 dB", "(-60 to 20 dB)", "level"), ("on", "off", "(one of off, on)", "")]
    assert parameter_lines(rows) == [
        "gain_db  0 dB  (-60 to 20 dB)    level",
        "on       off   (one of off, on)",
    ]


def test_a_long_range_goes_on_below() -> None:
    """Pieces end behind commas, stand below each other, and say the whole range; words follow the last."""
    names = [f"Great Amplifier No. {number}" for number in range(25)]
    lines = parameter_lines([("model", names[0], f"(one of {', '.join(names)})", "in steps")])
    start = lines[0].index("(")
    assert len(lines) > 2
    assert all(line[: start + 1].isspace() and line[start + 1] == "G" for line in lines[1:])
    assert all(len(line) <= start + 1 + LONGEST_RANGE for line in lines[:-1])
    assert all(line.endswith(",") for line in lines[:-1])
    whole = " ".join(line[start:].strip() for line in lines)
    assert whole == f"(one of {', '.join(names)})  in steps"
