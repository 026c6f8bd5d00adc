"""The constants in the saws and triangles of ``four``: heard in the data set's sounds, and nowhere else.

Its formulas run from 0 to 1, so that the data set's sounds have a mean that comes and goes with the
envelope. The instrument plays the same waves around 0, as any recording has them. So a sound without such
a mean is compared with candidates without it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .synths import MatchedSynth

WINDOW = 256
HEARD, UNSURE = 0.2, 0.03
"""Mean of windows, over their level: a sound with constants has as much as the first, one without less than
the second."""
FLAT = 0.5
"""Part of the probability that is spread evenly where constants are missing that the estimator expects."""


def constants_of(sound: NDArray[np.float32]) -> tuple[bool, ...]:
    """Whether a sound, shape (frames,), has a mean that comes and goes with its level; both where unsure."""
    parts = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW).astype(np.float64)
    means, levels = parts.mean(axis=1), np.sqrt(np.mean(parts**2, axis=1))
    part = float((means * levels).sum()) / max(float((levels**2).sum()), 1e-30)
    return (True,) if part >= HEARD else (False,) if part < UNSURE else (True, False)


def without_constants(synth: MatchedSynth) -> MatchedSynth:
    """The synth, rendering as the instrument plays; other synths as they are."""
    if synth.name != "four":
        return synth
    names = [parameter.name for parameter in synth.parameters]
    amplitudes = [names.index(f"{wave}_amplitude") for wave in ("sine", "saw", "triangle", "square")]
    sine, saw, triangle, square = amplitudes
    standing = [names.index(f"saw_{name}_hz") for name in ("frequency", "depth")]

    def render(
        values: ArrayLike, *, semitones: float = 0.0, threads: int | None = None
    ) -> NDArray[np.float32]:
        table = np.asarray(values, np.float64)
        constant = table.copy()
        constant[:, saw] += table[:, triangle]
        constant[:, [sine, triangle, square]] = 0.0
        constant[:, standing] = 0.0  # a saw that stands still in the middle of its way
        sounds = synth.render(table, semitones=semitones, threads=threads)
        return sounds - synth.render(constant, semitones=semitones, threads=threads)

    return replace(synth, _render=render)


def told_without_constants(
    synth: MatchedSynth, probabilities: list[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """What an estimator that expects constants told without them: unsure of the waves that have them."""
    if synth.name != "four":
        return probabilities
    unsure = ("saw_amplitude", "triangle_amplitude")
    return [
        (1 - FLAT) * part + FLAT / len(part) if parameter.name in unsure else part
        for parameter, part in zip(synth.parameters, probabilities, strict=True)
    ]
