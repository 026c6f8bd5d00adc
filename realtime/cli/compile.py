"""``tonerig compile``: the code of all presets of the library, built before it is needed."""

from __future__ import annotations

import time


def compile() -> None:
    """Compile the code that the library's presets and models need, so that nothing waits for it later.

    What is compiled is kept until the program, its libraries or the processor change.
    """
    from ..compiler.unit import is_cached
    from ..engine.program import ENGINE_UNIT, compile_chain
    from ..library import listing
    from ..presets import load_preset, model_preset
    from .progress import say_compiling

    started = time.monotonic()
    presets = [load_preset(path) for path in listing("chains").values()]
    presets += [model_preset(path) for path in listing("models").values()]
    chain = [processor for preset in presets for processor in preset.build()]
    units = {ENGINE_UNIT, *(unit for processor in chain for unit in processor.units())}
    missing = sum(not is_cached(unit) for unit in units)
    compile_chain(chain, say_compiling)
    print(
        f"{len(units)} units of code are ready; {missing} were compiled now"
        + (f" in {time.monotonic() - started:.0f} s" if missing else "")
    )
