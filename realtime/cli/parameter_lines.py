"""Parameters as lines of columns: how ``preset show`` and ``plugins show`` print them."""

from __future__ import annotations

import re
from collections.abc import Sequence

WIDEST_RANGE = 24
"""Characters; what is longer pushes the words behind it to the right …"""
LONGEST_RANGE = 72
"""… and what is longer than this goes on in the lines below."""


def parameter_lines(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """A line for each row: name, value, range, and words on it; more where the range is long."""
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(3)]
    widths[2] = min(widths[2], WIDEST_RANGE)
    lines = []
    for name, value, limits, words in rows:
        front = f"{name:{widths[0]}}  {value:{widths[1]}}  "
        *above, last = _cut(limits)
        for part in above:
            lines.append(front + part)
            front = f"{'':{widths[0]}}  {'':{widths[1]}}   "  # behind the opening bracket
        lines.append(f"{front}{last:{widths[2]}}  {words}".rstrip())
    return lines


def _cut(limits: str) -> list[str]:
    """A range in pieces, which end behind commas."""
    pieces = [""]
    for part in re.split("(?<=,) ", limits):
        joined = f"{pieces[-1]} {part}".lstrip()
        if len(joined) > LONGEST_RANGE and pieces[-1]:
            pieces.append(part)
        else:
            pieces[-1] = joined
    return pieces
