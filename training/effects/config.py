"""What one training run is: teacher, network, data, recipe and budget, as data or as a TOML file."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch

from ...export.model import Knob
from .cascade import CascadeNetwork
from .networks import FEATURES, Core, EffectNetwork
from .recurrent import GruNetwork, LstmNetwork
from .teachers import find_teacher, preferred_amp
from .wavenet import A1_SHAPES, WaveNetNetwork, plain_shape, tcn_shape

MAX_TAPS = 65536
Precision: TypeAlias = Literal["32-true", "bf16-mixed", "16-mixed"]
PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed", "16-mixed")
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


RECURRENT = Recipe(batch=16, segment=16384, warm_up=2048, truncation=2048, learning_rate=5e-3)
CASCADE = Recipe(batch=8, segment=16384, truncation=16384, spectral_weight=0.0)
RECIPES: dict[str, Recipe] = {
    "wavenet": Recipe(),
    "tcn": Recipe(),
    "cascade": CASCADE,
    "lstm": RECURRENT,
    "gru": RECURRENT,
}
"""The recipe of each kind of network, by the first word of its name."""


ESTIMATED = ("linear", "echo", "modulation", "octave", "compression")
"""Networks that are estimated from the sound at once, in `learners`, and not trained by descent."""


def make_network(name: str, knobs: Sequence[Knob] = (), taps: int = 0) -> EffectNetwork:
    """A network by name.

    Parameters
    ----------
    name : ``wavenet-feather`` and NAM's other shapes; ``wavenet-8x10`` for 10 layers of 8 channels and
        ``tcn-16x4`` likewise; ``cascade-2x1024`` for two filters of 1024 taps with a curve each;
        ``lstm-16``, ``gru-16``, or ``lstm-2x8`` for two layers of 8
    knobs : to be learnt; none for an effect as it stands
    taps : of the filter after it; 0: none

    Raises
    ------
    TrainingError
        If there is none of that name.
    """
    kind, _, shape = name.partition("-")
    features = FEATURES if knobs else 0
    core: Core | None = None
    if kind == "wavenet" and shape in A1_SHAPES:
        core = WaveNetNetwork(A1_SHAPES[shape], features)
    first, _, second = shape.rpartition("x")
    if core is None and second.isdecimal() and (first or "1").isdecimal():
        sizes = int(first or "1"), int(second)
        if kind in ("lstm", "gru") and 1 <= sizes[1] <= 1024 and 1 <= sizes[0] <= 16:
            cell = LstmNetwork if kind == "lstm" else GruNetwork
            core = cell(sizes[1], sizes[0], features=features)
        if kind == "wavenet" and 1 <= sizes[0] <= 64 and 1 <= sizes[1] <= 14:
            core = WaveNetNetwork(plain_shape(*sizes), features)
        if kind == "tcn" and 1 <= sizes[0] <= 64 and 1 <= sizes[1] <= 4:
            core = WaveNetNetwork(tcn_shape(*sizes), features)
        if kind == "cascade" and 1 <= sizes[0] <= 4 and 2 <= sizes[1] <= 8192:
            core = CascadeNetwork(*sizes)
    if core is not None:
        return EffectNetwork(core, knobs, taps)
    raise TrainingError(
        f"there is no network {name!r}; use wavenet-{', wavenet-'.join(A1_SHAPES)}, wavenet-CHANNELSxLAYERS "
        "(up to 64x14), tcn-CHANNELSxLAYERS (up to 64x4), cascade-STAGESxTAPS (up to 4x8192), lstm-HIDDEN, "
        "lstm-LAYERSxHIDDEN, gru-HIDDEN or gru-LAYERSxHIDDEN with up to 16 layers of up to 1024, "
        f"or {', '.join(ESTIMATED)}"
    )


@dataclass(frozen=True)
class TrainingConfig:
    """One run of `train.train_effect`.

    Attributes
    ----------
    output : the ONNX file to write; its result is written beside it as JSON
    teacher : as in `teachers.find_teacher`
    dry, wet : WAV files of a person's own gear instead of a teacher, see `tonerig.training.capture`
    settings : of the teacher; what is not named has its default
    knobs : parameters of the teacher that are learnt as knobs
    network : see `make_network`, or one of `ESTIMATED`
    taps : of a filter after the network, for cabinets and tone controls; 0: none
    name, gear_type : the model's name in its metadata, and what it is: amp, pedal, studio, …
    recipe : None takes the one for the network from `RECIPES`
    rate : sample rate in Hz
    seconds : of dry signal to learn from; ten seconds for each setting of knobs
    music : folder of a person's own recordings, which make up half of the dry signal
    seed : of signal, settings, weights and batches
    minutes : the budget; training time before an interruption counts
    steps : end after this many batches instead, which makes a run repeatable
    looks : how often sound that is held back is heard on the way, for `train.Progress` and ``patience``
    patience : end when it was no better for so many looks; 0: never
    device : ``"auto"``, or an accelerator that Lightning knows: ``"cpu"``, ``"cuda"``, ``"mps"``
    devices : how many of them; several are used by Lightning's own strategy
    precision : as Lightning knows them: ``"32-true"``, ``"bf16-mixed"``, ``"16-mixed"``
    run : folder of the checkpoint
    resume : go on from the checkpoint in ``run`` if there is one
    """

    output: Path
    teacher: str = field(default_factory=preferred_amp)
    dry: Path | None = None
    wet: Path | None = None
    settings: Mapping[str, float | str] = field(default_factory=dict)
    knobs: tuple[str, ...] = ()
    network: str = "wavenet-feather"
    taps: int = 0
    name: str = ""
    gear_type: str = "amp"
    recipe: Recipe | None = None
    rate: float = 48000.0
    seconds: float = 180.0
    music: Path | None = None
    seed: int = 1
    minutes: float = 20.0
    steps: int | None = None
    looks: int = 20
    patience: int = 0
    device: str = "auto"
    devices: int = 1
    precision: Precision = "32-true"
    run: Path = Path("runs/effect")
    resume: bool = True

    def __post_init__(self) -> None:
        smallest = {"rate": 8000.0, "seconds": 0.1, "minutes": 1e-3, "steps": 1, "looks": 0}
        smallest |= {"taps": 0, "patience": 0, "devices": 1}
        for name, least in smallest.items():
            value = getattr(self, name)
            if value is not None and not least <= value < float("inf"):
                raise TrainingError(f"{name} is {value}, expected {least:g} or more")
        if self.taps > MAX_TAPS:
            raise TrainingError(f"taps is {self.taps}, expected {MAX_TAPS} or fewer")
        if self.precision not in PRECISIONS:
            raise TrainingError(f"precision is {self.precision!r}, expected one of {', '.join(PRECISIONS)}")
        if (self.dry is None) != (self.wet is None):
            raise TrainingError("dry and wet belong together; give both files, or a teacher")
        if self.dry is not None and self.knobs:
            raise TrainingError("knobs are learnt from a teacher; one recording has them where they stood")
        if self.network in ESTIMATED:
            if self.knobs or self.taps:
                raise TrainingError(f"{self.network} learns an effect as it stands; leave out knobs and taps")
            return
        with torch.device("meta"):  # only its name is tried here
            make_network(self.network)

    @property
    def training_recipe(self) -> Recipe:
        return self.recipe or RECIPES.get(self.network.partition("-")[0], Recipe())

    def identity(self) -> dict[str, Any]:
        """All that a checkpoint must agree with, as JSON types: everything but budget and places."""
        budget = {
            "output",
            "name",
            "gear_type",
            "minutes",
            "looks",
            "patience",
            "device",
            "devices",
            "run",
            "resume",
            "recipe",
        }
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in budget}
        fields |= {name: str(fields[name]) for name in ("dry", "wet", "music") if fields[name] is not None}
        settings = {} if self.dry is not None else find_teacher(self.teacher).settings(self.settings)
        return {**fields, "settings": settings, "recipe": dataclasses.asdict(self.training_recipe)}


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
    for key in ("output", "run", "dry", "wet", "music"):
        if key in table:
            table[key] = Path(table[key])
    if "knobs" in table:
        table["knobs"] = tuple(table["knobs"])
    return TrainingConfig(**table, settings=settings, recipe=recipe)


def shipped_config(teacher: str) -> Path | None:
    """The file of how a named teacher is learnt best, as the shipped model was; None where there is none."""
    path = Path(__file__).parent / "recipes" / f"{teacher}.toml"
    return path if re.fullmatch(r"[a-z]+", teacher) and path.exists() else None


def _check(path: Path, table: object, kind: type) -> None:
    """Raise unless ``table`` has only fields of ``kind``, each of the type its default has."""
    if not isinstance(table, dict):
        raise TrainingError(f"{path.name}: recipe must be a table, found {table!r}")
    types = {f.name: str(f.type) for f in dataclasses.fields(kind)}
    expected: dict[str, tuple[type, ...]] = {"float": (int, float), "int": (int,), "int | None": (int,)}
    expected |= {"bool": (bool,), "tuple[str, ...]": (list,)}
    for key, value in table.items():
        if key not in types or key in ("settings", "recipe"):
            raise TrainingError(f"{path.name}: there is no key {key!r}; there are {', '.join(types)}")
        allowed = expected.get(types[key], (str,))
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise TrainingError(f"{path.name}: {key} is {value!r}, expected {types[key]}")
