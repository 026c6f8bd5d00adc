"""Rendering of many sounds on several threads: a part of them at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .layout import LANES

AT_ONCE = 4 * LANES
"""Sounds that one call renders."""


def in_parts(sounds: int, render: Callable[[int, int], None], threads: int | None = None) -> None:
    """Call ``render(first, count)`` for parts of so many sounds.

    Parameters
    ----------
    threads : how many; as many as there are cores by default
    """
    starts = range(0, sounds, AT_ONCE)
    count = threads or os.cpu_count() or 1

    def part(first: int) -> None:
        render(first, min(AT_ONCE, sounds - first))

    if count == 1 or len(starts) <= 1:
        for first in starts:
            part(first)
    else:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(part, starts))
