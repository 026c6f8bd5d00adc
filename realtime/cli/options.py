"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..presets import Preset

PresetOption = Annotated[
    str | None, typer.Option("--preset", "-p", help="A preset: its name (see 'tonerig preset list') or path.")
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", "-m", help="A bare model instead: .nam, .onnx, or AIDA-X, RTNeural or Proteus .json."
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Make sounds on a Dask cluster: tcp://HOST:8786; local:4 starts 4 workers here.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def chosen_preset(preset: str | None, model: Path | None) -> Preset:
    """What --preset or --model asks for.

    Raises
    ------
    typer.BadParameter
        Unless exactly one of them was given.
    """
    if (preset is None) == (model is None):
        raise typer.BadParameter("give either --preset NAME or --model FILE")
    from ..presets import load_preset, model_preset

    return load_preset(preset) if preset is not None else model_preset(_model_path(model))


def _model_path(model: Path | None) -> Path:
    """The path itself, or else the model of that name in the library."""
    from ..library import LibraryError, named

    assert model is not None
    if not model.exists() and model.parent == Path():
        try:
            return named("models", str(model))
        except LibraryError:
            return model  # the reader says what is wrong with the path
    return model
