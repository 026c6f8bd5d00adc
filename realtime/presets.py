"""A preset: a chain of processors with their settings and files, as TOML.

::

    tonerig = 1
    name = "Crunch"

    [[chain]]
    processor = "gate"
    threshold_db = -70

    [[chain]]
    processor = "neural"
    model = "plexi.onnx"

Every parameter goes by its name, in its unit; what is not named keeps its default. Files are named
relative to the preset's folder, then to the library. A processor that holds chains (``parallel``) has
them as tables: ``[[chain.a]]``, ``[[chain.b]]``. Presets come from strangers: each value is checked
and a bad one refused with a sentence that says where it is.
"""

from __future__ import annotations

import os
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..export.errors import ModelFileError
from ..export.writing import write_bytes
from . import library
from .parameters import ParameterError
from .processors import processor_class
from .processors.processor import Processor

SCHEMA = 1
MAX_BYTES = 2**20
MAX_PROCESSORS = 64
MAX_DEPTH = 4


class PresetError(ValueError):
    """A preset that cannot be used: names the file, the place in it, and what is wrong.

    What it cites of a stranger's file has its control characters escaped: a terminal would obey them.
    """

    def __init__(self, text: str) -> None:
        super().__init__("".join(repr(char)[1:-1] if _is_control(char) else char for char in text))


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Zl", "Zp")


@dataclass(frozen=True)
class Link:
    """One processor of a chain: its name, parameter values, files and inner chains.

    ``values`` has only what was stated, in the parameters' units (a switch by position).
    """

    processor: str
    values: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    chains: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)

    def build(self) -> Processor:
        """A new processor, not yet prepared; what its files cause to be raised passes through."""
        inner = {name: [link.build() for link in links] for name, links in self.chains.items()}
        return processor_class(self.processor)(dict(self.values), **self.files, **inner)

    def all_files(self) -> list[Path]:
        """The files that it names, then those of its inner chains, in order."""
        inner = (link for links in self.chains.values() for link in links)
        return [*self.files.values(), *(file for link in inner for file in link.all_files())]


@dataclass(frozen=True)
class Preset:
    """A chain with a name. ``path`` is where it was read from."""

    name: str
    chain: tuple[Link, ...]
    description: str = ""
    author: str = ""
    kind: Literal["chain"] = "chain"
    path: Path | None = None

    def build(self) -> list[Processor]:
        """New processors for the whole chain, not yet prepared.

        Raises
        ------
        ModelFileError, AudioFileError
            If a file that it names cannot be used.
        """
        return [link.build() for link in self.chain]

    def files(self) -> list[Path]:
        """Every file that it is made of: its own, then those that its processors name, inner chains' too."""
        own = [] if self.path is None else [self.path]
        return own + [file for link in self.chain for file in link.all_files()]


class _Document(BaseModel):
    """The top of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tonerig: int = Field(ge=1)
    name: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=4000)
    author: str = Field("", max_length=200)
    kind: Literal["chain"] = "chain"
    chain: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_PROCESSORS)


def load_preset(name_or_path: str | Path) -> Preset:
    """A preset from a file, or by name from the library.

    Parameters
    ----------
    name_or_path : a path (with a folder or ``.toml`` in it), or a name such as ``"crunch"``

    Raises
    ------
    PresetError
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or os.sep in text or "/" in text:
        return _read(Path(name_or_path))
    try:
        return _read(library.named("chains", text))
    except library.LibraryError as error:
        raise PresetError(str(error)) from None


