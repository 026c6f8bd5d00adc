"""Training one effect: from a configuration to an ONNX model that the engine plays."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ...export.model import Knob
from ...export.streaming import write_onnx
from ...export.torch_module import from_torch
from ...export.writing import write_bytes
from ...realtime.cluster import open_cluster
from ..keeping import Keeper, keep
from ..losses import training_loss
from .beginning import begin_gain
from .config import ESTIMATED, TrainingConfig, TrainingError, make_network
from .data import Lesson, batches, held_out_pairs, make_lesson, recorded_lesson
from .evaluate import esr_of, evaluate, loudness_db, run_network
from .learners import estimate
from .networks import detached
from .play import play_model
from .response import finish_response, solve_response
from .teachers import Teacher, find_teacher

Batch: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
CHECKPOINT = "last.ckpt"
IDENTITY = "config.json"
PLACE = "place in the budget"
SCALES = {"exponent": 4.0, "corners": 4.0, "widths": 4.0, "gains": 4.0, "taps": 0.02}
"""Learning rates beside the others': logarithms go a long way, and the many taps of a filter are small."""
EASY = 0.4
"""Part of the budget for which the tone controls stand at their defaults."""
STEEPEST = 1.0
"""Norm that gradients are cut to: a loud attack must not throw the weights far."""
SOLVED_AT = (1, 10, 25, 50, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200)
"""Batches after which the filter is solved for by least squares: descent alone is slow to find it."""
SOLVED_CLOSELY_AT = (EASY, 0.5, 0.65, 0.8, 0.9)
"""Parts of the budget after which it is solved for closely, with all that the knobs do to it."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    fraction : of the budget, 0 to 1
    step : batches so far
    elapsed_s : seconds of training so far, those before an interruption included
    loss : of the last batch; None where a network is estimated at once
    validation_esr : on the sound that is held back, when last looked; None before the first time
    """

    fraction: float
    step: int
    elapsed_s: float
    loss: float | None
    validation_esr: float | None


