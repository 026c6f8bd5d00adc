"""Careful reading of a stranger's JSON: every access checks its type and says where it looked.

A file is refused, with `ModelFileError` and one sentence, before it can cost memory or raise anything else.
"""

from __future__ import annotations

import json
import math
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .errors import ModelFileError
from .model import Array

Json: TypeAlias = Any
MAX_JSON_BYTES = 64 * 2**20
MAX_DIGITS = 1000
"""Of a whole number: reading one takes the square of its digits."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The contents of a regular file of at most ``limit`` bytes, which are not read otherwise."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(path, "is not a file; give the path of a model file")
        if status.st_size > limit:
            raise ModelFileError(
                path,
                f"has {status.st_size / 2**20:.0f} MB, but a model has at most {limit / 2**20:.0f} MB",
            )
        with path.open("rb") as file:
            return file.read(limit)
    except FileNotFoundError:
        raise ModelFileError(path, f"does not exist in {path.absolute().parent}; check the path") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelFileError(path, f"cannot be read: {reason}") from None


def parse_json(text: bytes | str, path: Path) -> Node:
    """The root of a JSON document.

    Raises
    ------
    ModelFileError : it is cut off, no JSON, nested too deeply, or holds NaN or Infinity
    """
    try:
        return Node(json.loads(text, parse_constant=_refuse_constant, parse_int=_whole_number), "", path)
    except RecursionError:
        problem = "is nested too deeply to be a model"
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}: {error.msg}"
        problem = f"is not complete JSON ({place}); it may be cut off or another kind of file"
    except UnicodeDecodeError:
        problem = "is not JSON text; it may be damaged or another kind of file"
    except ValueError as error:
        problem = f"is not valid JSON: {error}"
    raise ModelFileError(path, problem)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name} where a number is expected")


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


@dataclass(frozen=True)
class Node:
    """A value in a JSON document, and where it is (``config.layers[0].channels``)."""

    value: Json
    where: str
    path: Path

    def error(self, problem: str) -> ModelFileError:
        """The error that says what is wrong with this value."""
        where = self.where if len(self.where) <= 80 else "…" + self.where[-79:]
        return ModelFileError(self.path, f"{where or 'the document'} {problem}")

    def expected(self, what: str) -> ModelFileError:
        """The error for a value of another kind than ``what``."""
        return self.error(f"is {_found(self.value)}, but {what} is expected")

    def get(self, key: str) -> Node | None:
        """The member ``key`` of this object, or None where it is missing or null."""
        value = self.members().get(key)
        return None if value is None else Node(value, f"{self.where}.{key}" if self.where else key, self.path)

    def __getitem__(self, key: str) -> Node:
        node = self.get(key)
        if node is None:
            raise self.error(f"has no {key!r}; the file may be damaged or of an unknown version")
        return node

    def members(self) -> dict[str, Json]:
        if not isinstance(self.value, dict):
            raise self.expected("an object")
        return self.value

    def items(self, maximum: int, minimum: int = 0) -> list[Node]:
        """The elements of this list."""
        if not isinstance(self.value, list):
            raise self.expected("a list")
        if not minimum <= len(self.value) <= maximum:
            raise self.expected(f"a list of {minimum} to {maximum}")
        return [Node(value, f"{self.where}[{n}]", self.path) for n, value in enumerate(self.value)]

    def integer(self, low: int, high: int) -> int:
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.expected(f"a whole number from {low} to {high}")
        return value

    def number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number from ``low`` to ``high``."""
        value = self.value
        kind = "a number" if math.isinf(low) and math.isinf(high) else f"a number from {low:g} to {high:g}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.expected(kind)
        try:
            value = float(value)
        except OverflowError:
            raise self.expected(kind) from None
        if not (math.isfinite(value) and low <= value <= high):
            raise self.expected(kind)
        return value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.expected("true or false")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.expected("a text")
        try:
            self.value.encode()
        except UnicodeEncodeError:
            raise self.error("is a text with broken characters") from None
        return self.value

    def floats(self, *shape: int | None) -> Array:
        """This list, nested as deep as ``shape`` is long, as float32; None stands for any length."""
        array = self._doubles(shape)
        return self._finite(array).reshape(self._shape(shape))

    def plain(self) -> Json:
        """The value as it is, once it is known that it can be written again."""
        try:
            json.dumps(self.value, allow_nan=False)
        except (ValueError, RecursionError):
            raise self.error("holds a number that is too large") from None
        return self.value

    def _shape(self, shape: tuple[int | None, ...]) -> list[int]:
        found, value = [], self.value
        for expected in shape:
            if not isinstance(value, list):
                raise self.expected(_described(shape))
            if expected is not None and len(value) != expected:
                raise self.error(f"has {len(value)} rows, but {expected} are expected ({_described(shape)})")
            found.append(len(value))
            value = value[0] if value else []
        return found

    def _flat(self, shape: tuple[int | None, ...]) -> list[float]:
        lengths = self._shape(shape)
        level = [self.value]
        for length in lengths:
            for row in level:
                if not isinstance(row, list) or len(row) != length:
                    raise self.error(f"has rows of different lengths, but {_described(shape)} is expected")
            level = [value for row in level for value in row]
        if set(map(type, level)) - {int, float}:
            position, strange = next((n, v) for n, v in enumerate(level) if type(v) not in (int, float))
            raise self.error(f"holds {_found(strange)} at position {position} where a number is expected")
        return level

    def _doubles(self, shape: tuple[int | None, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
        try:
            return np.array(self._flat(shape), np.float64)
        except OverflowError:
            raise self.error("holds a huge number, but finite 32-bit numbers are expected") from None

    def _finite(self, array: np.ndarray[Any, np.dtype[np.float64]]) -> Array:
        with np.errstate(over="ignore"):
            narrow = array.astype(np.float32)
        wrong = np.flatnonzero(~np.isfinite(narrow))
        if wrong.size:
            first = wrong[0]
            raise self.error(
                f"holds {array[first]:g} at position {first}, but finite 32-bit numbers are expected"
            )
        return narrow


def _described(shape: tuple[int | None, ...]) -> str:
    if len(shape) == 1:
        return "a list of numbers"
    return "a list of " + " × ".join("n" if n is None else str(n) for n in shape) + " numbers"


def _found(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value, ensure_ascii=True) if not _huge(value) else "a huge number"
    return text if len(text) <= 40 else text[:37] + "..."


def _huge(value: Json) -> bool:
    return isinstance(value, int) and value.bit_length() > 128
