"""``tonerig doctor``: can this machine play live, and can these plugins be hosted?"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption

if TYPE_CHECKING:
    from ..plugins.check import PluginHealth

MARKS = {"good": "ok", "remark": "--", "fault": "!!"}


def doctor(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PLUGIN...]", help="With --plugins: their names, or paths of their .vst3; all without."
        ),
    ] = None,
    plugins: Annotated[
        bool, typer.Option("--plugins", help="Put plugins through what a host will do to them, instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say whether this machine can play live, what each model costs here, and what to change.

    A load of 100 % is all the time that a block lasts; leave some for the system.

    With --plugins, say how VST3 plugins do at all sample rates and block sizes, in mono and stereo, after a
    reset, with silence and NaN in, with their state saved and loaded, with every parameter at its ends, and
    how fast they are. Each is played in a process of its own. The exit code is 1 if one has a fault.
    """
    if plugins:
        _examine_plugins(names or (), as_json)
        return
    if names:
        raise typer.BadParameter(f"plugins are checked by: tonerig doctor --plugins {' '.join(names)}")
    _examine_machine(as_json)


def _examine_machine(as_json: bool) -> None:
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


def _examine_plugins(names: Sequence[str], as_json: bool) -> None:
    from ..plugins.check import check_all
    from ..plugins.scan import NONE, find, scan
    from .progress import FileProgress

    if names:
        wanted, left_alone = list(dict.fromkeys(map(find, names))), []
    else:
        found = scan()
        wanted, left_alone = found.plugins, found.left_alone
    with FileProgress([plugin.name for plugin in wanted]) as progress:
        healths = sorted(check_all(wanted, progress.update), key=lambda health: health.name.casefold())
    if as_json:
        rows = [_as_json(health) for health in healths]
        alone = [{"path": str(path), "reason": reason} for path, reason in left_alone]
        print(json.dumps({"plugins": rows, "left_alone": alone}, indent=2))
    else:
        _print_table(healths)
        for _, reason in left_alone:
            print(f"left alone: {reason}")
        if not healths and not left_alone:
            print(NONE)
    if any(health.verdict == "fault" for health in healths):
        raise typer.Exit(1)


def _print_table(healths: Sequence[PluginHealth]) -> None:
    """A line for each plugin, and below it what is to be known of it."""
    width = max((len(health.name) for health in healths), default=0)
    if healths:
        sizes = sorted({size for health in healths for size in health.speeds})
        print(f"{'':{width}}      times real time, frames at a time:")
        print(f"{'':{width}}            " + "".join(f"{size:10}" for size in sizes))
    for health in healths:
        speeds = "".join(f"{_times(health.speeds[size]):>10}" for size in sorted(health.speeds))
        print(f"{MARKS[health.verdict]}  {health.name:{width}}  {health.verdict:6}{speeds}".rstrip())
        for finding in health.findings:
            if finding.verdict != "good":
                print(f"      {finding.verdict:6}  {finding.check}: {finding.sentence}")


def _times(speed: float) -> str:
    """Three digits, without an exponent."""
    return f"{speed:.0f}" if speed >= 100 else f"{speed:.3g}"


def _as_json(health: PluginHealth) -> dict[str, object]:
    return {
        "name": health.name,
        "path": str(health.path),
        "verdict": health.verdict,
        "speeds": dict(health.speeds),
        "findings": [dataclasses.asdict(finding) for finding in health.findings],
    }
