"""A processor whose sound is made in a worker process: VST3 plugins and pedalboard's effects."""

from __future__ import annotations

import ctypes
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import State
from ..compiler.unit import Unit, load
from ..parameters import Parameter
from ..processors.processor import Processor
from ..synths.played import Played
from .errors import WIRE, PluginError
from .hosting import Hosting, Stream, c_library
from .layout import EXCHANGE, FADE_S, HOLD_S
from .worker_process import WorkerProcess

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
CHAIN, SILENCE = 1, 1


class Hosted(Processor):
    """A plugin in a worker process.

    Parameters
    ----------
    values : parameter values by name; the plugin's own say what the others are, once it is prepared
    others : of the other classes that it is one of

    Attributes
    ----------
    hosting : the worker's, after `prepare`; None where it could not be loaded: then it is a wire, and
        ``problem`` says why
    """

    fixed: ClassVar[tuple[str, ...]] = tuple(parameter.name for parameter in HOSTING)
    instrument: ClassVar[bool] = False
    without: ClassVar[str] = WIRE
    """What comes of its place where it cannot be loaded, see `errors`."""
    at_once = False

    def __init__(self, values: Mapping[str, object] | None = None, **others: Any) -> None:
        super().__init__(values, **others)
        self.stated = frozenset(values or ())
        self.turned = tuple(p for p in self.parameters if p.name not in self.fixed)
        self.hosting: Hosting | None = None
        self._followers: list[Hosted] | None = []  # in the same worker; None: it follows another itself
        self._worker: WorkerProcess | None = None
        self._first = 0  # of its parameters among all that the worker turns

    @property
    def _members(self) -> list[Hosted]:
        """The plugins of its worker, where it leads them."""
        return [] if self._followers is None else [self, *self._followers]

    @abstractmethod
    def order(self) -> dict[str, Any]:
        """What the worker needs to load it, see `slot.Slot`."""

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.name

    def units(self) -> tuple[Unit, ...]:
        return (Unit.of("plugins.exchange"),)

    def start(self) -> None:
        """Begin to start its worker, so that several start side by side; `prepare` waits for it."""
        if self._worker is None and self.leads and self.problem is None:
            self._worker = WorkerProcess()

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        self.outputs, self.latency = channels, 0
        if self.leads and self.problem is None:
            stream = Stream(rate, max_block, 0 if self.instrument else channels, self.period)
            try:
                self._host(stream)
            except PluginError as error:
                self.problem = f"{error}{self.without}"
        self.state = self.make_state(rate, max_block, channels)
        self._set_goals()
        self.state.seal()
        self.code = load(self.units()[0])["process"]

    def _host(self, stream: Stream) -> None:
        members, worker, self._worker = self._members, self._worker, None
        titles = [member.title for member in members]
        self.hosting = Hosting(titles, [member.order() for member in members], stream, worker)
        self.outputs = 2 if self.instrument else self.hosting.outputs
        self.notices = self.hosting.notices
        first = 0
        for member, values in zip(members, self.hosting.values, strict=True):
            member.hosting, member._first = self.hosting, first
            first += len(member.turned)
            for parameter, value in zip(member.turned, values, strict=True):
                if parameter.name not in member.stated:
                    member.values[parameter.name] = value

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        fixed = [p for p in self.parameters if p.name in self.fixed]
        fields = [(p.name, "f4") for p in (*self.turned, *fixed)]
        dtype = np.dtype([("exchange", EXCHANGE), *fields], align=True)
        state = State(dtype)
        self._sent = np.zeros(max(1, len(self.turned)), np.float32)
        record = state.record["exchange"]
        hosting = self.hosting
        record["member"] = not self.leads or hosting is None
        if hosting is None:
            return state
        for part in ("header", "blocks", "turns", "events", "input", "output"):
            record[part] = hosting.address_of(part)
        record["sent"] = self._sent.ctypes.data
        if self.turned:
            record["goals"] = state.field_address(self.turned[0].name)
        record["turn_count"], record["turn_origin"] = len(self.turned), self._first
        c = c_library()
        record["post"] = ctypes.cast(c.sem_post, ctypes.c_void_p).value
        record["wait"] = ctypes.cast(c.sem_wait, ctypes.c_void_p).value
        record["capacity"], record["inputs"] = hosting.capacity, hosting.stream.channels
        record["outputs"] = hosting.outputs
        record["waits"] = hosting.stream.waits
        # Offline the worker is a block behind, so that both sides are busy, unless it has to be at once.
        waited_for = hosting.stream.waits and (self.at_once or self.instrument)
        record["block"] = 0 if waited_for else hosting.stream.block
        record["period"] = 0 if waited_for else self.period or max_block
        record["delay"] = hosting.latency
        record["silent"] = self.instrument or self.values["late"] == SILENCE
        record["fade_step"] = 1.0 / (FADE_S * rate)
        record["decay"] = math.exp(-1.0 / (HOLD_S * rate))
        if self.leads and not self.instrument:
            self.latency = int(record["period"]) + hosting.latency
        return state

    def _set_goals(self) -> None:
        for name, value in self.values.items():
            self.state.record[name] = value
        for k, parameter in enumerate(self.turned):
            self._sent[k] = self.values[parameter.name]

    def reset(self) -> None:
        if self.leads and self.hosting is not None:
            self._reset_worker(self.hosting)
        self.state.reset()
        self._set_goals()

    def _reset_worker(self, hosting: Hosting) -> None:
        values = [[m.values[p.name] for p in m.turned] for m in self._members]
        try:
            hosting.request({"request": "reset", "values": values})
        except PluginError:
            if self.period == 0:
                raise
            hosting.worker.kill()  # live, the supervisor starts another one

    def tell_again(self) -> None:
        """Let the audio thread send every parameter's value: a new worker may have missed a turn."""
        for member in self._members:
            member._sent[:] = np.nan

    @property
    def blocks(self) -> tuple[int, int]:
        """Blocks that were due, and those of them that were late."""
        record = self.state.record["exchange"]
        return int(record["blocks_due"]), int(record["blocks_late"])

    def present_orders(self) -> list[dict[str, Any]]:
        """What a new worker needs to go on where this one is: the values are those that are heard now."""
        orders = []
        for member in self._members:
            now = {p.name: float(member.state.record[p.name]) for p in member.turned}
            orders.append({**member.order(), "values": now})
        return orders

    def check(self) -> None:
        """Offline: that it still does its work.

        Raises
        ------
        PluginError
        """
        if self.hosting is not None and self.hosting.failure is not None:
            raise PluginError(f"{self.hosting.name} {self.hosting.failure}")

    @property
    def titles(self) -> str:
        """What a person calls the plugins of its worker."""
        return ", ".join(member.title for member in self._members)

    @property
    def leads(self) -> bool:
        """Whether the worker is its own, or it is the first of those that share one."""
        return self._followers is not None

    def share_with(self, others: Sequence[Hosted]) -> None:
        """Host others in the same worker, after it; they are wires from then on."""
        self._followers = list(others)
        for other in others:
            other._followers = None


def arrange(chain: Sequence[Processor], period: int, at_once: bool = False) -> None:
    """Before a chain is prepared: say how it will be called, put neighbours together, start all workers.

    Parameters
    ----------
    period : frames that a device asks for at a time; 0: offline
    at_once : offline, whether each block is waited for, as in a patch, whose notes have no latency
    """
    for processor in chain:
        for name in processor.chains:
            arrange(getattr(processor, name), period, at_once or isinstance(processor, Played))
    hosted = [processor for processor in chain if isinstance(processor, Hosted)]
    for processor in hosted:
        processor.period, processor.at_once = period, at_once
    for together, neighbours in groupby(chain, _shares):
        if together:
            first, *others = (part for part in neighbours if isinstance(part, Hosted))
            first.share_with(others)
    for processor in hosted:
        processor.start()


def _shares(processor: Processor) -> bool:
    """Whether it wants one worker with its neighbours."""
    return isinstance(processor, Hosted) and not processor.instrument and processor.values["isolate"] == CHAIN
