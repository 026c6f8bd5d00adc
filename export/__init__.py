"""Neural models and their files: one `NeuralModel` in memory, and `.nam`, ONNX, AIDA-X and Proteus on disk.

    model = load_model("plexi.nam")
    save_model(model, "plexi.onnx")

Everything here is loaded when it is first used; ``import tonerig.export`` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import FormatCannotSay, ModelFileError
    from .files import load_model, save_model
    from .foreign import ForeignOnnx
    from .model import Metadata, NeuralModel
    from .nam import read_nam, write_nam
    from .onnx_file import read_onnx
    from .parity import Parity, check_parity, verify_file
    from .proteus import read_proteus, write_proteus
    from .reference import evaluate
    from .rtneural import read_rtneural, write_rtneural
    from .streaming import write_onnx
    from .torch_module import from_torch

__all__ = [
    "ForeignOnnx",
    "FormatCannotSay",
    "Metadata",
    "ModelFileError",
    "NeuralModel",
    "Parity",
    "check_parity",
    "evaluate",
    "from_torch",
    "load_model",
    "read_nam",
    "read_onnx",
    "read_proteus",
    "read_rtneural",
    "save_model",
    "verify_file",
    "write_nam",
    "write_onnx",
    "write_proteus",
    "write_rtneural",
]

_HOMES = {
    "errors": ("FormatCannotSay", "ModelFileError"),
    "files": ("load_model", "save_model"),
    "foreign": ("ForeignOnnx",),
    "model": ("Metadata", "NeuralModel"),
    "nam": ("read_nam", "write_nam"),
    "onnx_file": ("read_onnx",),
    "parity": ("Parity", "check_parity", "verify_file"),
    "proteus": ("read_proteus", "write_proteus"),
    "reference": ("evaluate",),
    "rtneural": ("read_rtneural", "write_rtneural"),
    "streaming": ("write_onnx",),
    "torch_module": ("from_torch",),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that torch, onnx and onnxruntime load only where they are used."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{home}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
