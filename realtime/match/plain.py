"""Simple sounds: what an estimator that learnt from dense ones may be told of a sound with a clear pitch.

Sounds drawn by chance have every oscillator on another note, and deep modulation. A recording's mostly have
neither. So beside what the estimator tells, a plain sound of the pitch is tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .pitch import Pitch
from .synths import MatchedSynth

BELIEF = 0.9
"""Of what a plain sound is taken to be; the rest is what the estimator told."""
STILL: Mapping[str, Mapping[str, float]] = {
    "four": {f"{wave}_depth_hz": 0.0 for wave in ("sine", "saw", "triangle", "square")},
    "two": {"lfo_amount": 0.0, "osc_2_volume": 0.0},
}
"""Parameters and the values that move nothing, and add no other note."""
UNTOLD = 0.2
"""Part of the probability that is spread evenly over levels: estimators are too sure of others' sounds."""


def told_of_others(probabilities: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """What was told of a sound that is not of the synth's own making, less surely."""
    return [(1 - UNTOLD) * part + UNTOLD / len(part) for part in probabilities]


def told_plainly(
    synth: MatchedSynth, probabilities: Sequence[NDArray[np.float64]], pitch: Pitch, semitones: float
) -> list[NDArray[np.float64]]:
    """What was told, were it a plain sound of this pitch.

    Parameters
    ----------
    probabilities : for each parameter of the synth, shape (levels,)
    semitones : by which the sound's key is taken to lie over the synth's own
    """
    values = dict(STILL[synth.name])
    if synth.name == "four":
        carrier = pitch.frequency_hz / 2 ** (semitones / 12)
        values |= {f"{wave}_frequency_hz": carrier for wave in ("sine", "saw", "triangle", "square")}
    found = []
    for parameter, part in zip(synth.parameters, probabilities, strict=True):
        value = values.get(parameter.name)
        if value is not None and parameter.minimum * 0.97 <= value <= parameter.maximum * 1.03:
            believed = np.zeros(len(part))
            believed[int(parameter.encode(min(parameter.maximum, max(parameter.minimum, value))))] = 1.0
            part = BELIEF * believed + (1 - BELIEF) * part
        found.append(part)
    return found