class EffectTraining(lightning.LightningModule):
    """A network with its loss, its falling learning rate, and its place in the budget."""

    def __init__(
        self,
        config: TrainingConfig,
        lesson: Lesson,
        knobs: Sequence[Knob],
        report: Callable[[Progress], None],
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.config, self.recipe = config, config.training_recipe
        self.lesson, self.report = lesson, report
        self.keeper = Keeper(config.run / CHECKPOINT)
        if self.recipe.spectral_weight and find_spec("auraloss") is None:
            raise TrainingError("the spectral loss needs auraloss; install it, or set spectral_weight to 0")
        self.network = make_network(config.network, knobs, config.taps)
        self.loss = training_loss(self.recipe.spectral_weight, self.recipe.emphasis_weight)
        memory = self.network.receptive_field
        self.warm_up = self.recipe.warm_up if memory is None else memory - 1
        self.validation_esr: float | None = None
        self.best_esr, self.worse = math.inf, 0
        self.step, self.elapsed_s = 0, 0.0
        self._since = time.monotonic()

    @property
    def fraction(self) -> float:
        """Of the budget that is spent."""
        if self.config.steps is not None:
            return min(1.0, self.step / self.config.steps)
        return min(1.0, self.elapsed_s / (60.0 * self.config.minutes))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[PLACE] = {
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "best_esr": self.best_esr,
            "worse": self.worse,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        for name, value in checkpoint[PLACE].items():
            setattr(self, name, value)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        scales: dict[float, list[torch.nn.Parameter]] = {}
        for name, parameter in self.network.named_parameters():
            last = name.rpartition(".")[2]
            scale = SCALES.get(last, 1.0)
            scales.setdefault(scale, []).append(parameter)
        groups = [{"params": parameters, "scale": scale} for scale, parameters in scales.items()]
        return torch.optim.Adam(groups, lr=self.recipe.learning_rate)

    def train_dataloader(self) -> Iterable[Any]:
        frames = self.warm_up + self.recipe.segment
        return DataLoader(_Stream(self._drawn(frames)), batch_size=None)

    def _drawn(self, frames: int) -> Iterator[Batch]:
        """Batches of the easy pairs at first, then of all; both are drawn, so that their numbers agree."""
        easy, all_ = (
            batches(pairs, self.recipe.batch, frames, self.config.seed, self.step)
            for pairs in (self.lesson.easy, self.lesson.pairs)
        )
        for first, second in zip(easy, all_, strict=True):
            yield first if self.fraction < EASY else second

    def on_train_start(self) -> None:
        self._since = time.monotonic()
        if self.fraction >= 1.0:
            self.trainer.should_stop = True

    def training_step(self, batch: Batch) -> Tensor:
        """Hear the warm-up, then take an optimiser step after every ``truncation`` frames."""
        dry, wet, turns, level = batch
        optimizer: Any = self.optimizers()
        for group in optimizer.param_groups:
            group["lr"] = group["scale"] * self.recipe.learning_rate * _falling(self.fraction)
        state = self.network.hear(dry[:, : self.warm_up], turns)
        losses = []
        for part in range(self.warm_up, dry.shape[1], self.recipe.truncation):
            end = part + self.recipe.truncation
            output, state = self.network(dry[:, part:end], state, turns)
            loss = self.loss(output / level, wet[:, part:end] / level)
            optimizer.zero_grad()
            self.manual_backward(loss)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), STEEPEST)
            optimizer.step()
            state = detached(state)
            losses.append(loss.detach())
        return torch.stack(losses).mean()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        before = self.fraction
        now = time.monotonic()
        self.step += 1
        self.elapsed_s += now - self._since
        self._since = now
        if self.network.response is not None:
            if any(before < part <= self.fraction for part in SOLVED_CLOSELY_AT):
                solve_response(self.network, self.lesson.pairs, last=True)
            elif self.step in SOLVED_AT and self.fraction < EASY:
                solve_response(self.network, self.lesson.easy)
        looks = self.config.looks
        if int(looks * self.fraction) > int(looks * before):
            self.validation_esr = esr_of(self.network, self.lesson.held_back)
            self.worse = 0 if self.validation_esr < self.best_esr else self.worse + 1
            self.best_esr = min(self.best_esr, self.validation_esr)
        loss = float(outputs["loss"])
        if not math.isfinite(loss):
            raise TrainingError(f"the loss became {loss} at step {self.step}; lower the learning rate")
        self.keeper.batch_counted(self.trainer)
        self.report(Progress(self.fraction, self.step, self.elapsed_s, loss, self.validation_esr))
        if self.fraction >= 1.0 or 0 < self.config.patience <= self.worse:
            self.trainer.should_stop = True


class _Stream(IterableDataset[Batch]):
    """An iterator in the form that a DataLoader takes."""

    def __init__(self, drawn: Iterable[Batch]) -> None:
        self.drawn = drawn

    def __iter__(self) -> Any:
        return iter(self.drawn)


def _falling(fraction: float) -> float:
    """From 1 to a hundredth along half a cosine."""
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * fraction))


def train_effect(
    config: TrainingConfig,
    progress: Callable[[Progress], None] = lambda _: None,
    cluster: str | None = None,
) -> Path:
    """Train a network on a teacher, write it as streaming ONNX, and its result beside it as JSON.

    An interrupted run leaves a checkpoint in ``config.run``, from which the next call goes on.

    Parameters
    ----------
    config : what to train
    progress : called after every batch
    cluster : where the teacher's sound is made, as for `open_cluster`; the training itself runs here

    Returns
    -------
    Path
        Of the model, ``config.output``.

    Raises
    ------
    TrainingError, TeacherError, ParameterError
        If the run cannot be done as configured.
    ClusterError
        If the cluster cannot be reached or is lost.
    """
    teacher = None if config.dry is not None else find_teacher(config.teacher)
    knobs = [] if teacher is None else learnt_knobs(teacher, config.knobs)
    checkpoint = _checkpoint(config)
    lightning.seed_everything(config.seed, verbose=False)
    lesson = _lesson(teacher, config, cluster)
    config = dataclasses.replace(config, rate=lesson.pairs[0].rate)
    held_out = lesson.held_back if teacher is None else held_out_pairs(teacher, config.rate, config.settings)
    if config.network in ESTIMATED:
        model = estimate(
            config.network, lesson.pairs, lambda part: progress(Progress(part, 0, 0.0, None, None))
        )
        play = partial(play_model, model)
    else:
        training = EffectTraining(config, lesson, knobs, progress)
        if checkpoint is None and teacher is not None:
            begin_gain(training.network, teacher, config)
        _fit(training, config, checkpoint)
        network = training.network.cpu().eval()
        if network.response is not None:
            finish_response(network, lesson.pairs, lesson.held_back)
        network.settle(round(config.rate))
        model = from_torch(network, sample_rate=config.rate)
        play = partial(run_network, network)
    result = evaluate(play, held_out)
    learnt = teacher.name if teacher is not None else lesson.pairs[0].name
    metadata = dataclasses.replace(
        model.metadata,
        name=config.name or f"{learnt} {config.network}",
        gear_type=config.gear_type,
        loudness_db=loudness_db(play, config.rate),
        validation_esr=result.overall.esr,
    )
    write_onnx(dataclasses.replace(model, metadata=metadata), config.output)
    result.write(config.output.with_suffix(".json"))
    return config.output


