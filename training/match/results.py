"""What is measured of one model, a row of the tables: figures that are kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...export.writing import write_bytes
from .measures import Floats, Reconstruction

LARGEST_FILE = 16 * 2**20

Share = Annotated[float, Field(ge=0, le=1)]
Percentage = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]


class FiguresError(ValueError):
    """A file that holds no figures of a model."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Spread(_Frozen):
    """Mean and median over sounds."""

    mean: float
    median: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Of shape (sounds,)."""
        return cls(mean=float(np.mean(values)), median=float(np.median(values)))


class Reconstructed(_Frozen):
    """`measures.Reconstruction` over all sounds: correlations × 100 and the Frobenius distance."""

    stft: Spread
    fourier: Spread
    time: Spread
    frobenius: Spread

    @classmethod
    def of(cls, found: Reconstruction) -> Self:
        """Its means and medians."""
        return cls(
            stft=Spread.of(found.stft),
            fourier=Spread.of(found.fourier),
            time=Spread.of(found.time),
            frobenius=Spread.of(found.frobenius),
        )


class Losses(_Frozen):
    """Mean losses epoch after epoch, of the sounds learnt from and of those held back."""

    train: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()


class Figures(_Frozen):
    """All that is measured of one model.

    Attributes
    ----------
    model : its name, as ``tonerig train match --model`` takes it
    synth : whose parameters it tells
    weights : how many it has
    sounds_seen : shown to it in training, the same one counted again in each epoch
    epochs : of them
    seconds : of training
    hardware : what it was trained on, in words
    precision : of its arithmetic in training: ``"float32"``, ``"bfloat16"``
    test_sounds, seed : it was measured on that many of ``drawn(seed, "test", 0, …)``
    ranks : mean percentile rank by parameter, 0 to 100
    top : share of right levels among the first 1 … 5, by group of parameters
    calibration : expected calibration error, where its scores are probabilities
    switches : share of right positions by parameter
    knobs : mean absolute error on a scale from 0 to 10 by parameter
    reconstruction : of the sounds rendered from its likeliest levels
    losses : on the way
    """

    format: Literal[1] = 1
    model: Annotated[str, Field(min_length=1, max_length=100)]
    synth: str
    weights: Count
    sounds_seen: Count
    epochs: Annotated[float, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0)]
    hardware: str
    precision: str
    test_sounds: Annotated[int, Field(ge=1)]
    seed: Count
    ranks: dict[str, Percentage]
    top: dict[str, tuple[Share, ...]]
    calibration: Share | None = None
    switches: dict[str, Share] = {}
    knobs: dict[str, Annotated[float, Field(ge=0, le=10)]] = {}
    reconstruction: Reconstructed
    losses: Losses = Losses()

    @property
    def mpr(self) -> float:
        """Mean of the mean percentile ranks."""
        return float(np.mean(list(self.ranks.values())))

    def as_json(self) -> dict[str, Any]:
        """As an object that `from_json` takes."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """What `as_json` gave.

        Raises
        ------
        FiguresError
            that says which key is wrong.
        """
        try:
            return cls.model_validate(dict(document))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise FiguresError(f"{key:.80}: {first['msg']}, found {first['input']!r:.60}") from None


def write_figures(figures: Figures, path: Path) -> Path:
    """Write a model's figures as JSON, whole or not at all."""
    write_bytes(path, (json.dumps(figures.as_json(), indent=1) + "\n").encode())
    return path


def read_figures(path: Path) -> Figures:
    """Read what `write_figures` wrote.

    Raises
    ------
    FiguresError
        when the file cannot be read or holds something else.
    """
    what = "expected the figures of a model as tonerig train match writes them"
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise FiguresError(f"{path}: has {size / 2**20:.0f} MB, {what}, 16 MB at most")
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FiguresError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise FiguresError(f"{path}: is no JSON; {what}") from None
    if not isinstance(document, dict):
        raise FiguresError(f"{path}: holds a {type(document).__name__}; {what}")
    try:
        return Figures.from_json(document)
    except FiguresError as error:
        raise FiguresError(f"{path}: {error}; {what}") from None
