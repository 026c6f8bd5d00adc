"""What is known of a plugin without loading it: its parameters, channels, latency and tail."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..parameters import Parameter

MAX_PARAMETERS = 512
MAX_CHOICES = 128
MAX_STEPS = 128
MAX_TEXT = 100
MAX_UNIT = 20
MAX_LATENCY = 480_000
"""Samples; what reports more does not know what it says."""
RATE = 48_000
"""In Hz, at which latency and tail are measured."""

_PARAMETER_NAME = re.compile(r"[a-z0-9_]{1,200}")


def legible(text: str, length: int = MAX_TEXT) -> str:
    """A plugin's words with whatever a terminal might obey escaped, and no longer than ``length``."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:length])[:length]


class DescriptionError(ValueError):
    """A table that does not describe a plugin."""


@dataclass(frozen=True)
class PluginParameter:
    """A parameter of a plugin.

    Parameters
    ----------
    parameter : its name in presets, range, unit and default
    native : the plugin's own name for it
    index : its place in ``plugin._parameters``
    stepped : whether it jumps from one value to the next; others glide
    """

    parameter: Parameter
    native: str
    index: int
    stepped: bool


@dataclass(frozen=True)
class PluginDescription:
    """A plugin, as it described itself and as it was measured.

    Parameters
    ----------
    name, manufacturer, version, category : its own words
    path : the VST3 bundle, which may hold other plugins too
    instrument : whether it plays notes
    channels : how many of them an effect takes, 1 or 2 or both; nothing for an instrument
    latency : in samples, as it reports it at 48 kHz
    tail_s : how long it sounds on above -100 dBFS after noise (of an instrument: after a note) at its
        defaults; infinite where that is longer than measured, or forever
    parameters : those that one can turn
    left_out : how many more there are than `MAX_PARAMETERS`
    """

    name: str
    path: Path
    manufacturer: str
    version: str
    category: str
    instrument: bool
    channels: tuple[int, ...]
    latency: int
    tail_s: float
    parameters: tuple[PluginParameter, ...]
    left_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON; an infinite tail is ``None``."""
        return {
            "name": self.name,
            "path": str(self.path),
            "manufacturer": self.manufacturer,
            "version": self.version,
            "category": self.category,
            "instrument": self.instrument,
            "channels": list(self.channels),
            "latency": self.latency,
            "tail_s": self.tail_s if math.isfinite(self.tail_s) else None,
            "parameters": [_parameter_as_dict(parameter) for parameter in self.parameters],
            "left_out": self.left_out,
        }

    def order(
        self, values: Mapping[str, float], raw_state: str | None = None, vstpreset: Path | None = None
    ) -> dict[str, Any]:
        """What a worker needs to load it, see `inside.slot.Slot`.

        Parameters
        ----------
        values : of parameters by name, in their units; others are the plugin's
        raw_state : its whole state, base64
        vstpreset : a file with its whole state
        """
        return {
            "kind": "vst3",
            "path": str(self.path),
            "name": self.name,
            "instrument": self.instrument,
            "parameters": [{"name": part.parameter.name, "index": part.index} for part in self.parameters],
            "values": dict(values),
            "raw_state": raw_state,
            "vstpreset": None if vstpreset is None else str(vstpreset),
        }

    @classmethod
    def from_dict(cls, table: Any) -> PluginDescription:
        """From what `as_dict` gave.

        The table comes from a process that a plugin lives in, so nothing in it is taken on trust.

        Raises
        ------
        DescriptionError
        """
        tail = _take(table, "tail_s", lambda x: x is None or (_is_number(x) and 0 <= x <= 1e6))
        return cls(
            name=_take(table, "name", lambda x: _is_text(x) and x.strip() != ""),
            path=Path(_take(table, "path", lambda x: isinstance(x, str) and 0 < len(x) <= 4096)),
            manufacturer=_take(table, "manufacturer", _is_text),
            version=_take(table, "version", _is_text),
            category=_take(table, "category", _is_text),
            instrument=_take(table, "instrument", lambda x: isinstance(x, bool)),
            channels=tuple(_take(table, "channels", lambda x: x in ([], [1], [2], [1, 2]))),
            latency=_take(table, "latency", lambda x: _is_count(x, MAX_LATENCY)),
            tail_s=math.inf if tail is None else float(tail),
            parameters=_parameters(_take(table, "parameters", lambda x: isinstance(x, list))),
            left_out=_take(table, "left_out", lambda x: _is_count(x, 10**6)),
        )


def _parameter_as_dict(described: PluginParameter) -> dict[str, Any]:
    parameter = described.parameter
    return {
        "name": parameter.name,
        "native": described.native,
        "index": described.index,
        "stepped": described.stepped,
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "default": parameter.default,
        "unit": parameter.unit,
        "curve": parameter.curve,
        "choices": list(parameter.choices),
    }


def _parameters(tables: list[Any]) -> tuple[PluginParameter, ...]:
    if len(tables) > MAX_PARAMETERS:
        raise DescriptionError(f"parameters has {len(tables)} entries, expected at most {MAX_PARAMETERS}")
    found = tuple(map(_parameter, tables))
    if len({described.parameter.name for described in found}) < len(found):
        raise DescriptionError("two parameters have one name")
    return found


def _parameter(table: Any) -> PluginParameter:
    choices = _take(table, "choices", lambda x: isinstance(x, list) and len(x) <= MAX_CHOICES)
    if not all(_is_text(choice) for choice in choices) or len(set(choices)) < len(choices):
        raise DescriptionError("choices are not texts, each its own")
    try:
        parameter = Parameter(
            _take(table, "name", lambda x: isinstance(x, str) and _PARAMETER_NAME.fullmatch(x) is not None),
            _take(table, "minimum", _is_number),
            _take(table, "maximum", _is_number),
            _take(table, "default", _is_number),
            unit=_take(table, "unit", lambda x: _is_text(x) and len(x) <= MAX_UNIT),
            curve=_take(table, "curve", lambda x: x in ("linear", "logarithmic")),
            choices=tuple(choices),
            levels=len(choices),
        )
    except DescriptionError:
        raise
    except ValueError as error:
        raise DescriptionError(str(error)) from None
    if choices and (parameter.minimum, parameter.maximum) != (0, len(choices) - 1):
        raise DescriptionError(f"{parameter.name}: a switch's range is its positions")
    return PluginParameter(
        parameter,
        _take(table, "native", _is_text),
        _take(table, "index", lambda x: _is_count(x, 10**6)),
        _take(table, "stepped", lambda x: isinstance(x, bool)),
    )


def _take(table: Any, key: str, fits: Callable[[Any], bool]) -> Any:
    """What a table holds under a key.

    Raises
    ------
    DescriptionError
    """
    if not isinstance(table, Mapping) or key not in table:
        raise DescriptionError(f"{key} is missing")
    value = table[key]
    if not fits(value):
        raise DescriptionError(f"{key} is {value!r:.60}")
    return value


def _is_text(value: Any) -> bool:
    """A line that can be printed."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e30


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
