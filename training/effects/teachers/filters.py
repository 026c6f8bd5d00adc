"""Filters as teachers: a low-pass and a high-pass of first order."""

from __future__ import annotations

import numpy as np

from ....realtime.parameters import Parameter
from .teacher import Array, Teacher


def _cutoff(default: float) -> Parameter:
    return Parameter(
        "cutoff_hz", 40.0, 12000.0, default, "Hz", "logarithmic", description="where it is 3 dB down"
    )


def _lowpass(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    from pedalboard import LowpassFilter

    return np.asarray(LowpassFilter(settings["cutoff_hz"])(dry, rate))


def _highpass(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    from pedalboard import HighpassFilter

    return np.asarray(HighpassFilter(settings["cutoff_hz"])(dry, rate))


LOWPASS = Teacher(
    "lowpass",
    "A low-pass filter of 6 dB an octave (pedalboard).",
    (_cutoff(1200.0),),
    _lowpass,
    prompt=True,
)
HIGHPASS = Teacher(
    "highpass",
    "A high-pass filter of 6 dB an octave (pedalboard).",
    (_cutoff(400.0),),
    _highpass,
    prompt=True,
)
