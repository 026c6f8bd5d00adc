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

    A link is kept, and what it leads to is written. A device or a pipe is refused: moving a file
    to its place would remove it.

    Raises
    ------
    ModelFileError : it is no file, the folder is missing or not writable, the disk is full
    """
    temporary = None
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            raise ModelFileError(path, "is not a file; choose another name to write to")
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        Path(temporary).replace(target)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else "its links lead in a circle"
        if not path.parent.is_dir():
            reason = f"the folder {path.parent} does not exist; make it first"
        raise ModelFileError(path, f"cannot be written: {reason}") from None


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
