"""Preset files as TOML: reading and writing one, and the sentences for what can be wrong with it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..export.errors import ModelFileError
from ..export.writing import write_bytes

SCHEMA = 1
MAX_BYTES = 2**20
"""Of a file, plugins' states left out."""
MAX_STATES = 8 * 2**20
"""Bytes of a file with plugins' states, which are read at once, however long."""
_STATE = re.compile(rb'^raw_state = "[A-Za-z0-9+/=]*"', re.MULTILINE)
MAX_DOTS = 500
"""In the keys of one line: tomllib takes minutes over a key of some ten thousand parts."""


class PresetError(ValueError):
    """A preset that cannot be used: names the file, the place in it, and what is wrong.

    What it cites of a stranger's file has its control characters escaped: a terminal would obey them.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


class Heading(BaseModel):
    """What the top of every preset file has; each kind adds its own keys."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tonerig: int = Field(ge=1)
    name: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=4000)
    author: str = Field("", max_length=200)


Document = TypeVar("Document", bound=Heading)


def read_table(path: Path) -> dict[str, Any]:
    """TOML's tables from a file.

    Raises
    ------
    PresetError
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_STATES + 1)
    except OSError as error:
        reason = (
            "does not exist; check the path"
            if isinstance(error, FileNotFoundError)
            else f"cannot be read: {error.strerror}"
        )
        raise PresetError(f"{path}: {reason}") from None
    _check_size(raw, path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PresetError(
            f"{path.name}: is no TOML file: byte {error.start + 1} is no UTF-8; save it as UTF-8 text"
        ) from None
    if _dots(text) > MAX_DOTS:
        raise PresetError(f"{path.name}: has a key of more than {MAX_DOTS} parts, so it is no preset")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise PresetError(f"{path.name}: is no TOML file: it is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise PresetError(f"{path.name}: is no TOML file: {error}") from None
    except ValueError:  # more digits than Python takes
        raise PresetError(f"{path.name}: has a number of thousands of digits, so it is no preset") from None


def _check_size(raw: bytes, path: Path) -> None:
    states = sum(end - start for start, end in (found.span() for found in _STATE.finditer(raw)))
    if len(raw) - states > MAX_BYTES:
        raise PresetError(f"{path.name}: is larger than {MAX_BYTES // 1024} KB, so it is no preset")
    if len(raw) > MAX_STATES:
        raise PresetError(
            f"{path.name}: has plugins' states of more than {MAX_STATES // 2**20} MB; take one of them out"
        )


def _dots(text: str) -> int:
    """The most dots that stand in a line's table header, or in front of one of its equals signs."""
    parts = (
        part
        for line in text.splitlines()
        for part in ([line] if line.lstrip().startswith("[") else line.split("=")[:-1])
    )
    return max((part.count(".") for part in parts), default=0)


def check_table(document: type[Document], table: Mapping[str, Any], path: Path) -> Document:
    """The top of a file, checked; what its processors say is not looked at.

    Parameters
    ----------
    document : what keys there are, of what types
    path : for messages

    Raises
    ------
    PresetError
    """
    schema = table.get("tonerig")
    if isinstance(schema, int) and schema > SCHEMA:
        raise PresetError(
            f"{path.name}: was written for schema {schema}, but this version reads up to {SCHEMA}; "
            "update tonerig"
        )
    try:
        found = document.model_validate(dict(table))
    except ValidationError as error:
        raise PresetError(f"{path.name}: {_first_problem(error, document)}") from None
    refuse_controls(found, path)
    return found


def write_table(table: Mapping[str, Any], path: Path) -> Path:
    """Write a file, whole or not at all; makes its folder.

    Raises
    ------
    PresetError
    """
    raw = _written(table).encode()
    _check_size(raw, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, raw)
    except OSError as error:
        raise PresetError(f"{path}: the folder cannot be made: {error.strerror}") from None
    except ModelFileError as error:
        raise PresetError(str(error)) from None
    return path


def _written(table: Mapping[str, Any]) -> str:
    """TOML whose lists of tables at the top are always ``[[key]]``, so that a person can add another one."""
    lists = {key: value for key, value in table.items() if value and _are_flat_tables(value)}
    head = tomli_w.dumps({key: value for key, value in table.items() if key not in lists})
    return head + "".join(
        f"\n[[{key}]]\n{tomli_w.dumps(entry)}" for key, value in lists.items() for entry in value
    )


def _are_flat_tables(value: Any) -> bool:
    """Whether it is a list of tables without tables in them."""
    return isinstance(value, list) and all(
        isinstance(entry, Mapping)
        and not any(isinstance(part, Mapping) or _are_tables(part) for part in entry.values())
        for entry in value
    )


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, Mapping) for part in value)


def _first_problem(error: ValidationError, document: type[Heading]) -> str:
    first = error.errors()[0]
    key = " ".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
    found, top = first["input"], str(first["loc"][0])
    members = "processors" if top in ("chain", "effects") else top
    match first["type"]:
        case "missing":
            written = {"tonerig": "tonerig = 1", "kind": 'kind = "patch"'}
            return f"{written.get(key, key)} is missing"
        case "extra_forbidden":
            return f"unknown key {cited(key)}; known are {', '.join(document.model_fields)}"
        case "too_short" | "string_too_short":
            return f"{key} is empty" + (f"; give it at least one [[{key}]]" if key == "chain" else "")
        case "too_long":
            return f"{key} has {len(found)} {members}, expected at most {first['ctx']['max_length']}"
        case "string_too_long":
            return f"{key} has {len(found)} characters, expected at most {first['ctx']['max_length']}"
        case "list_type":
            return f"{key} must be a list of {members}: [[{key}]]"
        case "dict_type":
            return f"{key} is {word(found)}, expected a table: " + (
                f"[[{top}]]" if key != top else f"[{top}]"
            )
    expected = {
        "tonerig": "1",
        "kind": " or ".join(f'"{kind}"' for kind in ("chain", "patch")),
        "bank": "a whole number from 0 to 16383",
    }
    return f"{key} is {word(found)}, expected {expected.get(key, 'text')}"


def word(value: Any) -> str:
    """A value as TOML writes it, or its beginning."""
    return str(value).lower() if isinstance(value, bool) else repr(value)[:60]


def cited(text: str) -> str:
    """A name from a stranger's file, or its beginning."""
    return text if len(text) <= 100 else f"{text[:100]}…"


def printable(text: str) -> str:
    """The text with control characters escaped, which a terminal would obey."""
    return "".join(repr(char)[1:-1] if is_control(char) else char for char in text)


def plain(value: float) -> float | int:
    """A number as a person writes it: whole ones without a point."""
    return int(value) if value == round(value) else value


def is_control(char: str) -> bool:
    """Whether a terminal might obey the character."""
    return unicodedata.category(char) in ("Cc", "Zl", "Zp")


def refuse_controls(preset: Any, path: Path) -> None:
    """Refuse control characters in a preset's ``name``, ``author`` and ``description``.

    A description may have lines and tabs.

    Raises
    ------
    PresetError
    """
    for key, allowed in (("name", ""), ("author", ""), ("description", "\n\t")):
        for char in getattr(preset, key):
            if is_control(char) and char not in allowed:
                raise PresetError(f"{path.name}: {key} has the control character {char!r}; take it out")
