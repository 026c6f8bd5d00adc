"""How good a model is on sounds that none was trained on: by its scores, and by what it makes again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...realtime.match.estimator import Estimator, load_estimator, shipped_estimator
from ...realtime.match.spectrogram import magnitudes
from ...realtime.match.synths import MatchedSynth, matched_synth
from . import measures
from .results import Figures, Losses, Reconstructed, Spread

Sound = NDArray[np.float32]

RENDERED_AT_ONCE = 256


def reconstructed(synth: MatchedSynth, levels: ArrayLike, *, threads: int | None = None) -> Sound:
    """The sounds of levels of the grid, shape (sounds, frames); ``levels`` has (sounds, parameters)."""
    return synth.render(synth.values(levels), threads=threads)


def compared(
    synth: MatchedSynth,
    truth: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    threads: int | None = None,
) -> measures.Reconstruction:
    """Render settings and what was answered to them, batch after batch, and compare the sounds.

    Parameters
    ----------
    truth, values : in the parameters' units, shape (sounds, parameters)
    """
    parts = []
    for first in range(0, len(truth), RENDERED_AT_ONCE):
        some = slice(first, first + RENDERED_AT_ONCE)
        originals, made = (synth.render(table[some], threads=threads) for table in (truth, values))
        parts.append(measures.reconstruction(originals, made, synth.window))
    return measures.joined(parts)


def figures_of(
    scores: measures.Scores,
    truth: NDArray[np.int64],
    synth: MatchedSynth,
    *,
    model: str,
    seed: int,
    weights: int,
    sounds_seen: int,
    epochs: float,
    seconds: float,
    hardware: str,
    precision: str,
    losses: Losses | None = None,
    threads: int | None = None,
) -> Figures:
    """Everything that is measured of a model.

    Parameters
    ----------
    scores : for each parameter shape (sounds, levels). Where all lie between 0 and 1 they count as
        probabilities and their calibration is measured: of a softmax, or of independent sigmoids.
    truth : the levels that were right, shape (sounds, parameters); they are rendered again
    seed : ``truth`` is ``synth.drawn(seed, "test", 0, sounds)``
    others : see `results.Figures`
    """
    members = measures.groups(synth.name, synth.parameters)
    accuracies = measures.top_accuracies(scores, truth)
    answered = measures.likeliest(scores)
    are_probabilities = all(column.min() >= 0 and column.max() <= 1 + 1e-6 for column in scores)
    calibration = None
    if are_probabilities:
        calibration = measures.calibration_error(*measures.confidences(scores, truth))
    turns, right = (_turns(synth, levels) for levels in (answered, truth))
    ranks = measures.percentile_ranks(scores, truth)
    made = compared(synth, synth.values(truth), synth.values(answered), threads=threads)
    return Figures(
        model=model,
        synth=synth.name,
        weights=weights,
        sounds_seen=sounds_seen,
        epochs=epochs,
        seconds=seconds,
        hardware=hardware,
        precision=precision,
        test_sounds=len(truth),
        seed=seed,
        ranks=dict(zip(_names(synth), ranks.tolist(), strict=True)),
        top=measures.grouped(accuracies, members),
        calibration=calibration,
        switches=measures.switch_accuracies(synth.parameters, turns, right),
        knobs=measures.knob_errors(synth.parameters, turns, right),
        reconstruction=Reconstructed.of(made),
        losses=losses or Losses(),
    )


@dataclass(frozen=True)
class Stage:
    """How good one way to an answer is.

    Attributes
    ----------
    mpr : mean percentile rank over all parameters; None where nothing ranks the levels
    parameters : by name, of those that apply: ``rank`` (mean percentile rank), ``top_1`` and ``top_5``
        (share of right levels among the first), and of the answer itself ``error`` (a knob's mean absolute
        error on a scale from 0 to 10) or ``right`` (share of right positions of a switch)
    calibration_error : expected calibration error
    stft_pcc_mean … time_pcc_median : correlations × 100, see `measures.Reconstruction`
    frobenius_mean, frobenius_median : of the differences of the short-time spectra
    multi_resolution_mean, multi_resolution_median : distance, see `distance.Heard.parts`; a sound much
        louder than a faint original is far away, so that few of these make up most of the mean
    multi_resolution_mean_share, multi_resolution_median_share : of the network's alone
    knob_error : mean of the knobs' errors
    knob_error_of_medians : the same for the medians of what is believed of each knob
    switches_right : mean of the switches' shares
    seconds : to answer one sound, on average, with all that went before
    processor_seconds : the part of them that a processor worked on it; None where there are several threads
    """

    mpr: float | None
    parameters: dict[str, dict[str, float]]
    calibration_error: float | None
    stft_pcc_mean: float
    stft_pcc_median: float
    fourier_pcc_mean: float
    fourier_pcc_median: float
    time_pcc_mean: float
    time_pcc_median: float
    frobenius_mean: float
    frobenius_median: float
    multi_resolution_mean: float
    multi_resolution_median: float
    multi_resolution_mean_share: float
    multi_resolution_median_share: float
    knob_error: float | None
    knob_error_of_medians: float | None
    switches_right: float | None
    seconds: float
    processor_seconds: float | None


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a shipped estimator.

    Attributes
    ----------
    synth, sounds, seed : measured on ``drawn(seed, "test", 0, sounds)``
    refine_s : seconds of refinement of each sound; 0: none
    threads : of the refinement
    training : what the estimator's file says of how it was made
    stages : ``network`` alone, with the ``look``, and ``refined`` where that was asked for
    """

    synth: str
    sounds: int
    seed: int
    refine_s: float
    threads: int
    training: dict[str, Any]
    stages: dict[str, Stage]

    def as_json(self) -> dict[str, Any]:
        """The object of ``tonerig evaluate match --json``.

        At its top stand the figures of the last stage: what ``tonerig match`` answers. A refinement ranks no
        levels: then ranks, and what else it has not, are those of the look.
        """
        answered = {name: asdict(stage) for name, stage in self.stages.items()}
        head: dict[str, Any] = {}
        for stage in answered.values():
            parameters = head.get("parameters", {})
            merged = {name: parameters.get(name, {}) | found for name, found in stage["parameters"].items()}
            head |= {key: value for key, value in stage.items() if value is not None}
            head["parameters"] = merged
        told = asdict(self)
        del told["stages"]
        return told | head | answered


