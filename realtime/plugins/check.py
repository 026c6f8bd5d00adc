"""How well a plugin can be hosted: put through what a host will do to it, in processes of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from .check_process import CheckProcess, LostError
from .child import Children, side_by_side
from .description import PluginDescription, legible

Verdict: TypeAlias = Literal["good", "remark", "fault"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""The better ones first."""
CHECKS = (
    "loading",
    "rates",
    "blocks",
    "channels",
    "reset",
    "silence",
    "NaN",
    "state",
    "parameters",
    "latency",
    "speed",
)
FOR_EFFECTS = ("channels", "NaN", "latency")
"""What an instrument, which hears no sound, is not put through."""
AT_A_TIME = 2
"""Plugins."""
MAX_LOST = 3
"""Checks in a row that may be lost; what takes that many is not put through the others."""
MAX_SENTENCE = 400
MAX_FINDINGS = 20

Progress: TypeAlias = Callable[[int, float], None]
"""Told of a plugin, by its place, to which part it is done."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    check : its name, of `CHECKS`
    verdict : ``"good"``; ``"remark"``: something to know; ``"fault"``: something that a host cannot make good
    sentence : in words, without the plugin's name
    """

    check: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class PluginHealth:
    """How a plugin did.

    Parameters
    ----------
    name, path : the plugin's
    findings : at least one of each check, in order
    speeds : times real time that it runs on one core at 48 kHz in stereo, by frames of a block
    """

    name: str
    path: Path
    findings: tuple[Finding, ...]
    speeds: Mapping[int, float]

    @property
    def verdict(self) -> Verdict:
        """The worst one."""
        return max((finding.verdict for finding in self.findings), key=VERDICTS.index, default="good")


def check_all(
    plugins: Sequence[PluginDescription], progress: Progress = lambda place, part: None
) -> Iterator[PluginHealth]:
    """Check plugins, two at a time; the first ready first.

    Raises
    ------
    PluginError
        where the system has no means for it.
    """
    jobs = [
        partial(_check, plugin, {}, CHECKS, progress=partial(progress, place))
        for place, plugin in enumerate(plugins)
    ]
    yield from side_by_side(jobs, AT_A_TIME)


def check(
    plugin: PluginDescription, values: Mapping[str, float] | None = None, checks: Sequence[str] = CHECKS
) -> PluginHealth:
    """Check one plugin.

    Parameters
    ----------
    values : parameter values by name that it has from the start; others are its own
    checks : which ones

    Raises
    ------
    PluginError
        where the system has no means for it.
    """
    return _check(plugin, values or {}, checks, Children(), lambda part: None)


def _check(
    plugin: PluginDescription,
    values: Mapping[str, float],
    checks: Sequence[str],
    children: Children,
    progress: Callable[[float], None],
) -> PluginHealth:
    names = [name for name in checks if not (plugin.instrument and name in FOR_EFFECTS)]
    order = _order(plugin, values)
    findings: list[Finding] = []
    speeds: dict[int, float] = {}
    lost = 0
    for done, name in enumerate(names):
        progress(done / len(names))
        if lost == MAX_LOST:
            findings.append(Finding(name, "fault", f"was not tried after {lost} checks were lost in a row"))
            continue
        try:
            found, measured = _outcome(name, order, children)
        except LostError as error:
            lost += 1
            findings.append(Finding(name, "fault", str(error)))
        else:
            lost = 0
            findings += found
            speeds |= measured
        if name == "loading" and any(finding.verdict == "fault" for finding in findings):
            break
    progress(1.0)
    return PluginHealth(plugin.name, plugin.path, tuple(findings), speeds)


def _outcome(
    name: str, order: Mapping[str, Any], children: Children
) -> tuple[list[Finding], dict[int, float]]:
    """Findings and speeds of a check, from processes that a plugin lives in: nothing is taken on trust.

    Raises
    ------
    LostError
    """
    with children.start(CheckProcess) as process:
        answer = process.check(name, order)
    if answer.get("carried"):
        with children.start(CheckProcess) as process:
            answer = process.check(f"{name}, loaded", {**order, "carried": answer["carried"]})
    try:
        findings = [
            Finding(name, VERDICTS[VERDICTS.index(verdict)], legible(str(sentence), MAX_SENTENCE))
            for verdict, sentence in answer["findings"][:MAX_FINDINGS]
        ]
        speeds = {int(frames): float(speed) for frames, speed in answer["speeds"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise LostError("answered nonsense") from None
    return findings or [Finding(name, "good", "")], speeds


def _order(plugin: PluginDescription, values: Mapping[str, float]) -> dict[str, Any]:
    """What `inside.check_stand.Stand` has to know."""
    scales = [
        {
            "name": described.parameter.name,
            "minimum": described.parameter.minimum,
            "maximum": described.parameter.maximum,
            "default": values.get(described.parameter.name, described.parameter.default),
            "choice": bool(described.parameter.choices),
        }
        for described in plugin.parameters
    ]
    about = {"scales": scales, "channels": list(plugin.channels), "category": plugin.category}
    return {**plugin.order(values), **about}
