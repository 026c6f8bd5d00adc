"""The knobs of neural models, as far as a processor's class must know them before it is made."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...export.errors import ModelFileError
from ...export.foreign import ForeignOnnx
from ...export.model import Knob, NeuralModel
from ..parameters import Parameter


def knobs_of(model: NeuralModel | ForeignOnnx) -> tuple[Knob, ...]:
    """A model's knobs; those of a stranger's file rest at their defaults."""
    return model.knobs.knobs if isinstance(model, NeuralModel) and model.knobs is not None else ()


def knobs_in(path: Path) -> tuple[Knob, ...] | str:
    """The knobs of a model's file, or what is wrong with it; none where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return _read(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _read(path: Path, size: int, modified_ns: int) -> tuple[Knob, ...] | str:
    """The same of a file as it is by its size and date."""
    if path.suffix.lower() != ".onnx":  # no other format knows knobs
        return ()
    from ...export.files import load_model

    try:
        return knobs_of(load_model(path))
    except ModelFileError as error:
        return str(error)


def parameter_of(knob: Knob) -> Parameter:
    """What turns a knob."""
    limits = (knob.minimum, knob.maximum, knob.default)
    return Parameter(knob.name, *limits, knob.unit, knob.curve, description=knob.description)


def layout_with(layout: np.dtype[Any], knobs: tuple[Knob, ...]) -> np.dtype[Any]:
    """A record's layout, and behind it a float32 of its name for each knob."""
    fields, names = layout.fields, layout.names
    assert fields is not None and names is not None
    return np.dtype(
        {
            "names": [*names, *(knob.name for knob in knobs)],
            "formats": [*(fields[name][0] for name in names), *(["f4"] * len(knobs))],
            "offsets": [
                *(fields[name][1] for name in names),
                *(layout.itemsize + 4 * k for k in range(len(knobs))),
            ],
            "itemsize": layout.itemsize + -(-4 * len(knobs) // 8) * 8,
        }
    )
