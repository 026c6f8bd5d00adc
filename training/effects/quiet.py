"""How loud a teacher is for quiet sound, and which of its knobs are drives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..signals import dry_signal
from .config import TrainingConfig
from .teachers import Teacher, wet_signal

QUIET, SECONDS = 1e-4, 3.0
"""Peak of a sound that even a fuzz leaves undistorted, and its length."""
LEAST, FARTHEST = 2.0, 6.0
"""Changes of gain over a turn, natural logarithms: less is a tone or level control, more is not believed."""


@dataclass(frozen=True)
class QuietGain:
    """Natural logarithms of gain.

    Attributes
    ----------
    default : with all knobs as they stand in the configuration
    drives : of each knob that is a drive, the change from its minimum to its maximum
    """

    default: float
    drives: dict[str, float]


def quiet_gain(teacher: Teacher, config: TrainingConfig) -> QuietGain:
    """The gain of a teacher for quiet sound, and how the knobs that are learnt change it."""
    dry = dry_signal(SECONDS, config.rate, config.seed)
    dry *= np.float32(QUIET / max(float(np.abs(dry).max()), 1e-9))
    energy = float(np.mean(dry.astype(np.float64) ** 2))

    def loudness(**chosen: float) -> float:
        wet = wet_signal(teacher, dry, config.rate, {**config.settings, **chosen}).astype(np.float64)
        return 0.5 * math.log(max(float(np.mean(wet**2)), 1e-20) / energy)

    parameters = {parameter.name: parameter for parameter in teacher.parameters}
    changes = {
        knob: loudness(**{knob: parameters[knob].maximum}) - loudness(**{knob: parameters[knob].minimum})
        for knob in config.knobs
    }
    drives = {
        knob: min(max(change, -FARTHEST), FARTHEST)
        for knob, change in changes.items()
        if abs(change) >= LEAST
    }
    return QuietGain(loudness(), drives)
