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
and a bad one refused with a sentence that says where it is. A synthesizer's preset is a patch, see
`patches`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from . import library
from .documents import SCHEMA, Heading, PresetError, check_table, read_table, write_table
from .links import MAX_DEPTH, MAX_PROCESSORS, Link, LinkReader, complete, folder_of, link_table
from .processors.processor import Processor

__all__ = [
    "MAX_DEPTH",
    "MAX_PROCESSORS",
    "SCHEMA",
    "Link",
    "Preset",
    "PresetError",
    "folder_of",
    "is_path",
    "load_preset",
    "model_preset",
    "new_preset",
    "parse_preset",
    "save_preset",
]


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


class _Document(Heading):
    """The top of a chain's file."""

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
    path = find(name_or_path, "chains", "patches", IS_A_PATCH)
    return parse_preset(read_table(path), path)


def find(name_or_path: str | Path, folder: str, other: str, mistaken: str) -> Path:
    """The file of a preset of one kind, by path or by name from a folder of the library.

    Parameters
    ----------
    other : the folder of the other kind; of a name that is only there, ``mistaken`` is said

    Raises
    ------
    PresetError
    """
    if is_path(name_or_path):
        return Path(name_or_path)
    try:
        return library.named(folder, str(name_or_path))
    except library.LibraryError as error:
        if name_or_path in library.listing(other):
            raise PresetError(f"{name_or_path} {mistaken}") from None
        raise PresetError(str(error)) from None


IS_A_PATCH = "is a patch, which is played by notes, and no chain; give it as --patch"


def is_path(name_or_path: str | Path) -> bool:
    """Whether this names a file, and not a preset of the library."""
    text = str(name_or_path)
    return isinstance(name_or_path, Path) or text.endswith(".toml") or os.sep in text or "/" in text


def parse_preset(table: Mapping[str, Any], path: Path) -> Preset:
    """A preset from TOML's tables; ``path`` is for messages and for the files named in it.

    Raises
    ------
    PresetError
    """
    if table.get("kind") == "patch":
        raise PresetError(f"{path.name}: {IS_A_PATCH}")
    document = check_table(_Document, table, path)
    chain = LinkReader(path).links(document.chain, "chain")
    return Preset(document.name, chain, document.description, document.author, document.kind, path)


def model_preset(model: Path, **values: float | str) -> Preset:
    """A chain of one neural model, given by path as on the command line; raw levels unless said otherwise.

    Raises
    ------
    ParameterError
        for a value that it does not take, or a knob that it does not have.
    ModelFileError
        if a knob of the model has a name that is taken.
    """
    link = Link("neural", files={"model": model})
    stated = {"normalization": "raw", **values}
    checked = {name: link.kind.parameter(name).check(value) for name, value in stated.items()}
    return Preset(model.stem, (replace(link, values=checked),))


def new_preset(name: str, links: Iterable[Link], *, description: str = "", author: str = "") -> Preset:
    """A preset whose every parameter is stated, so that its file shows what can be set."""
    return Preset(name, tuple(complete(link) for link in links), description, author)


def save_preset(preset: Preset, path: Path) -> Path:
    """Write a preset, whole or not at all; reading it back gives the same chain.

    Raises
    ------
    PresetError
        If it could not be read back: a text is too long or has control characters, a synth is in the chain,
        a file is neither beside ``path`` nor in the library.
    """
    table: dict[str, Any] = {"tonerig": SCHEMA, "name": preset.name}
    table |= {key: text for key in ("description", "author") if (text := getattr(preset, key))}
    table["chain"] = [link_table(link, path) for link in preset.chain]
    parse_preset(table, path)
    return write_table(table, path)