def evaluate_shipped(
    synth_name: str,
    sounds: int,
    seed: int,
    refine_s: float = 0.0,
    progress: Callable[[float], None] = lambda _: None,
    estimator: Path | None = None,
    threads: int | None = None,
) -> Evaluation:
    """Measure an estimator with what ``tonerig match`` does after it, one sound after another.

    The sounds are the synth's own, of a pitch that is known: finding the pitch is no part of this.

    Parameters
    ----------
    synth_name : whose sounds
    sounds : of the test part, from the first on
    seed : of the test part
    refine_s : seconds to refine each sound for; 0: no refinement
    progress : told the share that is done
    estimator : its file; None: the shipped one
    threads : of the refinement; None: as many as there are cores. Network and look have one.

    Raises
    ------
    EstimatorError
    UnknownSynthError
    """
    synth = matched_synth(synth_name)
    path = estimator or shipped_estimator(synth_name)
    loaded = load_estimator(path, synth)
    cores = threads or os.cpu_count() or 1
    truth = synth.drawn(seed, "test", 0, sounds)
    answers = _answers(loaded, truth, seed, refine_s, cores, progress)
    base = Spread.of(np.array(answers["network"].distances))
    stages = {name: _stage(synth, truth, answer, base) for name, answer in answers.items()}
    return Evaluation(synth_name, sounds, seed, refine_s, cores, dict(loaded.training), stages)


class _Answers:
    """What one stage says to sound after sound."""

    def __init__(self) -> None:
        self.values: list[NDArray[np.float64]] = []
        self.believed: list[Sequence[NDArray[Any]]] = []
        self.distances: list[float] = []
        self.seconds: list[float] = []
        self.processor_seconds: list[float] = []

    def took(self, begun: tuple[float, float]) -> None:
        """Since it began, see `_now`."""
        for times, now, then in zip((self.seconds, self.processor_seconds), _now(), begun, strict=True):
            times.append(now - then)

    def probabilities(self) -> list[NDArray[Any]] | None:
        """For each parameter shape (sounds, levels)."""
        if not self.believed:
            return None
        return [np.stack(column) for column in zip(*self.believed, strict=True)]