def _estimating(progress: Callable[[Progress], None], part: float) -> None:
    progress(Progress(part, 0, 0.0, None, None))


def _lesson(teacher: Teacher | None, config: TrainingConfig, cluster: str | None) -> Lesson:
    """What is learnt from; a cluster is left again before the training begins."""
    if cluster is None:
        return recorded_lesson(config) if teacher is None else make_lesson(teacher, config)
    if teacher is None:
        raise TrainingError("a recording has its wet sound already; give a cluster for a teacher's alone")
    with open_cluster(cluster) as workers:
        return make_lesson(teacher, config, workers)


def learnt_knobs(teacher: Teacher, names: Sequence[str]) -> list[Knob]:
    """Parameters of a teacher as the knobs of a model.

    Raises
    ------
    TrainingError
        If it has none of that name, or only a switch.
    """
    known = {p.name: p for p in teacher.parameters if not p.choices}
    for name in names:
        if name not in known:
            raise TrainingError(f"{teacher.name} has no knob {name!r} to learn; it has {', '.join(known)}")
    chosen = [known[name] for name in names]
    return [Knob(p.name, p.minimum, p.maximum, p.default, p.unit, p.curve, p.description) for p in chosen]


def _fit(training: EffectTraining, config: TrainingConfig, checkpoint: Path | None) -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        trainer = lightning.Trainer(
            accelerator=config.device,
            devices=config.devices,
            precision=config.precision,
            max_epochs=-1,
            logger=False,
            callbacks=[training.keeper],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(training, ckpt_path=checkpoint, weights_only=True)
    keep(trainer, config.run / CHECKPOINT)


def _loadable(path: Path) -> Path:
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{path.name}: this is no whole checkpoint ({str(error).splitlines()[0]}); "
            "delete it, or do not resume"
        ) from None
    return path


def _checkpoint(config: TrainingConfig) -> Path | None:
    """The checkpoint to go on from, if any; makes the folders and notes what is trained in the run's."""
    if config.output.suffix != ".onnx":
        raise TrainingError(f"{config.output.name}: a trained model is written as .onnx; give it that suffix")
    for folder in (config.output.absolute().parent, config.run):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(
                f"{folder}: cannot be made ({error.strerror}); choose another folder"
            ) from None
        if not os.access(folder, os.W_OK):
            raise TrainingError(f"{folder}: cannot be written to; choose another folder")
    path, note = config.run / CHECKPOINT, config.run / IDENTITY
    wanted = json.loads(json.dumps(config.identity()))
    if config.resume and path.exists() and note.exists():
        found = json.loads(note.read_text(encoding="utf-8"))
        if found == wanted:
            return _loadable(path)
        changed = sorted(key for key in wanted if found.get(key) != wanted[key])
        raise TrainingError(
            f"{path}: this checkpoint is of another run (different: {', '.join(changed)}); "
            "choose another run folder, or do not resume"
        )
    path.unlink(missing_ok=True)
    write_bytes(note, json.dumps(wanted, indent=2).encode("ascii"))
    return None
