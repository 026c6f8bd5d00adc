"""A plugin's settings as a preset keeps them: every parameter's value, and its whole state beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..compiler.unit import compile_units
from .errors import PluginError
from .hosted import arrange
from .plugin import Plugin

RATE = 48000.0
BLOCK = 512


@dataclass(frozen=True)
class Captured:
    """What a preset says of a plugin.

    Attributes
    ----------
    plugin : its name
    values : of all its parameters, in their units
    raw_state : base64; None of one that keeps no state
    """

    plugin: str
    values: dict[str, float]
    raw_state: str | None


def capture(plugin: str, settings: Mapping[str, object], vstpreset: Path | None = None) -> Captured:
    """Load a plugin in a process of its own, apply settings, and see where it stands.

    Parameters
    ----------
    plugin : its name, or the path of its ``.vst3``
    settings : values of parameters, in their units; the others are the plugin's
    vstpreset : a file with a state, which comes before the settings

    Raises
    ------
    PluginError
        if it is not installed, is an instrument, cannot be loaded, or does not take ``vstpreset``.
    ParameterError
        for a parameter that it does not have, or a value out of its range.
    """
    kind = Plugin.variant({"plugin": plugin})
    if not issubclass(kind, Plugin):
        raise PluginError(str(kind.problem).partition(";")[0])
    asked = kind(settings, plugin=plugin, vstpreset=vstpreset)
    values, _ = _look(asked)
    # All values stated, as in the preset: what the plugin rounds is rounded in its state too.
    _, raw_state = _look(kind(values, plugin=plugin, vstpreset=vstpreset))
    own = {name: value for name, value in values.items() if name not in kind.fixed}
    return Captured(asked.plugin, own, raw_state)


def _look(plugin: Plugin) -> tuple[dict[str, float], str | None]:
    """A plugin's values and its state, once it is loaded.

    Raises
    ------
    PluginError
    """
    compile_units(plugin.units())
    arrange([plugin], 0)
    plugin.prepare(RATE, BLOCK, plugin.about.channels[0] if plugin.about.channels else 2)
    hosting = plugin.hosting
    if hosting is None:
        raise PluginError(str(plugin.problem).partition(";")[0])
    try:
        if hosting.notices:
            raise PluginError("; ".join(hosting.notices))
        return dict(plugin.values), hosting.request({"request": "state"})["raw_states"][0]
    finally:
        hosting.finalizer()
