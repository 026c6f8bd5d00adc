"""``tonerig bench``: what models cost, and whether the audio thread keeps its time."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import JsonOption


def bench(
    model: Annotated[
        list[Path] | None, typer.Option("--model", "-m", help="Measure this model file too; may be repeated.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long the audio thread runs beside busy Python threads; 0: not.")
    ] = 30.0,
    synth_seconds: Annotated[
        float, typer.Option(min=0, help="How long the synth runs in turn with Faust and synthax; 0: not.")
    ] = 15.0,
    as_json: JsonOption = False,
) -> None:
    """Measure what models and voices cost, and what the audio thread keeps up with while Python is busy.

    Run it alone on the machine. Times are medians, for blocks of 64 samples on one core.
    """
    from ..bench.models import model_cost
    from ..library import listing

    models = {path.stem: path for path in listing("models").values()}
    models |= {path.stem: path for path in model or ()}
    result: dict[str, Any] = {"models": {}, "synth": None, "gil": None}
    for name, path in models.items():
        print(f"measuring {name}", file=sys.stderr)
        cost = model_cost(path)
        result["models"][name] = {**asdict(cost), "ratio": cost.ratio}
    if synth_seconds > 0:
        from ..bench.synth import synth_cost

        print(f"measuring the synth, {synth_seconds:g} s after all is compiled", file=sys.stderr)
        result["synth"] = synth_cost(synth_seconds, lambda reason: print(reason, file=sys.stderr))
    if seconds > 0:
        from ..bench.gil import gil

        print(
            f"running the audio thread beside two busy Python threads, {seconds:g} s twice", file=sys.stderr
        )
        result["gil"] = gil(seconds)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        _table(result)


def _table(result: dict[str, Any]) -> None:
    print(f"{'model':<32} {'block':>9} {'onnxruntime':>12} {'ratio':>6}")
    for name, cost in result["models"].items():
        times = f"{cost['block_us']:6.1f} us {cost['onnxruntime_python_us']:9.1f} us {cost['ratio']:6.2f}"
        print(f"{name:<32} {times}")
    for part in ("synth", "gil"):
        for key, value in (result[part] or {}).items():
            print(f"{key.replace('_', ' ')}: {'not measured' if value is None else value}")
