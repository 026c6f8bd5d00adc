"""What one training run is: teacher, network, data, recipe and budget, as data or as a TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from .networks import A1_SHAPES, LstmNetwork, WaveNetNetwork
from .teachers import find_teacher, preferred_amp

SPECTRAL_FRAMES = 2048
"""The longest window of the spectral distance."""


class TrainingError(ValueError):
    """A training run that cannot be done as it was asked for."""


@dataclass(frozen=True)
class Recipe:
    """How a kind of network is trained.

    Attributes
    ----------
    batch : segments heard at once
    segment : frames of each that count towards the loss
    warm_up : frames before them that only fill the network's memory; a WaveNet takes its receptive field
    truncation : frames between two steps of the optimiser, over which gradients flow
    learning_rate : of Adam at the start; it falls to a hundredth along half a cosine
    spectral_weight, emphasis_weight : see `losses.training_loss`
    """

    batch: int = 16
    segment: int = 8192
    warm_up: int = 0
    truncation: int = 8192
    learning_rate: float = 4e-3
    spectral_weight: float = 2e-3
    emphasis_weight: float = 0.0

    def __post_init__(self) -> None:
        if min(self.batch, self.segment, self.truncation) < 1 or self.warm_up < 0:
            raise TrainingError("batch, segment and truncation must be 1 or more, warm_up 0 or more")
        if self.segment % self.truncation:
            raise TrainingError(
                f"segment is {self.segment} and truncation {self.truncation}; "
                "a segment must be a multiple of it"
            )
        if self.spectral_weight and self.truncation < SPECTRAL_FRAMES:
            raise TrainingError(
                f"truncation is {self.truncation}, expected {SPECTRAL_FRAMES} or more "
                "for a spectral_weight above 0"
            )


RECIPES: dict[str, Recipe] = {
    "wavenet": Recipe(),
    "lstm": Recipe(batch=16, segment=16384, warm_up=2048, truncation=2048, learning_rate=5e-3),
}
"""The recipe of each kind of network, by the first word of its name."""


def make_network(name: str) -> LstmNetwork | WaveNetNetwork:
    """A network by name: ``wavenet-feather``, ``lstm-16``, or ``lstm-2x8`` for two layers.

    Raises
    ------
    TrainingError
        If there is none of that name.
    """
    kind, _, shape = name.partition("-")
    if kind == "wavenet" and shape in A1_SHAPES:
        return WaveNetNetwork(A1_SHAPES[shape])
    layers, _, hidden = shape.rpartition("x")
    if kind == "lstm" and hidden.isdecimal() and (layers or "1").isdecimal():
        sizes = int(hidden), int(layers or "1")
        if 1 <= sizes[0] <= 1024 and 1 <= sizes[1] <= 16:
            return LstmNetwork(*sizes)
    raise TrainingError(
        f"there is no network {name!r}; use wavenet-{', wavenet-'.join(A1_SHAPES)}, "
        "or lstm-HIDDEN or lstm-LAYERSxHIDDEN with up to 16 layers of up to 1024"
    )


@dataclass(frozen=True)
class TrainingConfig:
    """One run of `train.train_effect`.

    Attributes
    ----------
    output : the ONNX file to write; its result is written beside it as JSON
    teacher : as in `teachers.find_teacher`
    settings : of the teacher; what is not named has its default
    network : see `make_network`
    name : the model's name in its metadata
    recipe : None takes the one for the network from `RECIPES`
    rate : sample rate in Hz
    seconds : of dry signal to learn from
    seed : of signal, weights and batches
    minutes : the budget; training time before an interruption counts
    steps : end after this many batches instead, which makes a run repeatable
    looks : how often the held-out sound is heard on the way, for `train.Progress` alone
    device : ``"auto"``, or an accelerator that Lightning knows: ``"cpu"``, ``"cuda"``, ``"mps"``
    run : folder of the checkpoint
    resume : go on from the checkpoint in ``run`` if there is one
    """

    output: Path
    teacher: str = field(default_factory=preferred_amp)
    settings: Mapping[str, float | str] = field(default_factory=dict)
    network: str = "wavenet-feather"
    name: str = ""
    recipe: Recipe | None = None
    rate: float = 48000.0
    seconds: float = 180.0
    seed: int = 1
    minutes: float = 20.0
    steps: int | None = None
    looks: int = 20
    device: str = "auto"
    run: Path = Path("runs/effect")
    resume: bool = True

    def __post_init__(self) -> None:
        smallest = {"rate": 8000.0, "seconds": 0.1, "minutes": 1e-3, "steps": 1, "looks": 0}
        for name, least in smallest.items():
            value = getattr(self, name)
            if value is not None and not least <= value < float("inf"):
                raise TrainingError(f"{name} is {value}, expected {least:g} or more")
        with torch.device("meta"):  # only its name is tried here
            make_network(self.network)

    @property
    def training_recipe(self) -> Recipe:
        return self.recipe or RECIPES[self.network.partition("-")[0]]

    def identity(self) -> dict[str, Any]:
        """All that a checkpoint must agree with, as JSON types: everything but budget and places."""
        budget = {"output", "name", "minutes", "looks", "device", "run", "resume", "recipe"}
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in budget}
        recipe = dataclasses.asdict(self.training_recipe)
        return {**fields, "settings": find_teacher(self.teacher).settings(self.settings), "recipe": recipe}


def read_config(path: Path) -> TrainingConfig:
    """A configuration from TOML: the fields of `TrainingConfig`, with tables ``settings`` and ``recipe``.

    Raises
    ------
    TrainingError
        If it is no TOML, or has a key or a type that does not belong.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{path.name}: not a readable TOML file ({error})") from None
    recipe, settings = table.pop("recipe", None), table.pop("settings", {})
    if not isinstance(settings, dict):
        raise TrainingError(f"{path.name}: settings must be a table, found {settings!r}")
    _check(path, table, TrainingConfig)
    if recipe is not None:
        _check(path, recipe, Recipe)
        kind = RECIPES.get(str(table.get("network", "wavenet")).partition("-")[0], Recipe())
        recipe = dataclasses.replace(kind, **recipe)
    if "output" not in table:
        raise TrainingError(f"{path.name}: output is missing; name the ONNX file to write")
    for key in ("output", "run"):
        if key in table:
            table[key] = Path(table[key])
    return TrainingConfig(**table, settings=settings, recipe=recipe)


def _check(path: Path, table: object, kind: type) -> None:
    """Raise unless ``table`` has only fields of ``kind``, each of the type its default has."""
    if not isinstance(table, dict):
        raise TrainingError(f"{path.name}: recipe must be a table, found {table!r}")
    types = {f.name: str(f.type) for f in dataclasses.fields(kind)}
    expected = {"float": (int, float), "int": (int,), "int | None": (int,), "bool": (bool,)}
    for key, value in table.items():
        if key not in types or key in ("settings", "recipe"):
            raise TrainingError(f"{path.name}: there is no key {key!r}; there are {', '.join(types)}")
        allowed = expected.get(types[key], (str,))
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise TrainingError(f"{path.name}: {key} is {value!r}, expected {types[key]}")
