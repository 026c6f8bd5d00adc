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
from .hosted import HOSTING, Hosted

STATE = np.dtype([(parameter.name, "f4") for parameter in HOSTING], align=True)


class Missing(Processor):
    """A wire.

    Parameters
    ----------
    values : the plugin's parameters too, of which nothing is known
    plugin, raw_state, vstpreset : as of `plugin.Plugin`

    Attributes
    ----------
    plugin : the name or path under which the preset knows it
    """

    name = "plugin"
    description = "a plugin that is not there"
    parameters = HOSTING
    fixed = Hosted.fixed
    texts: ClassVar[tuple[str, ...]] = ("plugin", "raw_state")
    optional_files: ClassVar[tuple[str, ...]] = ("vstpreset",)

    def __init__(
        self,
        values: Mapping[str, object] | None = None,
        *,
        plugin: str,
        raw_state: str | None = None,
        vstpreset: Path | None = None,
    ) -> None:
        known = {parameter.name for parameter in self.parameters}
        super().__init__({name: value for name, value in (values or {}).items() if name in known})
        self.plugin = plugin

    @classmethod
    def parameter(cls, name: str) -> Parameter:
        for parameter in cls.parameters:
            if parameter.name == name:
                return parameter
        raise ParameterError(f"{name} cannot be set: {cls.problem}")

    def units(self) -> tuple[Unit, ...]:
        return (Unit.of("plugins.missing"),)  # of a class that is made for one plugin too

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        return State(STATE)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function
    from ..compiler.memory import copy_bytes

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        for c in range(context.channels):
            copy_bytes(target + 4 * context.stride * c, source + 4 * context.stride * c, 4 * frames)

    return {"process": process}
