"""In the place of a plugin that is not installed: a wire, which keeps what the preset says of the plugin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import State
from ..compiler.unit import Unit
from ..parameters import Parameter, ParameterError
from ..processors.processor import Processor
from .errors import PluginError
from .hosted import HOSTING, Hosted
from .instrument import HostedInstrument

STATE = np.dtype([(parameter.name, "f4") for parameter in HOSTING], align=True)


class Absent(Processor):
    """What stands for a plugin of which nothing is known.

    Parameters
    ----------
    values : the plugin's parameters too; those that it does not know itself are left out
    plugin, raw_state, vstpreset : as of `plugin.Described`
    others : of the other classes that it is one of

    Attributes
    ----------
    plugin : the name or path under which the preset knows it
    """

    texts: ClassVar[tuple[str, ...]] = ("plugin", "raw_state")
    optional_files: ClassVar[tuple[str, ...]] = ("vstpreset",)

    def __init__(
        self,
        values: Mapping[str, object] | None = None,
        *,
        plugin: str,
        raw_state: str | None = None,
        vstpreset: Path | None = None,
        **others: Any,
    ) -> None:
        known = {parameter.name for parameter in self.parameters}
        super().__init__({name: value for name, value in (values or {}).items() if name in known}, **others)
        self.plugin = plugin

    @classmethod
    def parameter(cls, name: str) -> Parameter:
        for parameter in cls.parameters:
            if parameter.name == name:
                return parameter
        raise ParameterError(f"{name} cannot be set: {cls.problem}")


class Missing(Absent):
    """A wire in the place of an effect."""

    name = "plugin"
    description = "a plugin that is not there"
    parameters = HOSTING
    fixed = Hosted.fixed

    def units(self) -> tuple[Unit, ...]:
        return (Unit.of("plugins.missing"),)  # of a class that is made for one plugin too

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


class MissingInstrument(Absent, HostedInstrument):
    """An instrument that plays nothing; what comes in passes through."""

    name = "instrument"
    description = "an instrument that is not there"

    def order(self) -> dict[str, Any]:
        raise PluginError(str(self.problem))


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function
    from ..compiler.memory import copy_bytes

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        for c in range(context.channels):
            copy_bytes(target + 4 * context.stride * c, source + 4 * context.stride * c, 4 * frames)

    return {"process": process}
