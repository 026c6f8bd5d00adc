"""Every processor by the name that presets use; a processor's module is imported when it is asked for."""

from __future__ import annotations

import importlib
from functools import cache

from .processor import Processor

PROCESSORS = {
    "cabinet": "cabinet:Cabinet",
    "compressor": "compressor:Compressor",
    "dc_blocker": "dc_blocker:DcBlocker",
    "delay": "delay:Delay",
    "equalizer": "equalizer:Equalizer",
    "four": "..synths.four:FourOscillators",
    "gain": "gain:Gain",
    "gate": "gate:Gate",
    "instrument": "..plugins.plugin:Instrument",
    "limiter": "limiter:Limiter",
    "mono": "mono:Mono",
    "neural": "neural:Neural",
    "overdrive": "overdrive:Overdrive",
    "parallel": "parallel:Parallel",
    "plugin": "..plugins.plugin:Plugin",
    "reverb": "reverb:Reverb",
    "sampler": "..synths.sampler:Sampler",
    "stereo": "stereo:Stereo",
    "tone_stack": "tone_stack:ToneStack",
    "two": "..synths.two:TwoOscillators",
}
"""Name -> ``"module:class"``, the module below this folder unless it starts with dots."""


class ProcessorError(ValueError):
    """A processor that does not exist."""


@cache
def processor_class(name: str) -> type[Processor]:
    """The class of a processor.

    Raises
    ------
    ProcessorError
        naming those that there are.
    """
    if name not in PROCESSORS:
        raise ProcessorError(
            f"there is no processor {name[:100] or 'without a name'}; there are {', '.join(PROCESSORS)}"
        )
    module, kind = PROCESSORS[name].split(":")
    place = module if module.startswith(".") else f".{module}"
    found = getattr(importlib.import_module(place, __name__), kind)
    assert issubclass(found, Processor)
    return found
