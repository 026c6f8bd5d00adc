"""A blind listening test: what is heard in each trial, what was answered, and how likely that is by chance.

With three sounds A is the dry sound, B the wet one and X the model's output; the listener, who does not know
which of A and B is which, says which one X is nearer to. With two sounds it is the classic test (W. A. Munson
and M. B. Gardner, "Standardizing Auditory Tests", JASA 22, 1950): X is one of the two, and the listener says
which.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeGuard

import numpy as np
from scipy.special import bdtrc

from ...export.errors import ModelFileError
from ...export.writing import write_bytes
from ...realtime.documents import printable
from ...realtime.loudness import LoudnessMeter
from .sounds import Array, CompareError, Sound, read_sound

Answer: TypeAlias = Literal["a", "b"]

TRIALS = 16
MOST_TRIALS = 1000
LONGEST_S = 60.0
LARGEST_SCORE = 1 << 20
VERSION = 1


@dataclass(frozen=True)
class Trial:
    """What is heard in one trial: under each name a sound, and the answer that counts.

    Attributes
    ----------
    a, b, x : which of the test's sounds, by number, is heard under each name
    right : the answer that counts: where B is heard (three sounds), or where X is heard (two)
    """

    a: int
    b: int
    x: int
    right: Answer


@dataclass(frozen=True)
class Score:
    """A test as far as it has come; also what its file holds.

    Attributes
    ----------
    files : names of the two or three sounds
    digests : SHA-256 of what they sound like, in hexadecimal, so that no other sounds are taken for them
    seed : of the order in which things are heard
    trials : how many there are to be
    answers : those given so far
    """

    files: tuple[str, ...]
    digests: tuple[str, ...]
    seed: int
    trials: int
    answers: tuple[Answer, ...] = ()

    @property
    def complete(self) -> bool:
        return len(self.answers) >= self.trials

    @property
    def right(self) -> int:
        """How many answers counted."""
        return sum(answer == self.trial(n).right for n, answer in enumerate(self.answers))

    @property
    def p_value(self) -> float:
        """How likely as many or more would be by tossing a coin."""
        return p_value(self.right, len(self.answers))

    def trial(self, number: int) -> Trial:
        """Trial ``number``, from 0; the same for the same seed, whenever it is asked."""
        swapped, second = np.random.default_rng([self.seed, number]).integers(0, 2, 2)
        if len(self.files) == 3:
            return Trial(1, 0, 2, "a") if swapped else Trial(0, 1, 2, "b")
        return Trial(0, 1, int(second), "b" if second else "a")

    def answered(self, answer: Answer) -> Score:
        """The test with one more answer."""
        return Score(self.files, self.digests, self.seed, self.trials, (*self.answers, answer))

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all.

        Raises
        ------
        CompareError
            If the file cannot be written.
        """
        document = {
            "tonerig_abx": VERSION,
            "files": self.files,
            "sha256": self.digests,
            "seed": self.seed,
            "trials": self.trials,
            "answers": "".join(self.answers),
            "answered": len(self.answers),
            "right": self.right,
            "p_value": self.p_value,
        }
        try:
            write_bytes(path, (json.dumps(document, indent=2) + "\n").encode("ascii"))
        except ModelFileError as error:
            raise CompareError(str(error)) from None


def p_value(right: int, answered: int) -> float:
    """Probability of ``right`` or more of ``answered`` by tossing a coin (one-sided binomial test).

    Examples
    --------
    >>> round(p_value(12, 16), 4)
    0.0384
    """
    return float(bdtrc(right - 1, answered, 0.5)) if right > 0 else 1.0


def read_sounds(paths: Sequence[Path]) -> list[Sound]:
    """The two or three sounds of a test, of one rate; lengths may differ.

    Raises
    ------
    CompareError
        If one is silent, not finite or longer than a minute, or the rates differ.
    AudioFileError
        If one cannot be read.
    """
    sounds = [read_sound(path, LONGEST_S) for path in paths]
    for sound in sounds:
        if sound.silent:
            raise CompareError(f"{sound.path.name}: is silent; there is nothing to listen to")
        if sound.rate != sounds[0].rate:
            raise CompareError(
                f"{sound.path.name}: has {sound.rate:g} Hz, expected the {sounds[0].rate:g} Hz of "
                f"{sounds[0].path.name}; bring all to one rate first"
            )
    return sounds


