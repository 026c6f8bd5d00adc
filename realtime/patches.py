"""A patch: a preset of a synthesizer, as TOML.

::

    tonerig = 1
    kind = "patch"
    name = "Glass bell"
    program = 15
    synth = "four"

    [parameters]
    sine_amplitude = 1

    [[effects]]
    processor = "reverb"

Parameters go by their names, in their units; what is not named keeps its default. ``effects`` is a chain
that only this patch goes through. ``program`` (1 to 128, or the first and last of several) and ``bank``
(0 to 16383) say which MIDI programs call it. The sampler's recordings are ``[[samples]]``, see
`synths.zones`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from . import library
from .documents import (
    SCHEMA,
    Heading,
    PresetError,
    check_table,
    cited,
    read_table,
    word,
    write_table,
)
from .links import (
    MAX_PROCESSORS,
    MAX_SAMPLES,
    Link,
    LinkReader,
    complete,
    link_table,
    named_table,
    sample_tables,
    value_table,
)
from .presets import find
from .processors.processor import Processor
from .synths.zones import Zone

PLUGIN_KEYS = ("plugin", "raw_state", "vstpreset")
"""What an instrument of others is named by, see `plugins.plugin`."""
IS_A_CHAIN = "is a chain, which a guitar plays through, and no patch; give it as --preset"
PROGRAMS = 128


@dataclass(frozen=True)
class Patch:
    """A synth with its settings and effects, and a name.

    Attributes
    ----------
    link : the synth
    program : first and last MIDI program that call it, counted from 1; None: none does
    bank : of those programs, 128 × controller 0 + controller 32
    path : where it was read from
    """

    name: str
    link: Link
    description: str = ""
    author: str = ""
    program: tuple[int, int] | None = None
    bank: int = 0
    kind: Literal["patch"] = "patch"
    path: Path | None = None

    @property
    def synth(self) -> str:
        """The name of its synth."""
        return self.link.processor

    def build(self) -> Processor:
        """A new synth with its effects, not yet prepared.

        Raises
        ------
        ModelFileError, AudioFileError
            If a file that it names cannot be used.
        """
        return self.link.build()

    def files(self) -> list[Path]:
        """Every file that it is made of: its own, its samples, and those that its effects name."""
        return ([] if self.path is None else [self.path]) + self.link.all_files()


class _Document(Heading):
    """The top of a patch's file."""

    kind: Literal["patch"]
    program: Any = None
    bank: int = Field(0, ge=0, le=16383)
    synth: str
    plugin: Any = None
    raw_state: Any = None
    vstpreset: Any = None
    parameters: dict[str, Any] = Field({})
    effects: list[dict[str, Any]] = Field([], max_length=MAX_PROCESSORS)
    samples: list[dict[str, Any]] = Field([], max_length=MAX_SAMPLES)


def load_patch(name_or_path: str | Path) -> Patch:
    """A patch from a file, or by name from the library.

    Parameters
    ----------
    name_or_path : a path (with a folder or ``.toml`` in it), or a name such as ``"glass-bell"``

    Raises
    ------
    PresetError
    """
    path = find(name_or_path, "patches", "chains", IS_A_CHAIN)
    return parse_patch(read_table(path), path)


def parse_patch(table: Mapping[str, Any], path: Path) -> Patch:
    """A patch from TOML's tables; ``path`` is for messages and for the files named in it.

    Raises
    ------
    PresetError
    """
    if table.get("kind", "chain") == "chain" and "chain" in table:
        raise PresetError(f"{path.name}: {IS_A_CHAIN}")
    document = check_table(_Document, table, path)
    named = {key: getattr(document, key) for key in PLUGIN_KEYS if getattr(document, key) is not None}
    link = LinkReader(path).synth(
        document.synth, document.parameters, document.effects, document.samples, named
    )
    return Patch(
        document.name,
        link,
        document.description,
        document.author,
        _programs(document.program, path),
        document.bank,
        document.kind,
        path,
    )


def _programs(value: Any, path: Path) -> tuple[int, int] | None:
    if value is None:
        return None
    ends = value if isinstance(value, list) else [value, value]
    whole = all(isinstance(end, int) and not isinstance(end, bool) for end in ends)
    if not whole or len(ends) != 2 or not 1 <= ends[0] <= ends[1] <= PROGRAMS:
        raise PresetError(
            f"{path.name}: program is {word(value)}, expected a whole number from 1 to {PROGRAMS}, "
            "or the first and the last of several: [33, 40]"
        )
    return ends[0], ends[1]


def new_patch(
    name: str,
    synth: str,
    values: Mapping[str, float] | None = None,
    *,
    effects: Sequence[Link] = (),
    samples: Sequence[Zone] = (),
    texts: Mapping[str, str] | None = None,
    description: str = "",
    author: str = "",
    program: tuple[int, int] | None = None,
    bank: int = 0,
) -> Patch:
    """A patch whose every parameter is stated, so that its file shows what can be set.

    Parameters
    ----------
    values : parameters by name, in their units; the others get their defaults
    texts : of an instrument: ``plugin`` and, if wanted, ``raw_state``
    """
    chains = {"effects": tuple(effects)} if effects else {}
    link = complete(Link(synth, dict(values or {}), {}, chains, tuple(samples), dict(texts or {})))
    return Patch(name, link, description, author, program, bank)


def save_patch(patch: Patch, path: Path) -> Path:
    """Write a patch with every parameter, whole or not at all; reading it back gives the same synth.

    Raises
    ------
    PresetError
        If it could not be read back: a text is too long or has control characters, a file is neither beside
        ``path`` nor in the library.
    """
    link = complete(patch.link)
    table: dict[str, Any] = {"tonerig": SCHEMA, "kind": patch.kind, "name": patch.name}
    table |= {key: text for key in ("description", "author") if (text := getattr(patch, key))}
    if patch.program is not None:
        first, last = patch.program
        table["program"] = first if first == last else [first, last]
    if patch.bank:
        table["bank"] = patch.bank
    table |= {"synth": patch.synth, **named_table(link, path)}
    table["parameters"] = {**link.unread, **value_table(link)}
    if effects := link.chains.get("effects"):
        table["effects"] = [link_table(inner, path) for inner in effects]
    if link.samples:
        table["samples"] = sample_tables(link, path)
    parse_patch(table, path)
    return write_table(table, path)


def load_map(text: str) -> dict[int, Patch]:
    """Patches by channel, from what ``--map`` says: ``"1=bass,2=pad,10=drums"``.

    Raises
    ------
    PresetError
        If it cannot be read so, or a patch cannot be used.
    """
    chosen: dict[int, Patch] = {}
    for part in text.split(","):
        channel, equals, name = (piece.strip() for piece in part.partition("="))
        if not (equals and name and re.fullmatch("[0-9]{1,2}", channel) and 1 <= int(channel) <= 16):
            found = cited(part.strip())
            raise PresetError(
                f"the map has {found!r}, expected a channel from 1 to 16 and a patch, as in 10=drums"
            )
        if int(channel) in chosen:
            raise PresetError(f"the map names channel {int(channel)} twice; leave one patch for it")
        chosen[int(channel)] = load_patch(name)
    return chosen


def library_patches() -> dict[str, Patch]:
    """All patches of the library that can be used, by name; the user's own, whose programs count, first."""
    own: dict[str, Patch] = {}
    shipped: dict[str, Patch] = {}
    for name, path in library.listing("patches").items():
        part = own if path.is_relative_to(library.user_library()) else shipped
        try:
            part[name] = load_patch(path)
        except PresetError:  # 'tonerig preset list' says what is wrong with it
            continue
    return own | shipped
