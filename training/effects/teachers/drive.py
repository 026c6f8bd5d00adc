"""Distortion and fuzz as teachers: gain into a hyperbolic tangent, between filters."""

from __future__ import annotations

import numpy as np

from ....realtime.parameters import Parameter
from .teacher import Array, Teacher, at_level, through

DISTORTION_DB = 4.0, -1.3
"""Gain before the distortion's tanh and level after it, each in dB for one step of its drive."""
FUZZ_DB = 3.0, 20.0
"""Gain before the fuzz's first tanh, in dB for one step of its drive, and with the drive at 0."""
FUZZ_BIAS = 0.3
FUZZ_STAGE_DB = 9.0
"""Gain between its two tanh."""


def _distortion(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    from pedalboard import Distortion, HighpassFilter, LowpassFilter

    gain, level = DISTORTION_DB
    effects = [HighpassFilter(30.0), Distortion(gain * settings["drive"]), LowpassFilter(settings["tone"])]
    return at_level(through(dry, rate, effects), level * settings["drive"] + settings["output_db"])


def _fuzz(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """Two stages of tanh; the second sees the first one's squares from one side, as a transistor does."""
    from pedalboard import Distortion, HighpassFilter, LowpassFilter, PeakFilter

    gain, least = FUZZ_DB
    first = [HighpassFilter(80.0), Distortion(least + gain * settings["drive"])]
    second = [Distortion(FUZZ_STAGE_DB)]
    at_rest = np.tanh(10.0 ** (FUZZ_STAGE_DB / 20) * FUZZ_BIAS)
    driven = through(through(dry, rate, first) + np.float32(FUZZ_BIAS), rate, second) - np.float32(at_rest)
    after = [HighpassFilter(30.0), LowpassFilter(4000.0), PeakFilter(700.0, -6.0, 0.7)]
    return at_level(through(driven, rate, after), settings["output_db"])


DISTORTION = Teacher(
    "distortion",
    "A hyperbolic tangent with up to 40 dB before it and a tone control after it (pedalboard).",
    (
        Parameter("drive", 0.0, 10.0, 6.0, description="gain into it, 4 dB a step"),
        Parameter("tone", 600.0, 8000.0, 3000.0, "Hz", "logarithmic", description="highs above are cut"),
        Parameter("output_db", -30.0, 0.0, -3.0, "dB", description="level after it"),
    ),
    _distortion,
    prompt=True,
)
FUZZ = Teacher(
    "fuzz",
    "Two saturating stages, the second one asymmetric, dark and with a hollow middle (pedalboard).",
    (
        Parameter("drive", 0.0, 10.0, 7.0, description="gain into it, 3 dB a step"),
        Parameter("output_db", -30.0, 0.0, -12.0, "dB", description="level after it"),
    ),
    _fuzz,
    prompt=True,
)
