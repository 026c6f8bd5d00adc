"""Write a file completely or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np

from .document import Json
from .errors import ModelFileError
from .model import Array


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` beside ``path`` and move it there, so that no half-written file is ever seen.

    Raises
    ------
    ModelFileError : the folder is missing or not writable, the disk is full
    """
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ModelFileError(path, f"cannot be written: {error.strerror}") from None


def write_json(path: Path, document: Json) -> None:
    """Write a JSON document, pure ASCII.

    Raises
    ------
    ModelFileError : a number is not finite, or the file cannot be written
    """
    try:
        text = json.dumps(document, allow_nan=False)
    except ValueError:
        raise ModelFileError(path, "cannot be written: the model holds a number that is not finite") from None
    write_bytes(path, text.encode("ascii"))


def shortest(array: Array) -> Json:
    """The numbers as nested lists, each with as few digits as say its 32-bit value exactly."""
    flat = np.array([float(str(value)) for value in array.ravel()], np.float64)
    exact = flat.astype(np.float32) == array.ravel()
    return np.where(exact, flat, array.ravel()).reshape(array.shape).tolist()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
