"""Where a network with knobs begins: with the gain before its core that the effect has for quiet sound."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..signals import dry_signal
from .config import TrainingConfig
from .networks import EffectNetwork
from .teachers import Teacher, wet_signal

QUIET, SECONDS = 1e-4, 3.0
"""Peak of a sound that even a fuzz leaves undistorted, and its length."""
LEAST, FARTHEST = 2.0, 6.0
"""Changes of gain over a turn, natural logarithms: less is a tone or level control, more is not believed."""


@torch.no_grad()
def begin_gain(network: EffectNetwork, teacher: Teacher, config: TrainingConfig) -> None:
    """Set the gain to that of the teacher for quiet sound, and its dependence on each knob likewise.

    A drive knob is a gain of 40 dB and more, which descent takes very long to find. The first features begin
    as the turns of the knobs, from -0.5 to 0.5; what is set here stands for them.
    """
    if network.gain is None:
        return
    dry = dry_signal(SECONDS, config.rate, config.seed)
    dry *= np.float32(QUIET / max(float(np.abs(dry).max()), 1e-9))

    def loudness(**chosen: float) -> float:
        wet = wet_signal(teacher, dry, config.rate, {**config.settings, **chosen}).astype(np.float64)
        return 0.5 * math.log(
            max(float(np.mean(wet**2)), 1e-20) / float(np.mean(dry.astype(np.float64) ** 2))
        )

    parameters = {parameter.name: parameter for parameter in teacher.parameters}
    values = teacher.settings(config.settings)
    exponent = network.gain.exponent
    exponent.zero_()
    middle = loudness()
    for n, knob in enumerate(config.knobs):
        change = loudness(**{knob: parameters[knob].maximum}) - loudness(**{knob: parameters[knob].minimum})
        if abs(change) < LEAST:
            continue
        exponent[1 + n] = min(max(change, -FARTHEST), FARTHEST)
        middle -= float(exponent[1 + n]) * (parameters[knob].to_turn(values[knob]) - 0.5)
    exponent[0] = middle