def _answers(
    estimator: Estimator,
    truth: NDArray[np.int64],
    seed: int,
    refine_s: float,
    threads: int,
    progress: Callable[[float], None],
) -> dict[str, _Answers]:
    from ...realtime.match.distance import Heard
    from ...realtime.match.look import look

    synth = estimator.synth
    network, looks, refinements = _Answers(), _Answers(), _Answers()
    for number in range(len(truth)):
        if number % RENDERED_AT_ONCE == 0:
            originals = reconstructed(synth, truth[number : number + RENDERED_AT_ONCE])
        sound = originals[number % RENDERED_AT_ONCE]
        begun = _now()
        told = [column[0] for column in estimator.probabilities(magnitudes(sound[None], synth.window))]
        likeliest = np.array([[int(np.argmax(column)) for column in told]])
        network.took(begun)
        heard = Heard(synth, sound)
        looked = look(heard, told, seed=seed + number)
        looks.took(begun)
        network.believed.append(told)
        network.values.append(synth.values(likeliest)[0])
        looks.believed.append(looked.probabilities)
        looks.values.append(looked.candidates[0].values)
        stages = [network, looks]
        if refine_s:
            from ...realtime.match.refine import refine

            refined = refine(
                heard,
                looked,
                seconds=refine_s,
                threads=threads,
                seed=seed + number,
                progress=partial(_tell, progress, number, len(truth)),
            )
            refinements.took(begun)
            refinements.values.append(refined[0].values)
            stages.append(refinements)
        made = synth.render(np.stack([stage.values[-1] for stage in stages]), threads=1)
        for stage, sound_made in zip(stages, made, strict=True):
            stage.distances.append(heard.parts(sound_made)["multi_resolution"])
        progress((number + 1) / len(truth))
    found = {"network": network, "look": looks}
    return found | {"refined": refinements} if refine_s else found


def _stage(synth: MatchedSynth, truth: NDArray[np.int64], answers: _Answers, base: Spread) -> Stage:
    values = np.stack(answers.values)
    turns, right = synth.turns(values), _turns(synth, truth)
    made = Reconstructed.of(compared(synth, synth.values(truth), values))
    knobs = measures.knob_errors(synth.parameters, turns, right)
    switches = measures.switch_accuracies(synth.parameters, turns, right)
    parameters: dict[str, dict[str, float]] = {name: {} for name in _names(synth)}
    mpr = calibration = of_medians = None
    probabilities = answers.probabilities()
    if probabilities is not None:
        ranks = measures.percentile_ranks(probabilities, truth)
        accuracies = measures.top_accuracies(probabilities, truth)
        for name, rank, top in zip(parameters, ranks, accuracies, strict=True):
            parameters[name] |= {"rank": float(rank), "top_1": float(top[0]), "top_5": float(top[-1])}
        mpr = float(ranks.mean())
        calibration = measures.calibration_error(*measures.confidences(probabilities, truth))
        middle = measures.middle_turns(synth.parameters, probabilities)
        of_medians = _mean(measures.knob_errors(synth.parameters, middle, right))
    for name, error in knobs.items():
        parameters[name]["error"] = error
    for name, share in switches.items():
        parameters[name]["right"] = share
    distance = Spread.of(np.array(answers.distances))
    return Stage(
        mpr=mpr,
        parameters=parameters,
        calibration_error=calibration,
        stft_pcc_mean=made.stft.mean,
        stft_pcc_median=made.stft.median,
        fourier_pcc_mean=made.fourier.mean,
        fourier_pcc_median=made.fourier.median,
        time_pcc_mean=made.time.mean,
        time_pcc_median=made.time.median,
        frobenius_mean=made.frobenius.mean,
        frobenius_median=made.frobenius.median,
        multi_resolution_mean=distance.mean,
        multi_resolution_median=distance.median,
        multi_resolution_mean_share=_share(distance.mean, base.mean),
        multi_resolution_median_share=_share(distance.median, base.median),
        knob_error=_mean(knobs),
        knob_error_of_medians=of_medians,
        switches_right=_mean(switches),
        seconds=float(np.mean(answers.seconds)),
        processor_seconds=float(np.mean(answers.processor_seconds)) if answers.believed else None,
    )


def _tell(progress: Callable[[float], None], done: int, count: int, part: float, _: float) -> None:
    """That ``done`` sounds of ``count`` and this part of the next one are refined."""
    progress((done + part) / count)


def _now() -> tuple[float, float]:
    """Seconds on the wall, and of the processors in this process."""
    return time.perf_counter(), time.process_time()


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _mean(shares: dict[str, float]) -> float | None:
    return float(np.mean(list(shares.values()))) if shares else None


def _turns(synth: MatchedSynth, levels: NDArray[np.int64]) -> NDArray[np.float64]:
    return levels / (np.array(synth.levels) - 1.0)


def _names(synth: MatchedSynth) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in synth.parameters)
