"""A sound in, patches out: hear it, estimate, look, refine where asked, and say what key plays it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..documents import printable
from ..patches import Patch
from .estimator import Estimator, load_estimator, shipped_estimator
from .hearing import Hearing, hearings, loudest
from .look import Candidate, Looked, look
from .patch import Key, key_of, patch_of
from .pitch import Pitch, find_pitch, key_frequency, pitch_at
from .refine import refine
from .sound import Samples, Sound, SoundError, read_sound
from .synths import SYNTHS, MatchedSynth, matched_synth

TOP = 3
ALIKE, UNLIKE = 0.25, 1.0
"""Distances up to which an estimator's confidence counts in full, and from which it counts for nothing: two
sounds drawn by chance are 1 apart."""
WORDS = ((0.12, "very near"), (0.25, "near"), (0.45, "similar"), (0.7, "only roughly similar"))
FAR = "unlike: this synth cannot make it"
INAUDIBLE = 5e-3
"""Of a recording's level: what is left at a synth's rate is less where it lies above what that holds."""


class MatchError(ValueError):
    """A match that cannot be made; the text says what to do."""


@dataclass(frozen=True)
class Match:
    """A patch that sounds like the recording.

    Attributes
    ----------
    values : of the estimated parameters, shape (parameters,)
    distance : 0 for the recording itself, about 1 for a sound drawn by chance
    measures : each measure by name, see `distance.Heard.measured`
    sound : as the synth rendered it, shape (frames,), at its rate
    """

    patch: Patch
    values: NDArray[np.float64]
    distance: float
    measures: dict[str, float]
    sound: Samples


@dataclass(frozen=True)
class Matches:
    """What came of a recording.

    Attributes
    ----------
    sound : the recording, from where it starts
    synth : that was chosen
    target : what was compared with, at the synth's rate
    pitch : of the recording; None where it has none
    key : that plays it, with what the patches add
    gain : by which the recording was raised before it was compared
    matches : best first
    probabilities : for each parameter of the synth those of its levels
    confidence : for each parameter, by name, how likely the best match has it right within a level; 0 to 1
    estimated_distance : of the best match before it was refined
    elapsed_s : without loading estimators
    """

    sound: Sound
    synth: MatchedSynth
    target: Samples
    pitch: Pitch | None
    key: Key
    gain: float
    matches: list[Match]
    probabilities: list[NDArray[np.float64]]
    confidence: dict[str, float]
    estimated_distance: float
    elapsed_s: float

    @property
    def likeness(self) -> str:
        """How near the best match comes, in words."""
        distance = self.matches[0].distance
        return next((word for limit, word in WORDS if distance <= limit), FAR)


def estimators_for(synth: str | None, file: Path | None, threads: int = 1) -> list[Estimator]:
    """The estimators that a match asks: a given file's, or the shipped ones of the named synth or of all.

    Raises
    ------
    EstimatorError, UnknownSynthError
        If a file cannot be used, or is of another synth.
    MatchError
        If none is shipped.
    """
    wanted = matched_synth(synth) if synth is not None else None
    if file is not None:
        return [load_estimator(file, wanted, threads)]
    names = [synth] if synth is not None else list(SYNTHS)
    files = {name: shipped_estimator(name) for name in names}
    found = [load_estimator(path, SYNTHS[name], threads) for name, path in files.items() if path.exists()]
    if not found:
        raise MatchError(
            f"no estimator of {' or '.join(names)} is installed; give one with --estimator FILE, "
            "or train it: tonerig train match"
        )
    return found


def match(
    source: Path | Sound,
    estimators: Sequence[Estimator],
    *,
    top: int = TOP,
    refine_s: float = 0.0,
    key: int | None = None,
    threads: int = 1,
    seed: int = 0,
    progress: Callable[[float, float], None] = lambda fraction, distance: None,
) -> Matches:
    """Patches that sound like a recording.

    Parameters
    ----------
    estimators : of the synths that are tried; the one that comes nearest is taken
    top : how many patches
    refine_s : seconds to improve them by rendering and comparing
    key : that the recording is of, where its pitch is known; None: its pitch is looked for
    threads : for rendering
    seed : the same one gives the same patches, unless they are refined: that depends on time
    progress : told the part of the refinement that is done, 0 to 1, and the smallest distance so far

    Raises
    ------
    AudioFileError, SoundError
        If there is nothing that can be heard.
    """
    started = time.perf_counter()
    sound = source if isinstance(source, Sound) else read_sound(source)
    pitch = _pitch(sound, key)
    ways = [hearings(estimator, sound, pitch, seed=seed)[0] for estimator in estimators]
    _check_range(sound, ways)
    looks = [(way, look(way.heard, way.probabilities, seed=seed, threads=threads)) for way in ways]
    way, looked = min(looks, key=lambda pair: pair[1].candidates[0].distance)
    candidates = looked.candidates
    if refine_s > 0:
        candidates = refine(
            way.heard, looked, seconds=refine_s, threads=threads, seed=seed, progress=progress
        )
    played = key_of(way.estimator.synth, way.semitones, pitch, key)
    best = candidates[0]
    return Matches(
        sound,
        way.estimator.synth,
        way.heard.sound,
        pitch,
        played,
        way.gain,
        _matches(candidates[:top], way, played, sound.name),
        looked.probabilities,
        confidence(way.estimator.synth, looked, best),
        looked.candidates[0].distance,
        time.perf_counter() - started,
    )


def confidence(synth: MatchedSynth, looked: Looked, best: Candidate) -> dict[str, float]:
    """For each parameter how likely a candidate has it right within one level.

    Estimators learn from sounds of their synth alone, so that what they say of others counts less, the
    farther the candidate is from what was heard.
    """
    counts = min(1.0, max(0.0, (UNLIKE - best.distance) / (UNLIKE - ALIKE)))
    found = {}
    for parameter, value, part in zip(synth.parameters, best.values, looked.probabilities, strict=True):
        level = int(parameter.encode(value))
        near = part[level : level + 1] if parameter.choices else part[max(0, level - 1) : level + 2]
        found[parameter.name] = counts * float(near.sum())
    return found


def _check_range(sound: Sound, ways: Sequence[Hearing]) -> None:
    """Refuse what lies above everything that the synths can play."""
    synths = [way.estimator.synth for way in ways]
    energies = [
        np.square(way.heard.sound / way.gain, dtype=np.float64).sum() / way.heard.synth.rate for way in ways
    ]
    heard = sound.samples[: round(sound.rate * max(synth.frames / synth.rate for synth in synths))]
    if max(energies) < INAUDIBLE**2 * np.square(heard, dtype=np.float64).sum() / sound.rate:
        highest = max(synth.rate for synth in synths) / 2
        raise SoundError(
            f"{printable(sound.name)}: has nothing below {highest:.0f} Hz, where the synths play; "
            "give another recording"
        )


def _pitch(sound: Sound, key: int | None) -> Pitch | None:
    """The sound's pitch; with a key given, that one, out of tune by as much as was found."""
    found = find_pitch(sound.samples, sound.rate)
    if key is None:
        return found
    cents = 0.0
    if found is not None:
        octaves = math.log2(found.frequency_hz / key_frequency(key))
        cents = 1200 * (octaves - round(octaves))
    told = pitch_at(key_frequency(key) * 2 ** (cents / 1200) if abs(cents) < 50 else key_frequency(key))
    return replace(told, key=key)


