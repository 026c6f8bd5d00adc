"""The whole study: sounds, features, every model; a model that is done is not computed again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....export.writing import write_bytes
from ....realtime.match.synths import MatchedSynth, Part, matched_synth
from . import independent
from .features import Heard, features
from .joint import TOPOLOGIES, joint
from .table import model_table, parameter_table
from .targets import Scores, Targets

TESTED = 0.2
"""Share of the sounds that models are tested with; no setting of theirs is among those they learn from."""
JOINT: dict[str, tuple[Heard, str]] = {
    f"{kind.lower()}-{heard.replace('_', '-')}": (heard, kind) for heard, kind in TOPOLOGIES
}
"""Names of the joint models: what each hears, and its kind."""
MODELS = ("naive", "knn-mfcc", "tree-mfcc", *JOINT)
"""All models by name."""

_RENDERED_AT_ONCE = 500


class StudyError(ValueError):
    """A study that cannot be done or gone on with as asked."""


@dataclass(frozen=True)
class Result:
    """A model's part of the study.

    Attributes
    ----------
    model : one of `MODELS`
    scores : on the test sounds
    seconds : that fitting and answering took
    details : what cross-validation chose for each parameter ("chosen"), or the validation sounds' loss after
        each epoch ("losses")
    """

    model: str
    scores: Scores
    seconds: float
    details: dict[str, Any]


@dataclass(frozen=True)
class _Part:
    levels: NDArray[np.int64]
    heard: dict[Heard, NDArray[np.float32]]


def run_study(
    *,
    out: Path,
    sounds: int = 10000,
    seed: int = 0,
    synth: MatchedSynth | None = None,
    models: tuple[str, ...] = MODELS,
    progress: Callable[[str, float], None] = lambda what, done: None,
    threads: int = 1,
) -> dict[str, Result]:
    """Fit every model to four fifths of some sounds and test it with the rest.

    Parameters
    ----------
    out : folder for a JSON file of each model and the tables, ``study.md``
    sounds : learnt from and tested with, together
    seed : of sounds and networks
    synth : that plays them; the two-oscillator synthesizer unless told
    models : which, by name
    progress : hears what is being done and the share of it that is
    threads : of rendering and of torch

    Raises
    ------
    StudyError
        for too few sounds, an unknown model, or a folder that holds a study of other sounds.
    """
    played = synth or matched_synth("two")
    tested = round(TESTED * sounds)
    if tested < 20:
        raise StudyError(f"a study of {sounds} sounds has {tested} to test with: give at least 100 sounds")
    for model in models:
        if model not in MODELS:
            raise StudyError(f"there is no model {model!r} in this study, only {', '.join(MODELS)}")
    out.mkdir(parents=True, exist_ok=True)
    identity = {"synth": played.name, "seed": seed, "sounds": sounds, "tested": tested}
    results = {model: _kept(out / f"{model}.json", model, identity) for model in models}
    missing = [model for model, result in results.items() if result is None]
    torch_threads = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        if missing:
            learnt = _part(played, seed, "train", sounds - tested, progress, threads)
            asked = _part(played, seed, "test", tested, progress, threads)
        for model in missing:
            result = _computed(model, Targets(played.parameters), learnt, asked, seed, progress)
            _keep(out / f"{model}.json", result, identity)
            results[model] = result
    finally:
        torch.set_num_threads(torch_threads)
    found = {model: result for model, result in results.items() if result is not None}
    scores = {model: result.scores for model, result in found.items()}
    write_bytes(out / "study.md", f"{model_table(scores)}\n{parameter_table(scores)}".encode())
    return found


def _computed(
    model: str,
    targets: Targets,
    learnt: _Part,
    asked: _Part,
    seed: int,
    progress: Callable[[str, float], None],
) -> Result:
    progress(model, 0.0)
    started = time.monotonic()
    details: dict[str, Any] = {}
    if model in JOINT:
        heard, _ = JOINT[model]
        trained = joint(
            targets,
            TOPOLOGIES[JOINT[model]],
            learnt.heard[heard],
            learnt.levels,
            asked.heard[heard],
            seed=seed,
            progress=lambda done: progress(model, done),
        )
        answers, details["losses"] = trained.answers, trained.losses
    else:
        answered = _independent(model, targets, learnt, asked, lambda done: progress(model, done))
        answers, details["chosen"] = answered.answers, answered.chosen
    seconds = round(time.monotonic() - started, 1)
    progress(model, 1.0)
    return Result(model, targets.scores(answers, asked.levels), seconds, details)


def _independent(
    model: str, targets: Targets, learnt: _Part, asked: _Part, progress: Callable[[float], None]
) -> independent.Answered:
    known, wanted = learnt.heard["mfcc"], asked.heard["mfcc"]
    if model == "naive":
        return independent.naive(targets, learnt.levels, len(wanted))
    if model == "knn-mfcc":
        return independent.nearest(targets, known, learnt.levels, wanted)
    return independent.trees(targets, known, learnt.levels, wanted, progress=progress)


def _part(
    synth: MatchedSynth,
    seed: int,
    part: Part,
    count: int,
    progress: Callable[[str, float], None],
    threads: int,
) -> _Part:
    levels = synth.drawn(seed, part, 0, count)
    parts = []
    for first in range(0, count, _RENDERED_AT_ONCE):
        some = levels[first : first + _RENDERED_AT_ONCE]
        parts.append(features(synth.render(synth.values(some), threads=threads), synth.rate))
        progress(f"{part} sounds", min(1.0, (first + len(some)) / count))
    return _Part(levels, {heard: np.concatenate([one[heard] for one in parts]) for heard in parts[0]})


def _kept(path: Path, model: str, identity: dict[str, Any]) -> Result | None:
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = {name: told[name] for name in identity}
        result = Result(model, Scores.from_json(told), float(told["seconds"]), dict(told["details"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path} is no result of this study ({error!r:.60}): move it away") from None
    if found != identity:
        raise StudyError(
            f"{path} is of a study with {_words(found)}, expected {_words(identity)}: take another folder"
        )
    return result


def _words(identity: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in identity.items())


def _keep(path: Path, result: Result, identity: dict[str, Any]) -> None:
    told = {"model": result.model, **identity, "seconds": result.seconds}
    told |= {**result.scores.as_json(), "details": result.details}
    write_bytes(path, f"{json.dumps(told, indent=1)}\n".encode())
