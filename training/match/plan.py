"""What a training of an estimator is: which model, which sounds, how often, and by which recipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ...realtime.match.synths import MatchedSynth, matched_synth

OURS = "tonerig"
"""The model that is shipped, see `ours`."""
Loss: TypeAlias = Literal["binary", "levels"]


class MatchTrainingError(ValueError):
    """A training of an estimator that cannot be done as asked."""


@dataclass(frozen=True)
class Recipe:
    """How weights are moved.

    Attributes
    ----------
    loss : "binary": every level by itself, as in the paper; "levels": see `losses.levels_loss`
    batch : sounds a step
    learning_rate : of Adam, at its highest
    falls : whether it rises over the first steps and then falls along half a cosine to nothing
    precision : Lightning's name for it
    """

    loss: Loss
    batch: int
    learning_rate: float
    falls: bool
    precision: Literal["32-true", "bf16-mixed"]


PAPER_RECIPE = Recipe("binary", 16, 1e-3, falls=False, precision="32-true")
"""Section 6 of the paper: binary cross entropy, Adam, batches of 16."""
OUR_RECIPE = Recipe("levels", 64, 2e-3, falls=True, precision="bf16-mixed")


def recipe_of(model: str) -> Recipe:
    """The recipe that a model is trained by."""
    return OUR_RECIPE if model == OURS else PAPER_RECIPE


@dataclass(frozen=True)
class Plan:
    """One training.

    Attributes
    ----------
    model : a name of `models.MODELS`, or `OURS`
    folder : where checkpoint, curves and report are kept, and the estimator where the model can be one
    sounds : different sounds
    epochs : how often each is seen
    synth : whose
    recipe : how weights are moved
    seed : of sounds, order and weights
    device : Lightning's name: auto, cpu, cuda, mps
    looks : how often the validation sounds are looked at
    """

    model: str
    folder: Path
    sounds: int
    epochs: int
    synth: str = "four"
    recipe: Recipe = OUR_RECIPE
    seed: int = 0
    device: str = "auto"
    looks: int = 10

    def __post_init__(self) -> None:
        if min(self.sounds // self.recipe.batch, self.epochs) < 1:
            raise MatchTrainingError(
                f"{self.sounds} sounds, {self.epochs} times: give at least {self.recipe.batch} sounds, once"
            )
        matched_synth(self.synth)

    @property
    def matched(self) -> MatchedSynth:
        """The synthesizer."""
        return matched_synth(self.synth)

    @property
    def steps(self) -> int:
        """Steps in all; what is left over of an epoch's last batch is left out."""
        return self.epochs * (self.sounds // self.recipe.batch)

    def identity(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to be gone on from."""
        told = asdict(self)
        for name in ("folder", "device", "looks"):
            del told[name]
        return told
