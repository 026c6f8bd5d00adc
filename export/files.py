"""Load and save a model in any format, chosen by the file's content and suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from .document import MAX_JSON_BYTES, Node, parse_json, read_bytes
from .errors import ModelFileError
from .foreign import ForeignOnnx
from .model import NeuralModel
from .nam import nam_from_document, write_nam
from .proteus import proteus_from_document, write_proteus
from .rtneural import rtneural_from_document, write_rtneural

Flavour: TypeAlias = Literal["aida", "proteus"]
SUFFIXES = (".nam", ".onnx", ".json", ".aidax")
JSON_KINDS: tuple[tuple[str, Callable[[Node], NeuralModel]], ...] = (
    ("architecture", nam_from_document),
    ("state_dict", proteus_from_document),
    ("layers", rtneural_from_document),
)
"""A member that only one kind of JSON file has, and its reader."""


def load_model(path: Path | str) -> NeuralModel | ForeignOnnx:
    """Load a `.nam`, ONNX, AIDA-X or Proteus file.

    Returns
    -------
    the model, or for an ONNX file of somebody else how to run it

    Raises
    ------
    ModelFileError : the file is not a sound model
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        from .onnx_file import read_onnx

        return read_onnx(path)
    if suffix not in SUFFIXES:
        raise ModelFileError(path, f"is not a model file by its name; known are {', '.join(SUFFIXES)}")
    root = parse_json(read_bytes(path, MAX_JSON_BYTES), path)
    members = root.members()
    for member, read in JSON_KINDS:
        if member in members:
            return read(root)
    raise ModelFileError(path, "is JSON, but neither a NAM, AIDA-X nor Proteus model")


def save_model(model: NeuralModel, path: Path | str, *, flavour: Flavour = "aida") -> None:
    """Save a model in the format of the path's suffix; ``flavour`` says which one `.json` is.

    Raises
    ------
    FormatCannotSay : the format has no words for the network
    ModelFileError : the suffix is unknown, or the file cannot be written
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        from .streaming import write_onnx

        write_onnx(model, path)
    elif suffix == ".nam":
        write_nam(model, path)
    elif suffix == ".aidax" or (suffix == ".json" and flavour == "aida"):
        write_rtneural(model, path)
    elif suffix == ".json":
        write_proteus(model, path)
    else:
        raise ModelFileError(path, f"has no known suffix; models are saved as {', '.join(SUFFIXES)}")
