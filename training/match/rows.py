"""Rows of the tables: a model trained within a budget, measured on unseen sounds, its figures kept.

A row that is there already is not made again; one that was interrupted goes on.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy.special
import torch
from numpy.typing import NDArray
from torch import nn

from ...export.writing import write_bytes
from ...realtime.match.estimator import probabilities
from ...realtime.match.synths import MatchedSynth, matched_synth
from .data import Sounds
from .evaluate import figures_of, reconstructed
from .figures import draw_examples, draw_losses, draw_top_accuracies
from .models import HEARS, MODELS
from .onnx_file import write_estimator
from .plan import OURS, PAPER_RECIPE, Loss, MatchTrainingError, Plan, recipe_of
from .representations import Representation, fit_representation, load_representation
from .results import Losses, read_figures, write_figures
from .tables import budget_table, in_order, table_3, table_4, top_table
from .train import (
    AT_ONCE,
    WEIGHTS,
    Listener,
    Progress,
    curves_of,
    logits_of,
    make_network,
    plan_of,
    train_model,
)

FIGURES, ESTIMATOR, TABLES = "figures.json", "estimator.onnx", "tables.md"
FITTED_ON = 2000
"""Sounds that words and hand-crafted features are fitted to."""
PRECISIONS = {"32-true": "float32", "bf16-mixed": "bfloat16"}
EXAMPLES = 4
"""Sounds of the pictures: the first of the test part."""
SHOWN = ("tonerig", "conv6xl", "conv6", "conve2e", "hc3", "hc", "fc2", "fc-linear")
"""Models whose reconstructions are shown, those of the paper's Figure 6 and ours."""
Show = Callable[[str, Progress], None]


@dataclass(frozen=True)
class Budget:
    """What every row of a table has alike.

    Attributes
    ----------
    sounds, epochs : different sounds, and how often each is heard
    test_sounds : unseen ones that it is measured on
    seed : of all draws
    device : Lightning's name
    precision : instead of the recipe's
    """

    sounds: int
    epochs: int
    test_sounds: int
    seed: int
    device: str = "auto"
    precision: str | None = None

    def plan(self, model: str, synth: str, folder: Path) -> Plan:
        """The training of one row."""
        recipe = recipe_of(model)
        if self.precision is not None:
            if self.precision not in PRECISIONS:
                expected = " or ".join(PRECISIONS)
                raise MatchTrainingError(f"precision is {self.precision!r}, expected {expected}")
            recipe = dataclasses.replace(recipe, precision=cast(Any, self.precision))
        return Plan(model, folder, self.sounds, self.epochs, synth, recipe, self.seed, self.device)


def run_table(
    budget: Budget, synth: str, folder: Path, *, resume: bool = True, progress: Show = lambda *_: None
) -> Path:
    """All models within one budget, each in a folder of its own, then tables and pictures of all.

    Returns
    -------
    Path
        Of the tables, as Markdown.
    """
    models = (*MODELS, OURS) if synth == "four" else (OURS,)
    for model in models:
        run_row(model, budget, synth, folder / model, resume=resume, progress=progress)
    return write_tables(folder, synth)


def run_row(
    model: str,
    budget: Budget,
    synth: str,
    folder: Path,
    *,
    resume: bool = True,
    progress: Show = lambda *_: None,
) -> Path:
    """Train one model within a budget, measure it, and write its figures.

    A model that hears spectrograms is written as an estimator, too.

    Returns
    -------
    Path
        Of the figures.

    Raises
    ------
    MatchTrainingError
        If it cannot be done as asked.
    """
    plan, matched = budget.plan(model, synth, folder), matched_synth(synth)
    make_network(model, matched)  # says at once whether there is one
    representation = _representation(model, matched, budget.seed, folder.parent)
    prepared = None if representation is None else _prepared(representation, model, plan, folder.parent)
    show = partial(progress, model)
    network = train_model(
        plan, resume=resume, representation=representation, prepared=prepared, progress=show
    )
    curves = curves_of(folder)
    listener = Listener(model, matched, representation)
    truth = Sounds(matched, "test", budget.seed).levels(np.arange(budget.test_sounds))
    figures = figures_of(
        scores_of(network, listener, truth, plan.recipe.loss),
        truth,
        matched,
        model=model,
        seed=budget.seed,
        weights=curves["parameters"],
        sounds_seen=plan.steps * plan.recipe.batch,
        epochs=plan.epochs,
        seconds=curves["elapsed_s"],
        hardware=hardware(plan.device),
        precision=PRECISIONS[plan.recipe.precision],
        losses=Losses(train=tuple(curves["train"]), validation=tuple(curves["validation"])),
    )
    if listener.kind == "spectrogram":
        write_estimator(cast(nn.Sequential, network), matched, plan_of(plan), folder / ESTIMATOR)
    return write_figures(figures, folder / FIGURES)


