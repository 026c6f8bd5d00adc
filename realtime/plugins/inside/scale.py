"""One parameter of a loaded plugin: what it says of its positions, and both conversions.

A VST3 parameter is a position from 0 to 1, ``raw``, and a text for each position. What is a number, in which
unit, and which position a value means is found as pedalboard does it
(https://github.com/spotify/pedalboard, ``_pedalboard.py``: ``AudioProcessorParameter``), so that a preset
gives what ``plugin.NAME = value`` gives; but no knob is turned to learn what it says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from pedalboard._pedalboard import TRUE_BOOLEANS, strip_common_float_suffixes

from ...parameters import Curve, Parameter
from ..description import MAX_CHOICES, MAX_STEPS, MAX_UNIT, legible

POSITIONS = 1000
"""Steps in which the positions are read, as in pedalboard."""

_SWITCH = ("off", "on")
_WITH_UNIT = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*(\D{0,20}?)\s*", re.ASCII)


class NoChoiceError(ValueError):
    """A parameter that has one position."""


class Run(NamedTuple):
    """Neighbouring positions with one text, from ``low`` up to ``high``."""

    text: str
    low: float
    high: float


class Scale:
    """A parameter's positions and values.

    A value is the number that the plugin shows, in its unit; of texts that are no numbers the place in their
    order; and the position itself where there are too many of them, or none. An infinite one (``-inf dB``)
    counts as the least finite one, and is set by the plugin's state alone.

    Parameters
    ----------
    native : a member of ``plugin._parameters``; the plugin and that list are to outlive this
    name : its name in presets

    Raises
    ------
    NoChoiceError

    Attributes
    ----------
    parameter : what it is; the default is the value that it has now
    stepped : whether it jumps from one value to the next; others glide
    """

    def __init__(self, native: Any, name: str) -> None:
        self._native = native
        runs = _runs([native.get_text_for_raw_value(k / POSITIONS) or "" for k in range(POSITIONS + 1)])
        texts = list(dict.fromkeys(run.text for run in runs))
        few = 1 < native.num_steps <= MAX_STEPS
        self.stepped = few or 1 < len(texts) <= MAX_STEPS
        if len(texts) == 1 and texts[0].strip() and _number(texts[0]) is None and not few:
            raise NoChoiceError(f"{name} is always {legible(texts[0])}")

        choices = _choices(texts)
        self._number_of: Callable[[str], float | None] = _number
        self._tells_text = False
        limits = _limits(list(map(_number, texts)))
        if limits == (0.0, 1.0) and len(texts) == 2:
            choices = _SWITCH
        elif limits is not None:
            choices = ()
        elif limits := _limits(list(map(_number_with_unit, texts))):
            self._number_of, self._tells_text, choices = _number_with_unit, True, ()
        elif choices:
            self._number_of, self._tells_text = {text: float(k) for k, text in enumerate(texts)}.get, True
            limits = 0.0, len(texts) - 1.0
        self._is_position = limits is None
        self._lowest, self._highest = limits or (0.0, 1.0)
        self._is_boolean = (
            self._tells_text and len(runs) == 2 and any(t.lower() in TRUE_BOOLEANS for t in texts)
        )

        self._runs = [] if self._is_position else runs
        by_value = {number: run for run in self._runs if (number := self._number_of(run.text)) is not None}
        self._values = np.array(list(by_value))
        self._targets = list(by_value.values())
        unit = "" if choices else str(native.label or "").strip() or _common_unit(texts)
        self.parameter = Parameter(
            name,
            self._lowest,
            self._highest,
            self.value(float(native.raw_value)),
            unit=legible(unit, MAX_UNIT),
            curve="linear" if self.stepped else self._curve(),
            choices=choices,
            levels=len(choices),
        )

    def raw(self, value: float) -> float:
        """The position for a value in the range: the one that pedalboard's ``plugin.NAME = value`` sets."""
        if self._is_position:
            return value
        nearest = int(np.argmin(np.abs(self._values - value)))
        if self._is_boolean:
            return float(nearest)
        text, low, high = self._targets[nearest]
        answer = self._native.get_raw_value_for_text(text if self._tells_text else str(float(value)))
        return answer if low <= answer <= high else low  # some plugins cannot read what they write

    def value(self, raw: float) -> float:
        """The value at a position, 0 to 1."""
        if self._is_position:
            return min(1.0, max(0.0, raw))
        number = self._number_of(self._native.get_text_for_raw_value(raw) or "")
        if number is None:  # a text that it has not shown before
            run = max(
                (run for run in self._runs if run.low <= raw), default=self._runs[0], key=lambda r: r.low
            )
            number = self._number_of(run.text) or 0.0
        return min(self._highest, max(self._lowest, number))

    def _curve(self) -> Curve:
        """Whether three positions between are nearer to a logarithmic range than to a linear one."""
        if self._lowest <= 0:
            return "linear"
        octaves = math.log(self._highest / self._lowest)
        linear = logarithmic = 0.0
        for raw in (0.25, 0.5, 0.75):
            value = self.value(raw)
            linear = max(linear, abs((value - self._lowest) / (self._highest - self._lowest) - raw))
            logarithmic = max(logarithmic, abs(math.log(value / self._lowest) / octaves - raw))
        return "logarithmic" if logarithmic < linear else "linear"


def _runs(texts: Sequence[str]) -> list[Run]:
    starts = [next(group) for _, group in groupby(range(len(texts)), key=texts.__getitem__)]
    ends = [start / POSITIONS for start in starts[1:]] + [1.0]
    return [Run(texts[start], start / POSITIONS, end) for start, end in zip(starts, ends, strict=True)]


def _number(text: str) -> float | None:
    """The number in a text, as pedalboard reads it; None if it is none."""
    try:
        number = float(text)
    except ValueError:
        try:
            number = float(strip_common_float_suffixes(text))
        except ValueError:
            return None
    return None if math.isnan(number) else number


def _number_with_unit(text: str) -> float | None:
    """The number in front of a unit that pedalboard does not know."""
    found = _WITH_UNIT.fullmatch(text)
    return float(found[1]) if found else None


def _limits(numbers: Sequence[float | None]) -> tuple[float, float] | None:
    """The least and greatest finite number, where all are numbers and there are two."""
    finite = [number for number in numbers if number is not None and math.isfinite(number)]
    if None in numbers or len(set(finite)) < 2:
        return None
    return min(finite) + 0.0, max(finite) + 0.0  # no minus before a zero


def _common_unit(texts: Sequence[str]) -> str:
    """What stands behind the numbers of all texts: ``"st"``; of Hz and kHz what pedalboard counts in."""
    units = {found[2] for text in texts if (found := _WITH_UNIT.fullmatch(text))}
    units = {"Hz" if unit.lower() in ("hz", "khz") else unit for unit in units}
    return units.pop() if len(units) == 1 else ""


def _choices(texts: Sequence[str]) -> tuple[str, ...]:
    """Names for the positions of a switch, each its own; none where there are too many."""
    if not 1 < len(texts) <= MAX_CHOICES:
        return ()
    names = [legible(text.strip()) or f"{k}" for k, text in enumerate(texts)]
    return tuple(names) if len(set(names)) == len(names) else ()