def audible(sounds: Sequence[Sound], same_loudness: bool) -> list[Array]:
    """What is played: two channels each, shape (frames, 2), turned down together where one would clip.

    Parameters
    ----------
    same_loudness : bring all to the loudness of the softest first (ITU-R BS.1770-5), so that the loudness
        gives no hint

    Raises
    ------
    CompareError
        If the loudness of one cannot be told: it is shorter than 400 ms, or below the standard's gate.
    """
    gains = np.ones(len(sounds))
    if same_loudness:
        levels = [_loudness(sound) for sound in sounds]
        gains = np.array([10 ** ((min(levels) - level) / 20) for level in levels])
    stereo = [np.repeat(s.samples, 2, axis=0)[:2] if len(s.samples) == 1 else s.samples for s in sounds]
    loud = [gain * samples for gain, samples in zip(gains, stereo, strict=True)]
    peak = max(1.0, *(float(np.max(np.abs(samples))) for samples in loud))
    return [np.ascontiguousarray(samples.T / peak, np.float32) for samples in loud]


def begin(sounds: Sequence[Sound], path: Path, trials: int | None, seed: int | None) -> Score:
    """The test that a score file has begun, or a new one where there is no such file.

    Parameters
    ----------
    sounds : two or three
    path : of the score file
    trials, seed : of a new test; of one that goes on, what the file says must agree where they are given

    Raises
    ------
    CompareError
        If the file is no score, or one of other sounds, trials or seed.
    """
    digests = tuple(_digest(sound) for sound in sounds)
    if not path.exists():
        names = tuple(sound.path.name for sound in sounds)
        fresh = seed if seed is not None else secrets.randbits(32)
        return Score(names, digests, fresh, TRIALS if trials is None else trials)
    score = _read(path)
    if score.digests != digests:
        raise CompareError(
            f"{path}: is the score of other sounds ({', '.join(map(printable, score.files))}); "
            "choose another file with --score"
        )
    for name, wanted, found in (("trials", trials, score.trials), ("seed", seed, score.seed)):
        if wanted is not None and wanted != found:
            raise CompareError(
                f"{path}: was begun with {name} {found}, not {wanted}; "
                "leave the option out, or choose another file with --score"
            )
    return score


def _read(path: Path) -> Score:
    """A score from its file, which may come from anybody."""
    problem = f"{path}: is no score of tonerig compare abx; choose another file with --score"
    try:
        if path.stat().st_size > LARGEST_SCORE:
            raise CompareError(problem)
        document: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise CompareError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CompareError(problem) from None
    if not isinstance(document, dict) or document.get("tonerig_abx") != VERSION:
        raise CompareError(problem)
    files, digests, answers = document.get("files"), document.get("sha256"), document.get("answers")
    seed, trials = document.get("seed"), document.get("trials")
    if not (
        _texts(files)
        and _texts(digests)
        and len(files) == len(digests)
        and type(seed) is int
        and 0 <= seed < 1 << 64
        and type(trials) is int
        and 1 <= trials <= MOST_TRIALS
        and isinstance(answers, str)
        and set(answers) <= {"a", "b"}
        and len(answers) <= trials
    ):
        raise CompareError(problem)
    given: tuple[Answer, ...] = tuple("a" if answer == "a" else "b" for answer in answers)
    return Score(tuple(files), tuple(digests), seed, trials, given)


def _texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and len(value) in (2, 3) and all(isinstance(v, str) for v in value)


def _digest(sound: Sound) -> str:
    content = hashlib.sha256(np.ascontiguousarray(sound.samples, "<f4").tobytes())
    content.update(f"{sound.rate:g} Hz, {len(sound.samples)} channels".encode())
    return content.hexdigest()


def _loudness(sound: Sound) -> float:
    meter = LoudnessMeter(sound.rate, len(sound.samples))
    meter.add(sound.samples)
    loudness = meter.integrated()
    if not np.isfinite(loudness):
        raise CompareError(
            f"{sound.path.name}: is too short or too soft to tell its loudness; leave --same-loudness out"
        )
    return loudness
