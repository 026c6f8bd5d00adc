"""Play through a chain of processors, live or offline: presets, programs, the engine and its devices.

    program = Program(load_preset("crunch").build(), rate=48000, max_block=1024, inputs=1)
    wet = Runner(program).process(dry)  # (channels, frames)

Everything here is loaded when it is first used; none of it needs torch or, once compiled, numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.control import Engine
    from .engine.program import Program
    from .engine.runner import Runner
    from .live import Report, Session, Setup
    from .parameters import Parameter, ParameterError
    from .presets import Preset, PresetError, load_preset, save_preset
    from .processors.processor import Processor

__all__ = [
    "Engine",
    "Parameter",
    "ParameterError",
    "Preset",
    "PresetError",
    "Processor",
    "Program",
    "Report",
    "Runner",
    "Session",
    "Setup",
    "load_preset",
    "save_preset",
]

_HOMES = {
    "engine.control": ("Engine",),
    "engine.program": ("Program",),
    "engine.runner": ("Runner",),
    "live": ("Report", "Session", "Setup"),
    "parameters": ("Parameter", "ParameterError"),
    "presets": ("Preset", "PresetError", "load_preset", "save_preset"),
    "processors.processor": ("Processor",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{home}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
