"""``tonerig convert``: one model format into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    source: Annotated[Path, typer.Argument(metavar="A", help="The model: .nam, .onnx, .json or .aidax.")],
    target: Annotated[
        Path, typer.Argument(metavar="B", help="The file to write; its suffix says the format.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KNOB=VALUE", help="Hold the model's knobs, this one here: drive=6."),
    ] = None,
) -> None:
    """Turn a model file into another format: .nam, streaming .onnx, or AIDA-X .json.

    Name, author, gear, levels and the sample rate go along. What the other format has no words for
    is refused, and B is left as it was. Only .onnx has knobs; with --set they are held, those that are
    not named at their defaults, and the rest can go into the other formats.
    """
    from ...export.errors import ModelFileError
    from ...export.files import load_model, save_model
    from ...export.freeze import freeze
    from ...export.model import NeuralModel

    if target.exists() and source.exists() and target.samefile(source):
        raise typer.BadParameter(f"{target} is the model itself; choose another name")
    model = load_model(source)
    if not isinstance(model, NeuralModel):
        raise ModelFileError(
            source,
            "is somebody else's ONNX, which plays as it is; only models of known layers can be converted",
        )
    if settings:
        try:
            model = freeze(model, dict(map(_setting, settings)))
        except ValueError as error:
            raise typer.BadParameter(f"{source}: {error}") from None
    save_model(model, target)
    print(f"{target}: written")


def _setting(text: str) -> tuple[str, float]:
    """A knob's name and value, from ``drive=6``."""
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise ValueError(f"--set is {text[:60]!r}, but a knob and a number are expected: drive=6") from None
