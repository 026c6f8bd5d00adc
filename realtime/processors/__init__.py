"""Every processor by the name that presets use; a processor's module is imported when it is asked for."""

from __future__ import annotations

import difflib
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
    # pedalboard's
    "bitcrush": "..plugins.builtins:Bitcrush",
    "brickwall_limiter": "..plugins.builtins:BrickwallLimiter",
    "chorus": "..plugins.builtins:Chorus",
    "clipping": "..plugins.builtins:Clipping",
    "convolution": "..plugins.builtins:Convolution",
    "distortion": "..plugins.builtins:Distortion",
    "gsm": "..plugins.builtins:Gsm",
    "high_pass": "..plugins.builtins:HighPass",
    "high_shelf": "..plugins.builtins:HighShelf",
    "invert": "..plugins.builtins:Invert",
    "ladder_filter": "..plugins.builtins:LadderFilter",
    "low_pass": "..plugins.builtins:LowPass",
    "low_shelf": "..plugins.builtins:LowShelf",
    "mp3": "..plugins.builtins:Mp3",
    "peak_filter": "..plugins.builtins:PeakFilter",
    "pedalboard_compressor": "..plugins.builtins:PedalboardCompressor",
    "pedalboard_delay": "..plugins.builtins:PedalboardDelay",
    "pedalboard_gain": "..plugins.builtins:PedalboardGain",
    "pedalboard_limiter": "..plugins.builtins:PedalboardLimiter",
    "pedalboard_noise_gate": "..plugins.builtins:PedalboardNoiseGate",
    "pedalboard_reverb": "..plugins.builtins:PedalboardReverb",
    "phaser": "..plugins.builtins:Phaser",
    "pitch_shift": "..plugins.builtins:PitchShift",
    "resample": "..plugins.builtins:Resample",
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
        near = difflib.get_close_matches(name, PROCESSORS, 1)
        hint = f"did you mean {near[0]}? There are" if near else "there are"
        raise ProcessorError(
            f"there is no processor {name[:100] or 'without a name'}; {hint} {', '.join(PROCESSORS)}"
        )
    module, kind = PROCESSORS[name].split(":")
    place = module if module.startswith(".") else f".{module}"
    found = getattr(importlib.import_module(place, __name__), kind)
    assert issubclass(found, Processor)
    return found
