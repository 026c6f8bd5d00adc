"""Where a network with knobs begins: with the gain before its core that the effect has for quiet sound."""

from __future__ import annotations

import torch

from .config import TrainingConfig
from .networks import EffectNetwork
from .quiet import quiet_gain
from .teachers import Teacher


@torch.no_grad()
def begin_gain(network: EffectNetwork, teacher: Teacher, config: TrainingConfig) -> None:
    """Set the gain to that of the teacher for quiet sound, and its dependence on each drive knob likewise.

    A drive knob is a gain of 40 dB and more, which descent takes very long to find. The first features begin
    as the turns of the knobs, from -0.5 to 0.5; what is set here stands for them.
    """
    if network.gain is None:
        return
    found, values = quiet_gain(teacher, config), teacher.settings(config.settings)
    turns = {parameter.name: parameter.to_turn(values[parameter.name]) for parameter in teacher.parameters}
    exponent = network.gain.exponent
    exponent.zero_()
    for n, knob in enumerate(config.knobs):
        exponent[1 + n] = found.drives.get(knob, 0.0)
    exponent[0] = found.default - sum(change * (turns[knob] - 0.5) for knob, change in found.drives.items())