def _matches(candidates: Sequence[Candidate], way: Hearing, key: Key, name: str) -> list[Match]:
    synth = way.heard.synth
    sounds = synth.render(
        np.array([candidate.values for candidate in candidates]), semitones=way.semitones, threads=1
    )
    stem, level = Path(name).stem, loudest(way.heard.sound)
    found = []
    for k, (candidate, sound) in enumerate(zip(candidates, sounds, strict=True)):
        patch = patch_of(
            synth,
            candidate.values,
            key,
            gain=level / max(loudest(sound), 1e-9) / way.gain,
            peak=float(np.abs(sound).max()),
            name=_title(stem) if k == 0 else f"{_title(stem)} {k + 1}",
            description=f"Matched to {_title(name)}.",
        )
        found.append(Match(patch, candidate.values, candidate.distance, way.heard.parts(sound), sound))
    return found


def _title(text: str) -> str:
    """A file's name as a patch's: without what a terminal would obey, and not too long."""
    shown = "".join(char if char.isprintable() else " " for char in text).strip()
    return shown[:100] or "matched"


def as_json(found: Matches) -> dict[str, Any]:
    """What was found, for JSON."""
    pitch = found.pitch
    return {
        "sound": found.sound.name,
        "synth": found.synth.name,
        "pitch_hz": None if pitch is None else pitch.frequency_hz,
        "note": None if pitch is None else pitch.note,
        "cents": None if pitch is None else pitch.cents,
        "pitch_sureness": None if pitch is None else pitch.sureness,
        "key": found.key.number,
        "likeness": found.likeness,
        "estimated_distance": found.estimated_distance,
        "elapsed_s": found.elapsed_s,
        "confidence": found.confidence,
        "matches": [
            {
                "distance": match.distance,
                **match.measures,
                "parameters": {
                    p.name: p.choices[round(value)] if p.choices else value
                    for p, value in zip(found.synth.parameters, match.values.tolist(), strict=True)
                },
            }
            for match in found.matches
        ],
    }
