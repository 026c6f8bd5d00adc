"""A processor whose sound is made in a worker process: the base of VST3 plugins and of pedalboard's effects."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from ..compiler.layout import State
from ..parameters import Parameter
from ..processors.processor import Processor

HOSTING = (
    Parameter.switch(
        "isolate",
        "plugin",
        "chain",
        default="plugin",
        description="a process of its own, or one shared with neighbours that say so too: less latency",
    ),
    Parameter.switch(
        "late",
        "dry",
        "silence",
        default="dry",
        description="what is heard while the plugin gives nothing",
    ),
)
"""Parameters of every hosted processor, read when it is prepared."""


class Hosted(Processor):
    """A plugin in a worker process."""

    fixed: ClassVar[tuple[str, ...]] = tuple(parameter.name for parameter in HOSTING)
    instrument: bool = False

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        super().__init__(values)
        self.stated = frozenset(values or ())

    @abstractmethod
    def order(self) -> dict[str, Any]:
        """What the worker needs to load it, see `slot.Slot`."""

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        raise RuntimeError("prepare starts the worker")
