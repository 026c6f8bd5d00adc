"""A plugin's settings as a preset keeps them: every parameter's value, and its whole state beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler.unit import Unit
from ..engine.program import Program, compile_chain
from ..engine.runner import Runner
from ..parameters import Parameter
from .errors import PluginError, reason
from .plugin import Described, Instrument, Plugin
from .scan import find

RATE = 48000.0
BLOCK = 512


@dataclass(frozen=True)
class Captured:
    """What a preset says of a plugin.

    Attributes
    ----------
    plugin : its name
    instrument : whether notes play it
    values : of all its parameters, in their units
    raw_state : base64; None of one that keeps no state
    """

    plugin: str
    instrument: bool
    values: dict[str, float]
    raw_state: str | None


def capture(
    plugin: str,
    settings: Mapping[str, object],
    vstpreset: Path | None = None,
    on_unit: Callable[[Unit], None] | None = None,
) -> Captured:
    """Load a plugin in a process of its own, apply settings, and see where it stands.

    Parameters
    ----------
    plugin : its name, or the path of its ``.vst3``
    settings : values of parameters, in their units; the others are the plugin's
    vstpreset : a file with a state, which comes before the settings
    on_unit : told each unit of code that is not in the cache yet, before it is compiled

    Raises
    ------
    PluginError
        if it is not installed, cannot be loaded, or does not take ``vstpreset``.
    ParameterError
        for a parameter that it does not have, or a value out of its range.
    """
    about = find(plugin)
    kind: Any = (Instrument if about.instrument else Plugin).variant({"plugin": plugin})
    first = kind(settings, vstpreset=vstpreset)
    compile_chain([first], on_unit)
    values, _ = _look(first)
    values = {name: _rounded(first.parameter(name), value) for name, value in values.items()}
    # All values stated, as in the preset: what the plugin rounds is rounded in its state too.
    _, raw_state = _look(kind(values, vstpreset=vstpreset))
    own = {name: value for name, value in values.items() if name not in kind.fixed}
    return Captured(about.name, about.instrument, own, raw_state)


def _rounded(parameter: Parameter, value: float) -> float:
    """A value without the last digits, which come from the plugin's own rounding: 1e-06 dB is 0 dB."""
    digits = 6 - math.floor(math.log10(parameter.maximum - parameter.minimum))
    short = round(value, digits)
    return short if parameter.minimum <= short <= parameter.maximum else value


def _look(plugin: Described) -> tuple[dict[str, float], str | None]:
    """A plugin's values and its state, once it is loaded and has played a moment of silence.

    Raises
    ------
    PluginError
    """
    channels = 1 if plugin.instrument else plugin.about.channels[0]
    program = Program([plugin], RATE, BLOCK, channels)
    hosting = plugin.hosting
    if hosting is None:
        raise PluginError(reason(plugin.problem))
    try:
        if hosting.notices:
            raise PluginError(hosting.notices[0].partition(";")[0])
        # Some plugins hear of a parameter only when they play.
        Runner(program).process(np.zeros((channels, 4 * BLOCK), np.float32))
        return dict(plugin.values), hosting.request({"request": "state"})["raw_states"][0]
    finally:
        hosting.finalizer()
