"""Training a model to tell a synthesizer's parameters from its sounds, with checkpoints to go on from."""

from __future__ import annotations

import json
import logging
import math
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.utils.data import DataLoader, IterableDataset

from ...export.writing import write_bytes
from ...realtime.match.spectrogram import HOP
from ...realtime.match.synths import MatchedSynth
from ..keeping import Keeper, keep
from .data import Sounds, order
from .losses import binary_loss, levels_loss
from .models import HEARS, MODELS, make_model
from .ours import make_estimator
from .plan import OURS, MatchTrainingError, Plan
from .representations import Representation

CHECKPOINT, IDENTITY, WEIGHTS, CURVES = "last.ckpt", "plan.json", "weights.pt", "curves.json"
VALIDATION_SOUNDS = 512
AT_ONCE = 256
"""Sounds that are heard at once where nothing is learnt."""
PLACE = "place in the plan"
UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, TypeError, pickle.UnpicklingError)
"""What reading weights raises where they are not whole."""
WARM_UP = 200
"""Steps over which a rate that falls rises first."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes
    ----------
    fraction : of the plan, 0 to 1
    sounds : heard so far, the same one again included
    elapsed_s : seconds of training, those before an interruption included
    loss : mean since the last look
    validation_loss : when last looked; None before the first time
    """

    fraction: float
    sounds: int
    elapsed_s: float
    loss: float
    validation_loss: float | None


