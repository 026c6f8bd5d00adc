"""Settings and probabilities that tests of matching share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.match.synths import FOUR, MatchedSynth

SILENT, FULL = 0, 15


def simple_patch() -> NDArray[np.int64]:
    """Levels of a saw and a faint sine an octave's fourth above, hardly modulated, all else silent."""
    levels = dict.fromkeys((parameter.name for parameter in FOUR.parameters), 0)
    levels |= {"saw_frequency_hz": 3, "saw_amplitude": 12, "sine_frequency_hz": 8, "sine_amplitude": 7}
    levels |= {"saw_modulation_hz": 4, "saw_depth_hz": 1}
    levels |= {"attack_s": 1, "decay_s": 3, "sustain": 9, "release_s": 8, "cutoff_hz": 10, "resonance": 2}
    return np.array(list(levels.values())) + 0


def guesses(
    synth: MatchedSynth, levels: NDArray[np.int64], seed: int, right: float = 0.6
) -> list[NDArray[np.float64]]:
    """Probabilities as an estimator gives: near the level for some parameters, anywhere for the others."""
    generator = np.random.default_rng(seed)
    found = []
    for level, count in zip(levels, synth.levels, strict=True):
        sure = generator.random() < right
        centre = level + generator.normal(0, 0.5) if sure else generator.integers(0, count)
        bump = np.exp(-0.5 * ((np.arange(count) - centre) / (1.0 if sure else 4.0)) ** 2) + 0.02
        found.append(bump / bump.sum())
    return found