def write_tables(folder: Path, synth: str) -> Path:
    """Tables and pictures of the rows that a folder holds."""
    rows = {path.parent.name: read_figures(path) for path in sorted(folder.glob(f"*/{FIGURES}"))}
    columns = in_order(rows)
    losses = {
        f.model: {"train": f.losses.train, "validation": f.losses.validation}
        for f in columns
        if recipe_of(f.model).loss == PAPER_RECIPE.loss  # no other loss can be compared with them
    }
    draw_losses(losses, folder / "losses.png", measured="tenth of the training")
    draw_top_accuracies(rows, folder / "top.png")
    shown = [model for model in SHOWN if model in rows]
    _draw_examples([folder / model for model in shown], matched_synth(synth), folder / "examples.png")
    parts = (budget_table, table_3, table_4, top_table)
    write_bytes(folder / TABLES, "\n".join(part(rows) for part in parts).encode())
    return folder / TABLES


def _draw_examples(folders: Sequence[Path], synth: MatchedSynth, path: Path) -> None:
    made = {}
    for folder in folders:
        seed = read_figures(folder / FIGURES).seed
        truth = Sounds(synth, "test", seed).levels(np.arange(EXAMPLES))
        network = make_network(folder.name, synth)
        network.load_state_dict(torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True))
        listener = Listener(folder.name, synth, _representation(folder.name, synth, seed, folder.parent))
        scores = scores_of(network, listener, truth, recipe_of(folder.name).loss)
        levels = np.stack([part.argmax(axis=1) for part in scores], axis=1)
        made[folder.name] = reconstructed(synth, levels)
    if made:
        draw_examples(
            reconstructed(synth, truth), made, synth.rate, path, numbers=range(EXAMPLES), window=synth.window
        )


def scores_of(
    network: nn.Module, listener: Listener, truth: NDArray[np.int64], loss: Loss
) -> list[NDArray[np.float32]]:
    """What a network believes of each level of each parameter of rendered sounds: probabilities."""
    network.eval()
    told = []
    for first in range(0, len(truth), AT_ONCE):
        sounds = listener.synth.render(listener.synth.values(truth[first : first + AT_ONCE]))
        told.append(logits_of(network, listener(torch.from_numpy(sounds))).numpy())
    logits, counts = np.concatenate(told), listener.synth.levels
    if loss == "levels":
        return probabilities(logits, counts)
    return np.split(scipy.special.expit(logits), np.cumsum(counts)[:-1], axis=1)


def hardware(device: str) -> str:
    """What a training runs on, in words."""
    if device in ("cuda", "auto") and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' if threads > 1 else ''} of {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _representation(model: str, synth: MatchedSynth, seed: int, shared: Path) -> Representation | None:
    """Words or hand-crafted features, fitted to the first sounds; kept for the other rows of a table."""
    if model == OURS or HEARS[model] in ("spectrogram", "sound"):
        return None
    path = shared / f"{HEARS[model]}-{seed}.npz"
    if not path.exists():
        sounds = Sounds(synth, "train", seed)
        numbers = np.array_split(np.arange(FITTED_ON), max(1, FITTED_ON // AT_ONCE))
        batches = (sounds.rendered(sounds.levels(some)) for some in numbers)
        shared.mkdir(parents=True, exist_ok=True)
        fit_representation(HEARS[model], batches).save(path)
    return load_representation(path)


def _prepared(representation: Representation, model: str, plan: Plan, shared: Path) -> NDArray[np.float32]:
    """What a representation makes of all the plan's sounds, shape (sounds, size); kept for other rows."""
    path = shared / f"{HEARS[model]}-{plan.seed}-{plan.sounds}.npy"
    if not path.exists():
        sounds = Sounds(plan.matched, "train", plan.seed)
        numbers = np.array_split(np.arange(plan.sounds), max(1, plan.sounds // AT_ONCE))
        made = [representation(sounds.rendered(sounds.levels(some))) for some in numbers]
        unfinished = path.with_suffix(".unfinished.npy")
        np.save(unfinished, np.concatenate(made))
        unfinished.replace(path)
    return cast(NDArray[np.float32], np.load(path, allow_pickle=False))
