"""Parameters as lines of columns: how ``preset show`` and ``plugins show`` print them."""

from __future__ import annotations

from collections.abc import Sequence

WIDEST_RANGE = 24
"""Characters; what is longer pushes the words behind it to the right."""


def parameter_lines(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """A line for each row: name, value, range, and words on it."""
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(3)]
    widths[2] = min(widths[2], WIDEST_RANGE)
    lines = []
    for *columns, words in rows:
        padded = [f"{part:{width}}" for part, width in zip(columns, widths, strict=True)]
        lines.append("  ".join([*padded, words]).rstrip())
    return lines
