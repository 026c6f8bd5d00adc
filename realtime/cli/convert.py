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
) -> None:
    """Turn a model file into another format: .nam, streaming .onnx, or AIDA-X .json.

    Name, author, gear, levels and the sample rate go along. What the other format has no words for
    is refused, and B is left as it was.
    """
    from ...export.errors import ModelFileError
    from ...export.files import load_model, save_model
    from ...export.model import NeuralModel

    if target.exists() and source.exists() and target.samefile(source):
        raise typer.BadParameter(f"{target} is the model itself; choose another name")
    model = load_model(source)
    if not isinstance(model, NeuralModel):
        raise ModelFileError(
            source,
            "is somebody else's ONNX, which plays as it is; only models of known layers can be converted",
        )
    save_model(model, target)
    print(f"{target}: written")
