"""The ways in which a sound can be taken: at which octave, how loud, with the synth's constants or without.

What is not known beforehand is tried: a few dozen candidates of each way are rendered and compared, and the
nearest way is looked at closely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .constants import constants_of, told_without_constants, without_constants
from .distance import Heard
from .estimator import Estimator
from .pitch import Pitch
from .plain import told_of_others, told_plainly
from .sound import Samples, Sound, at_rate
from .transposition import key_distances, told_at_pitch, transposed_magnitudes

SCREENED = 32
"""Candidates of each way that are rendered to choose among them."""
NEAREST = 3
"""Of those, the mean distance of so many tells how near a way comes."""
BLOCK = 512
USUAL = {"four": (0.07, 0.54, 3.3), "two": (0.005, 0.22, 0.9)}
"""Loudest block's RMS of the synths' own sounds: lowest, median, highest, but for few in a hundred."""
SURE = 0.9
"""Of a pitch: above it no other octave is tried."""


@dataclass(frozen=True)
class Hearing:
    """One way to take a sound, and how near the first candidates came.

    Attributes
    ----------
    estimator : that told the probabilities
    heard : what candidates are compared with: the sound times ``gain``
    gain : by which the recording was raised
    probabilities : for each parameter those of its levels
    distance : of the nearest of the first candidates, as `Heard.quick` measures
    """

    estimator: Estimator
    heard: Heard
    gain: float
    probabilities: list[NDArray[np.float64]]
    distance: float

    @property
    def semitones(self) -> float:
        """By which the sound's key lies over the synth's own."""
        return self.heard.semitones


def hearings(estimator: Estimator, sound: Sound, pitch: Pitch | None, *, seed: int = 0) -> list[Hearing]:
    """Every way that may be the right one, nearest first.

    Parameters
    ----------
    pitch : of the sound, None where it has none
    seed : of the candidates
    """
    synth = estimator.synth
    target = at_rate(sound, synth.rate, synth.frames)
    gain = gain_for(synth.name, target)
    constants = constants_of(target) if synth.name == "four" else (True,)
    own = gain == 1.0 and constants == (True,)
    distances = _key_distances(estimator, pitch, own)
    heard = np.concatenate([transposed_magnitudes(sound, synth, away) for away in distances])
    told = estimator.probabilities(heard * np.float32(gain))
    ways = []
    for k, away in enumerate(distances):
        at_pitch = told_at_pitch(synth, [part[k] for part in told], away)
        for with_constants in constants:
            played = synth if with_constants else without_constants(synth)
            compared = Heard(played, target * np.float32(gain), away)
            probabilities = at_pitch if with_constants else told_without_constants(synth, at_pitch)
            if not own:
                probabilities = told_of_others(probabilities)
            ways.append((compared, probabilities))
            if pitch is not None and not (own and away == 0):
                ways.append((compared, told_plainly(synth, probabilities, pitch, away)))
    found = [
        Hearing(estimator, compared, gain, told, _screened(compared, told, seed) if len(ways) > 1 else 0.0)
        for compared, told in ways
    ]
    return sorted(found, key=lambda way: way.distance)


def loudest(sound: Samples) -> float:
    """RMS of the loudest block of a sound of shape (frames,)."""
    blocks = sound[: len(sound) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return float(np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1).max()))


def gain_for(synth: str, sound: Samples) -> float:
    """What brings a sound to the median level of the synth's own; 1 where it is as loud as one of them."""
    lowest, median, highest = USUAL[synth]
    level = loudest(sound)
    return 1.0 if lowest <= level <= highest else median / level


def _key_distances(estimator: Estimator, pitch: Pitch | None, own: bool) -> list[float]:
    """By how many semitones the sound's key may lie over the synth's; ``own``: it may be the synth's own."""
    synth = estimator.synth
    if pitch is None:
        return key_distances(synth, None, (0,) if own else (0, -1, -2, -3))
    found = key_distances(synth, pitch, (0,) if own or pitch.sureness >= SURE else (0, -1, 1))
    return list(dict.fromkeys([0.0, *found] if own else found))


def _screened(heard: Heard, probabilities: list[NDArray[np.float64]], seed: int) -> float:
    generator = np.random.default_rng(seed)
    leading = np.array([part.argmax() for part in probabilities])
    draws = [generator.choice(len(part), SCREENED - 1, p=part / part.sum()) for part in probabilities]
    rows = np.concatenate([leading[None], np.stack(draws, axis=1)])
    sounds = heard.synth.render(heard.synth.values(rows), semitones=heard.semitones, threads=1)
    return float(np.sort(heard.quick(sounds))[:NEAREST].mean())
