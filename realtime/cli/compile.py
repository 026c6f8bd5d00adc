"""``tonerig compile``: the code of all presets of the library, built before it is needed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..processors.processor import Processor


def compile() -> None:
    """Compile the code that the library's presets, patches and models need, so that nothing waits for it.

    What is compiled is kept until the program, its libraries or the processor change.
    """
    from ..compiler.unit import is_cached
    from ..engine.program import ENGINE_UNIT, compile_chain
    from ..library import listing
    from ..patches import load_patch
    from ..presets import load_preset, model_preset
    from .progress import say_compiling

    started = time.monotonic()
    chain: list[Processor] = []
    readers: dict[str, Callable[[Path], Sequence[Processor]]] = {
        "chains": lambda path: load_preset(path).build(),
        "models": lambda path: model_preset(path).build(),
        "patches": lambda path: [load_patch(path).build()],
    }
    for folder, read in readers.items():
        for path in listing(folder).values():
            try:
                chain += read(path)
            except ValueError as error:
                print(f"left out: {error}", file=sys.stderr)
    units = {ENGINE_UNIT, *(unit for processor in chain for unit in processor.units())}
    missing = sum(not is_cached(unit) for unit in units)
    compile_chain(chain, say_compiling)
    print(
        f"{len(units)} units of code are ready; {missing} were compiled now"
        + (f" in {time.monotonic() - started:.0f} s" if missing else "")
    )
