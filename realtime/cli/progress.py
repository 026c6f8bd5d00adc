"""What a person sees while they wait: progress bars, and the line about compiling."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from ..compiler.unit import Unit
    from ..presets import Preset


class FileProgress:
    """A bar for each file at work, on stderr where that is a terminal."""

    def __init__(self, names: Sequence[str], quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._names = names
        self._tasks: dict[int, TaskID] = {}

    def update(self, number: int, fraction: float) -> None:
        """File ``number`` (from 0) is done to this fraction."""
        if number not in self._tasks:
            self._tasks[number] = self._bars.add_task(self._names[number], total=1.0)
        self._bars.update(self._tasks[number], completed=fraction, visible=fraction < 1.0)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


def say_compiling(unit: Unit) -> None:
    """The line for a unit of code that is not in the cache yet."""
    arguments = json.loads(unit.arguments)
    words = [
        unit.module.split(".")[-1],
        *(str(arguments[key]) for key in ("cell", "kind") if key in arguments),
    ]
    print(f"compiling {' '.join(words)} (once; it is kept)", file=sys.stderr, flush=True)


def compile_for(preset: Preset) -> None:
    """Compile what the preset needs and the cache lacks, saying so; a preset's files are read for it."""
    from ..engine.program import compile_chain

    compile_chain(preset.build(), say_compiling)
