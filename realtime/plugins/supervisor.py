"""Beside a live stream: give up workers that went wrong, and start others in their place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..engine.privileges import audio_priority
from ..processors.processor import Processor, everything
from .child import ENDING_S
from .errors import PluginError
from .hosted import Hosted
from .messages import GoneError
from .worker_process import WorkerProcess

RESTARTS = 3
"""Times a minute that a plugin is started again."""
MINUTE_S = 60.0
BELOW = 10
"""Steps of priority that a worker stays below the audio thread."""


@dataclass
class PluginReport:
    """What became of one worker: blocks that were due and late, restarts, whether it is off, whether the
    system gave it real-time priority, and samples that it owed and gave too late."""

    name: str
    blocks: int = 0
    late: int = 0
    restarts: int = 0
    off: bool = False
    realtime: bool = False
    owed: int = 0


@dataclass
class _Kept:
    """What is known of one worker's row."""

    report: PluginReport
    restarted: list[float] = field(default_factory=list)
    since: float | None = None  # when a new worker was ordered; None: it plays
    raised: bool = False  # whether its worker was given its priority


class Supervisor:
    """Watches the workers of the programs that play.

    Parameters
    ----------
    notify : is told in a sentence what happens
    restarts : times a minute that a plugin is started again; None: no limit
    """

    def __init__(self, notify: Callable[[str], None], restarts: int | None = RESTARTS) -> None:
        self._notify, self._restarts = notify, restarts
        self._kept: dict[Hosted, _Kept] = {}
        self._spare: WorkerProcess | None = None
        self._past: list[PluginReport] = []

    def look(self, chain: Sequence[Processor]) -> None:
        """Look after the workers of all processors that play; to be called every few tens of milliseconds."""
        now = time.monotonic()
        present: dict[Hosted, _Kept] = {}
        for hosted in _leaders(chain):
            if hosted in present:
                continue
            present[hosted] = self._kept.get(hosted) or _Kept(PluginReport(hosted.titles))
            self._look_after(hosted, present[hosted], now)
        self._past += [kept.report for hosted, kept in self._kept.items() if hosted not in present]
        self._kept = present
        if present and self._spare is None:
            with suppress(PluginError):  # the next look tries again
                self._spare = WorkerProcess()

    def reports(self) -> list[PluginReport]:
        """Of all workers so far."""
        return [*self._past, *(kept.report for kept in self._kept.values())]

    def close(self) -> None:
        """End all workers; nothing plays any more."""
        for hosted in self._kept:
            if hosted.hosting is not None:
                hosted.hosting.finalizer()
        if self._spare is not None:
            self._spare.kill()
            self._spare = None

    def _look_after(self, hosted: Hosted, kept: _Kept, now: float) -> None:
        hosting = hosted.hosting
        assert hosting is not None
        kept.report.blocks, kept.report.late = hosted.blocks
        owed = hosting["shortfall"]
        if owed and not kept.report.owed:
            self._notify(
                f"{hosting.name} gives its sound later than it said; zeros take the place of what lacks"
            )
        kept.report.owed = max(owed, kept.report.owed)
        if kept.report.off:
            return
        if not kept.raised and not hosting.loading:
            kept.raised = True
            priority = audio_priority()
            kept.report.realtime = (
                priority is not None and priority > BELOW and hosting.worker.raise_priority(priority - BELOW)
            )
        trouble = None if kept.since is None else self._welcome(hosted, kept, now)
        trouble = trouble or hosting.trouble(now)
        if trouble is None:
            return
        hosting.worker.kill()
        kept.restarted = [t for t in kept.restarted if now - t < MINUTE_S]
        if self._restarts is not None and len(kept.restarted) >= self._restarts:
            kept.report.off = True
            hosting.give_up(trouble)
            count = len(kept.restarted) + 1
            again = f", for the {_times(count)} within a minute" if count > 1 else ""
            self._notify(f"{hosting.name} {trouble}{again}; it stays off")
            return
        try:
            worker, self._spare = self._spare or WorkerProcess(), None
        except PluginError as error:
            kept.report.off = True
            hosting.give_up(trouble)
            self._notify(f"{hosting.name} {trouble}, and {error}; it stays off")
            return
        kept.restarted.append(now)
        kept.report.restarts += 1
        kept.since = now
        self._notify(f"{hosting.name} {trouble}; it is started again")
        hosting.orders = hosted.present_orders()
        try:
            hosting.replace(worker)
        except PluginError:
            return  # the next look finds that it has ended

    def _welcome(self, hosted: Hosted, kept: _Kept, now: float) -> str | None:
        """Take the answer of a worker that loads, if it is there; returns what is wrong with it."""
        hosting = hosted.hosting
        assert hosting is not None and kept.since is not None
        try:
            answer = hosting.worker.answer_so_far()
        except GoneError as gone:
            return hosting.worker.how_it_ended(ENDING_S) or f"could not be loaded again: {gone}"
        except PluginError as error:
            return f"could not be loaded again: {error}"
        if answer is None:
            late = now - kept.since > hosting.reload_s
            return f"was not loaded within {hosting.reload_s:.0f} s" if late else None
        hosting.loading = False
        hosted.tell_again()
        self._notify(f"{hosting.name} is back after {now - kept.since:.1f} s")
        kept.since, kept.raised = None, False
        return None


def _leaders(chain: Sequence[Processor]) -> Iterator[Hosted]:
    """The hosted processors of a chain that have a worker, those inside others too."""
    for processor in everything(chain):
        if isinstance(processor, Hosted) and processor.leads and processor.hosting is not None:
            yield processor


def _times(count: int) -> str:
    return {2: "second time", 3: "third time", 4: "fourth time"}.get(count, f"{count}th time")