def heard(sounds: Tensor, synth: MatchedSynth) -> Tensor:
    """`realtime.match.spectrogram.magnitudes` on the tensor's device."""
    windows = -(-sounds.shape[1] // HOP)
    missing = (windows - 1) * HOP + synth.window - sounds.shape[1]
    padded = nn.functional.pad(sounds, (0, max(0, missing)))[:, : (windows - 1) * HOP + synth.window]
    hann = torch.hann_window(synth.window, device=sounds.device)
    spectra = torch.stft(padded, synth.window, HOP, window=hann, center=False, return_complex=True)
    return spectra.abs().transpose(1, 2)


def make_network(model: str, synth: MatchedSynth) -> nn.Module:
    """A model by name.

    Raises
    ------
    MatchTrainingError
        If there is none of that name, or not for this synthesizer.
    """
    if model == OURS:
        return make_estimator(synth)
    if model not in MODELS:
        raise MatchTrainingError(f"there is no model {model!r}; there are {OURS}, {', '.join(MODELS)}")
    if synth.name != "four":
        raise MatchTrainingError(f"{model} is made for the synth 'four'; for {synth.name!r} there is {OURS}")
    return convert_conv2d_weight_memory_format(make_model(model), torch.channels_last)


class Listener:
    """What a model hears of sounds."""

    def __init__(self, model: str, synth: MatchedSynth, representation: Representation | None) -> None:
        self.kind = "spectrogram" if model == OURS else HEARS[model]
        self.synth, self.representation = synth, representation

    def __call__(self, sounds: Tensor) -> Tensor:
        """From sounds, shape (sounds, frames), to the model's input."""
        if self.kind == "spectrogram":
            return heard(sounds, self.synth)
        if self.kind == "sound":
            return sounds
        assert self.representation is not None
        return torch.from_numpy(self.representation(sounds.cpu().numpy())).to(sounds.device)


class MatchTraining(lightning.LightningModule):
    """A network with its loss, its learning rate and its place in the plan."""

    def __init__(
        self,
        plan: Plan,
        representation: Representation | None,
        prepared: NDArray[np.float32] | None,
        report: Callable[[Progress], None],
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.plan, self.recipe, self.report, self.prepared = plan, plan.recipe, report, prepared
        self.network = make_network(plan.model, plan.matched)
        self.listener = Listener(plan.model, plan.matched, representation)
        self.sounds = Sounds(plan.matched, "train", plan.seed)
        self.keeper = Keeper(plan.folder / CHECKPOINT)
        self.place: dict[str, Any] = {"step": 0, "elapsed_s": 0.0, "train": [], "validation": [], "at": []}
        self._losses: list[float] = []
        self._since = time.monotonic()
        self._validation: tuple[Tensor, Tensor] | None = None

    @property
    def fraction(self) -> float:
        """Of the plan that is done."""
        return float(self.place["step"] / self.plan.steps)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[PLACE] = self.place

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.place = checkpoint[PLACE]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), lr=self.recipe.learning_rate)

    def train_dataloader(self) -> Any:
        return DataLoader(_Batches(self), batch_size=None)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """What is left of the plan: sounds, or what was prepared of them, and levels."""
        plan = self.plan
        for numbers in order(plan.seed, plan.sounds, plan.epochs, self.recipe.batch, self.place["step"]):
            levels = self.sounds.levels(numbers)
            x = self.sounds.rendered(levels) if self.prepared is None else self.prepared[numbers]
            yield torch.from_numpy(x), torch.from_numpy(levels)

    def loss(self, logits: Tensor, levels: Tensor) -> Tensor:
        """By the recipe; in single precision."""
        counts = self.plan.matched.levels
        if self.recipe.loss == "binary":
            return binary_loss(logits.float(), levels, counts)
        switches = [bool(parameter.choices) for parameter in self.plan.matched.parameters]
        return levels_loss(logits.float(), levels, counts, switches)

    def on_train_start(self) -> None:
        self._since = time.monotonic()
        if self.fraction >= 1.0:
            self.trainer.should_stop = True

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, levels = batch
        optimizer: Any = self.optimizers()
        for group in optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * (self._share() if self.recipe.falls else 1.0)
        loss = self.loss(self.network(self.listener(x) if self.prepared is None else x), levels)
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return loss.detach()

    def _share(self) -> float:
        """Of the highest learning rate: up over the first steps, then down half a cosine."""
        rising = min(1.0, (self.place["step"] + 1) / WARM_UP)
        return rising * 0.5 * (1.0 + math.cos(math.pi * self.fraction))

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        place, before = self.place, self.fraction
        self._losses.append(float(outputs["loss"]))
        if not math.isfinite(self._losses[-1]):
            raise MatchTrainingError(f"the loss became {self._losses[-1]} at step {place['step']}")
        place["step"] += 1
        now = time.monotonic()
        place["elapsed_s"] += now - self._since
        if int(self.plan.looks * self.fraction) > int(self.plan.looks * before):
            place["at"].append(place["step"] * self.recipe.batch)
            place["train"].append(sum(self._losses) / len(self._losses))
            place["validation"].append(self._validation_loss())
            self._losses.clear()
        self._since = time.monotonic()  # looks are no training
        self.keeper.batch_counted(self.trainer)
        self.report(
            Progress(
                self.fraction,
                place["step"] * self.recipe.batch,
                place["elapsed_s"],
                sum(self._losses) / len(self._losses) if self._losses else place["train"][-1],
                place["validation"][-1] if place["validation"] else None,
            )
        )
        if self.fraction >= 1.0:
            self.trainer.should_stop = True

    def _validation_loss(self) -> float:
        if self._validation is None:
            sounds = Sounds(self.plan.matched, "validation", self.plan.seed)
            levels = sounds.levels(np.arange(VALIDATION_SOUNDS))
            x = [
                self.listener(torch.from_numpy(sounds.rendered(part)))
                for part in np.array_split(levels, VALIDATION_SOUNDS // AT_ONCE)
            ]
            self._validation = torch.cat(x), torch.from_numpy(levels)
        x_all, right = self._validation
        told = logits_of(self.network, x_all)
        return float(self.loss(told, right))


class _Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """The plan's batches in the form that a DataLoader takes."""

    def __init__(self, training: MatchTraining) -> None:
        self.training = training

    def __iter__(self) -> Any:
        return self.training.batches()


def logits_of(network: nn.Module, x: Tensor) -> Tensor:
    """What a network tells, without learning, on the network's device; the answer is on the CPU."""
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    with torch.no_grad():
        told = torch.cat([network(part.to(device)).float().cpu() for part in torch.split(x, AT_ONCE)])
    network.train(was_training)
    return told


def train_model(
    plan: Plan,
    *,
    resume: bool = True,
    representation: Representation | None = None,
    prepared: NDArray[np.float32] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> nn.Module:
    """Train a model as planned; its weights, curves and plan are kept in the plan's folder.

    Parameters
    ----------
    resume : go on from the folder's checkpoint, or take its weights when the plan was carried out before
    representation : where the model hears words or hand-crafted features
    prepared : what it makes of the plan's sounds, shape (sounds, size)
    progress : called after every step

    Raises
    ------
    MatchTrainingError
        If the folder holds another plan's checkpoint or cannot be written to.
    """
    checkpoint = _checkpoint(plan, resume)
    lightning.seed_everything(plan.seed, verbose=False)
    training = MatchTraining(plan, representation, prepared, progress)
    weights = plan.folder / WEIGHTS
    if checkpoint is not None and weights.exists():
        try:
            training.network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        except UNREADABLE:
            raise MatchTrainingError(f"{weights}: cannot be read; give --fresh to train again") from None
        return training.network.eval()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        trainer = lightning.Trainer(
            accelerator=_accelerator(plan.device),
            devices=1,
            precision=plan.recipe.precision,
            max_epochs=-1,
            logger=False,
            callbacks=[training.keeper],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        try:
            trainer.fit(training, ckpt_path=checkpoint, weights_only=True)
        except SystemExit:  # what Lightning makes of an interruption
            raise KeyboardInterrupt from None
    keep(trainer, plan.folder / CHECKPOINT)
    network = training.network.cpu().eval()
    curves = {**training.place, "parameters": sum(p.numel() for p in network.parameters())}
    write_bytes(plan.folder / CURVES, json.dumps(curves).encode("ascii"))
    unfinished = weights.with_suffix(".unfinished")
    torch.save(network.state_dict(), unfinished)
    unfinished.replace(weights)
    return network


def _checkpoint(plan: Plan, resume: bool) -> Path | None:
    """The checkpoint to go on from, if any; notes what is trained in the plan's folder."""
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MatchTrainingError(f"{plan.folder}: cannot be made ({error.strerror})") from None
    if not os.access(plan.folder, os.W_OK):
        raise MatchTrainingError(f"{plan.folder}: cannot be written to; choose another folder")
    path, note = plan.folder / CHECKPOINT, plan.folder / IDENTITY
    wanted = json.loads(json.dumps(plan.identity()))
    if resume and path.exists() and note.exists():
        found = _table(note)
        if found != wanted:
            changed = sorted(key for key in wanted if found.get(key) != wanted[key])
            raise MatchTrainingError(
                f"{path}: this checkpoint is of another plan (different: {', '.join(changed)}); "
                "choose another folder, or start afresh"
            )
        return _loadable(path)
    for file in (path, plan.folder / WEIGHTS, plan.folder / CURVES):
        file.unlink(missing_ok=True)
    write_bytes(note, json.dumps(wanted, indent=2).encode("ascii"))
    return None


def _loadable(path: Path) -> Path:
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise MatchTrainingError(
            f"{path.name}: this is no whole checkpoint ({why}); delete it, or do not resume"
        ) from None
    return path


def _accelerator(device: str) -> str:
    """Lightning's name of a device, if this machine has it."""
    there = {
        "auto": True,
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device, False):
        usable = ", ".join(name for name, is_there in there.items() if is_there)
        raise MatchTrainingError(f"there is no device {device!r:.40} here; choose of {usable}")
    return device


def _table(path: Path) -> dict[str, Any]:
    """A JSON object that a training left in its folder."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise MatchTrainingError(f"{path}: cannot be read; give --fresh to train again")
    return found


def curves_of(folder: Path) -> dict[str, Any]:
    """The curves that a finished training left: sounds heard, training and validation losses, seconds."""
    found = _table(folder / CURVES)
    if missing := {"parameters", "elapsed_s", "train", "validation"} - set(found):
        what = ", ".join(sorted(missing))
        raise MatchTrainingError(f"{folder / CURVES}: says nothing of {what}; give --fresh to train again")
    return found


def plan_of(plan: Plan) -> dict[str, Any]:
    """A plan as an estimator's file tells it."""
    told = asdict(plan)
    return {name: told[name] for name in ("model", "sounds", "epochs", "seed", "recipe")}