def _read(path: Path) -> Preset:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (
            "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        )
        raise PresetError(f"{path}: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise PresetError(f"{path.name}: is larger than {MAX_BYTES // 1024} KB, so it is no preset")
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise PresetError(f"{path.name}: is no TOML file: {reason}") from None
    return parse_preset(table, path)


def parse_preset(table: Mapping[str, Any], path: Path) -> Preset:
    """A preset from TOML's tables; ``path`` is for messages and for the files named in it.

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
        document = _Document.model_validate(dict(table))
    except ValidationError as error:
        raise PresetError(f"{path.name}: {_first_problem(error)}") from None
    _refuse_controls(document, path)
    chain = _Reader(path).links(document.chain, "chain")
    return Preset(document.name, chain, document.description, document.author, document.kind, path)


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    key = " ".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
    found = first["input"]
    match first["type"]:
        case "missing":
            return f"{'tonerig = 1' if key == 'tonerig' else key} is missing"
        case "extra_forbidden":
            return f"unknown key {key}; known are {', '.join(_Document.model_fields)}"
        case "too_short" | "string_too_short":
            return f"{key} is empty" + ("; give it at least one [[chain]]" if key == "chain" else "")
        case "too_long":
            return f"{key} has {len(found)} processors, expected at most {MAX_PROCESSORS}"
        case "string_too_long":
            return f"{key} has {len(found)} characters, expected at most {first['ctx']['max_length']}"
        case "list_type":
            return f"{key} must be a list of processors: [[chain]]"
        case "dict_type":
            return f"{key} is {_word(found)}, expected a table: [[chain]]"
    expected = {"tonerig": "1", "kind": '"chain"'}.get(key, "text")
    return f"{key} is {_word(found)}, expected {expected}"


def _word(value: Any) -> str:
    """A value as TOML writes it, or its beginning."""
    return str(value).lower() if isinstance(value, bool) else repr(value)[:60]


def _refuse_controls(preset: _Document | Preset, path: Path) -> None:
    """Texts that a terminal would obey: only a description may have lines and tabs."""
    for key, allowed in (("name", ""), ("author", ""), ("description", "\n\t")):
        for char in getattr(preset, key):
            if _is_control(char) and char not in allowed:
                raise PresetError(f"{path.name}: {key} has the control character {char!r}; take it out")


class _Reader:
    """Reads the chains of one file, counting processors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def fail(self, place: str, problem: str) -> PresetError:
        return PresetError(f"{self.path.name}, {place}: {problem}")

    def links(self, tables: Sequence[Any], place: str, depth: int = 1) -> tuple[Link, ...]:
        if depth > MAX_DEPTH:
            raise self.fail(place, f"chains are nested more than {MAX_DEPTH} deep")
        return tuple(self.link(table, f"{place} {k}", depth) for k, table in enumerate(tables, 1))

    def link(self, table: Any, place: str, depth: int) -> Link:
        self.count += 1
        if self.count > MAX_PROCESSORS:
            raise self.fail(place, f"a preset has at most {MAX_PROCESSORS} processors")
        if not isinstance(table, dict) or not isinstance(table.get("processor"), str):
            raise self.fail(place, 'processor is missing; say which one, as in processor = "gain"')
        name = table["processor"]
        try:
            kind = processor_class(name)
        except (KeyError, ValueError) as error:
            raise self.fail(place, str(error.args[0])) from None
        place = f"{place} ({name})"
        parameters = {parameter.name: parameter for parameter in kind.parameters}
        link = Link(name, {}, {}, {})
        values: dict[str, float] = {}
        files: dict[str, Path] = {}
        chains: dict[str, tuple[Link, ...]] = {}
        for key, value in table.items():
            if key == "processor":
                continue
            if key in parameters:
                if isinstance(value, bool):
                    expected = parameters[key].range_text()
                    raise self.fail(place, f"{key} is {_word(value)}, expected {expected}")
                try:
                    values[key] = parameters[key].check(value)
                except ParameterError as error:
                    raise self.fail(place, str(error)) from None
            elif key in kind.files:
                files[key] = self.file(key, value, place)
            elif key in kind.chains:
                if not isinstance(value, list):
                    raise self.fail(
                        place, f"{key} must be a list of processors: [[{place.split()[0]}.{key}]]"
                    )
                chains[key] = self.links(value, f"{place}, {key}", depth + 1)
            else:
                known = [*parameters, *kind.files, *kind.chains]
                raise self.fail(place, f"unknown key {key}; {name} knows {', '.join(known) or 'none'}")
        for key in kind.files:
            if key not in files:
                raise self.fail(place, f"{key} is missing; name its file")
        return replace(link, values=values, files=files, chains=chains)

    def file(self, key: str, value: Any, place: str) -> Path:
        if not isinstance(value, str):
            raise self.fail(place, f"{key} is {_word(value)}, expected the name of a file")
        if any(map(_is_control, value)):
            raise self.fail(place, f"{key} is {value!r}, expected a name without control characters")
        try:
            return library.resolve(value, self.path.parent, folder_of(key))
        except library.LibraryError as error:
            raise self.fail(place, str(error)) from None


def folder_of(key: str) -> str:
    """The library's folder for a processor's file argument: ``model`` -> ``models``."""
    return f"{key}s"


def model_preset(model: Path, **values: float | str) -> Preset:
    """A chain of one neural model, given by path as on the command line; raw levels unless said otherwise."""
    parameters = {parameter.name: parameter for parameter in processor_class("neural").parameters}
    stated = {"normalization": "raw", **values}
    checked = {name: parameters[name].check(value) for name, value in stated.items()}
    return Preset(model.stem, (Link("neural", checked, {"model": model}),))


def new_preset(name: str, links: Iterable[Link], *, description: str = "", author: str = "") -> Preset:
    """A preset whose every parameter is stated, so that its file shows what can be set."""
    return Preset(name, tuple(_complete(link) for link in links), description, author)


def _complete(link: Link) -> Link:
    defaults = {parameter.name: parameter.default for parameter in processor_class(link.processor).parameters}
    chains = {name: tuple(map(_complete, links)) for name, links in link.chains.items()}
    return replace(link, values={**defaults, **link.values}, chains=chains)


def save_preset(preset: Preset, path: Path) -> Path:
    """Write a preset, whole or not at all; reading it back gives the same chain.

    Raises
    ------
    PresetError
        If a text has control characters, or a file of the chain is neither beside ``path`` nor in the
        library.
    """
    _refuse_controls(preset, path)
    table: dict[str, Any] = {"tonerig": SCHEMA, "name": preset.name}
    table |= {key: text for key in ("description", "author") if (text := getattr(preset, key))}
    table["chain"] = [_table(link, path) for link in preset.chain]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, tomli_w.dumps(table).encode())
    except OSError as error:
        raise PresetError(f"{path}: the folder cannot be made: {error.strerror}") from None
    except ModelFileError as error:
        raise PresetError(str(error)) from None
    return path


def _table(link: Link, path: Path) -> dict[str, Any]:
    parameters = {parameter.name: parameter for parameter in processor_class(link.processor).parameters}
    table: dict[str, Any] = {"processor": link.processor}
    for name, value in link.values.items():
        choices = parameters[name].choices
        table[name] = choices[round(value)] if choices else _plain(value)
    for key, file in link.files.items():
        table[key] = _relative(file, path, folder_of(key))
    for key, links in link.chains.items():
        table[key] = [_table(inner, path) for inner in links]
    return table


def _plain(value: float) -> float | int:
    return int(value) if value == round(value) else value


def _relative(file: Path, path: Path, folder: str) -> str:
    """The name under which a preset at ``path`` finds ``file``."""
    for place in (path.parent, *(library_ / folder for library_ in library.libraries())):
        if file.resolve().is_relative_to(place.resolve()):
            name = file.resolve().relative_to(place.resolve()).as_posix()
            if library.resolve(name, path.parent, folder).resolve() == file.resolve():
                return name
    raise PresetError(f"{path.name}: {file} is neither beside it nor in the library; copy it there first")
