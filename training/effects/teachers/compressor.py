"""A compressor as teacher."""

from __future__ import annotations

import numpy as np

from ....realtime.parameters import Parameter
from .teacher import Array, Teacher, at_level


def _compressor(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    from pedalboard import Compressor

    effect = Compressor(
        settings["threshold_db"], settings["ratio"], settings["attack_ms"], settings["release_ms"]
    )
    return at_level(np.asarray(effect(dry, rate)), settings["makeup_db"])


COMPRESSOR = Teacher(
    "compressor",
    "A compressor that hears peaks, with a hard knee (pedalboard, after juce::dsp::Compressor).",
    (
        Parameter("threshold_db", -60.0, 0.0, -30.0, "dB", description="level above which it works"),
        Parameter("ratio", 1.0, 20.0, 4.0, curve="logarithmic", description="dB in for one dB out, above it"),
        Parameter("attack_ms", 0.1, 100.0, 8.0, "ms", "logarithmic", description="time to react"),
        Parameter("release_ms", 10.0, 1000.0, 120.0, "ms", "logarithmic", description="time to recover"),
        Parameter("makeup_db", 0.0, 24.0, 8.0, "dB", description="level after it"),
    ),
    _compressor,
    prompt=True,
)
