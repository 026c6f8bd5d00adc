"""Read an ONNX file: a model of ours from what it says of itself, any other as what a runtime must call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from .check import check_model
from .contract import describe_foreign
from .description import build_model
from .description_effects import Tensors
from .document import MAX_JSON_BYTES, parse_json, read_bytes
from .errors import ModelFileError
from .foreign import ForeignOnnx
from .model import Array, NeuralModel
from .onnx_safety import MAX_ONNX_BYTES, parse_onnx
from .streaming import SCHEMA


def read_onnx(path: Path | str) -> NeuralModel | ForeignOnnx:
    """Read a streaming ONNX file.

    Returns
    -------
    a `NeuralModel` for a file that `write_onnx` wrote, otherwise how to run it

    Raises
    ------
    ModelFileError : the file is no ONNX, is not safe to run, or cannot stream
    """
    path = Path(path)
    proto = parse_onnx(read_bytes(path, MAX_ONNX_BYTES), path)
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    schema = properties.get("tonerig")
    if schema is None:
        return describe_foreign(proto, path)
    if schema != SCHEMA:
        raise ModelFileError(
            path, f"is of schema {schema[:20]!r}, but {SCHEMA!r} is expected; update, or export it again"
        )
    if not 0 < len(properties.get("model", "")) <= MAX_JSON_BYTES:
        raise ModelFileError(path, "does not say what its network is; export it again")
    node = parse_json(properties["model"], path)
    return check_model(build_model(node, _tensors(proto, path)), path)


def _tensors(proto: onnx.ModelProto, path: Path) -> Tensors:
    """Access to a graph's weights by name and number of dimensions."""
    initializers = {tensor.name: tensor for tensor in proto.graph.initializer}

    def tensors(name: str, dimensions: int) -> Array:
        tensor = initializers.get(name)
        if tensor is None or tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.dims) != dimensions:
            raise ModelFileError(
                path, f"has no float32 weights {name[:80]!r} of {dimensions} dimensions; export it again"
            )
        try:
            return np.array(numpy_helper.to_array(tensor), np.float32)
        except (ValueError, TypeError) as error:
            raise ModelFileError(path, f"has damaged weights {name[:80]!r} ({error})") from None

    return tensors
