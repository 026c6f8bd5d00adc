"""``tonerig doctor``: can this machine play live?"""

from __future__ import annotations

import dataclasses
import json
import sys

from .options import JsonOption


def doctor(as_json: JsonOption = False) -> None:
    """Say whether this machine can play live, what each model costs here, and what to change.

    A load of 100 % is all the time that a block lasts; leave some for the system.
    """
    from ..doctor import BLOCKS, RATE, examine, model_loads, verdict

    def say(name: str) -> None:
        print(f"measuring {name}", file=sys.stderr)

    checks = examine()
    loads = model_loads(on_model=say)
    sentence = verdict(checks, loads)
    if as_json:
        print(
            json.dumps(
                {
                    "verdict": sentence,
                    "checks": [dataclasses.asdict(check) for check in checks],
                    "loads": {load.model: load.loads for load in loads if not load.problem},
                    "problems": {load.model: load.problem for load in loads if load.problem},
                },
                indent=2,
            )
        )
        return
    for check in checks:
        print(f"{'ok' if check.good else '!!'}  {check.name:20} {check.found}")
        if check.advice:
            print(f"{'':24} → {check.advice}")
    if loads:
        width = max(len(load.model) for load in loads)
        print(f"\nLoad at {RATE / 1000:g} kHz, frames at a time:")
        print(f"{'':{width}}" + "".join(f"{block:>8}" for block in BLOCKS))
        for load in loads:
            if load.problem:
                print(f"{load.model:{width}}  cannot be played: {load.problem}")
                continue
            row = "".join(f"{100 * load.loads[block]:6.1f} %" for block in BLOCKS)
            print(f"{load.model:{width}}{row}")
    print(f"\n{sentence}")
