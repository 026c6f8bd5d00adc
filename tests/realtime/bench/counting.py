"""A module that `one_core.Worker` can run: counts, names its cores, and fails when told to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tonerig.realtime.bench.one_core import Measure, serve


def prepare(setup: Mapping[str, Any]) -> Measure:
    """Count up from ``start``; the measurement that reaches ``limit`` fails."""
    print("a library that prints")
    count = int(setup["start"])

    def measure() -> dict[str, float]:
        nonlocal count
        count += 1
        if count == setup["limit"]:
            raise ValueError(f"{count} is too much")
        return {"count": count, "cores": len(os.sched_getaffinity(0)), "process": os.getpid()}

    return measure


if __name__ == "__main__":
    serve(prepare)
