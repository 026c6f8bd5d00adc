"""Processors as a preset's file states them: values, files, texts and inner chains, read and written."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import library
from .documents import PresetError, cited, is_control, plain, word
from .parameters import ParameterError
from .plugins.errors import PluginError
from .plugins.naming import absolute, relative
from .processors import ProcessorError, processor_class
from .processors.processor import Processor
from .synths.zones import Zone, ZoneError, zone_from_table, zone_to_table

MAX_PROCESSORS = 64
MAX_DEPTH = 4
MAX_SAMPLES = 1024
SYNTHS = ("four", "two", "sampler", "instrument")
"""Processors that notes play: in patches, not in chains."""
SAMPLERS = ("sampler",)
"""Those of them that play recordings: their keyword argument ``samples`` takes a list of `Zone`."""
STATES = ("raw_state", "vstpreset")
"""Texts and files that set all parameters which are not stated beside them."""


@dataclass(frozen=True)
class Link:
    """One processor of a chain: its name, parameter values, files, inner chains, samples and texts.

    ``values`` has only what was stated, in the parameters' units (a switch by position); ``unread`` what was
    stated for a plugin that is not installed, as it stands in the file.
    """

    processor: str
    values: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    chains: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    samples: tuple[Zone, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def kind(self) -> type[Processor]:
        """Its class, with the parameters that its texts and files choose.

        Raises
        ------
        ValueError
            where there is none of that name, or for these texts and files.
        """
        return processor_class(self.processor).variant(self.texts, self.files)

    @property
    def label(self) -> str:
        """What a person calls it: its name, and which plugin it is."""
        return _label(self.processor, self.texts)

    def shown(self, name: str) -> float | None:
        """What one of its parameters is at first; None: its plugin's state says so, or nobody knows."""
        if name in self.values:
            return self.values[name]
        return _defaults(self).get(name)

    def build(self) -> Processor:
        """A new processor, not yet prepared; what its files cause to be raised passes through."""
        inner: dict[str, Any] = {
            name: [link.build() for link in links] for name, links in self.chains.items()
        }
        if self.samples:
            inner["samples"] = list(self.samples)
        return self.kind({**self.unread, **self.values}, **self.files, **self.texts, **inner)

    def all_files(self) -> list[Path]:
        """The files that it names, then its samples, then those of its inner chains, in order."""
        inner = (link for links in self.chains.values() for link in links)
        own = [*self.files.values(), *dict.fromkeys(zone.file for zone in self.samples)]
        return [*own, *(file for link in inner for file in link.all_files())]


def complete(link: Link) -> Link:
    """The same with every parameter stated, inner chains' too; without those that a plugin's state sets."""
    chains = {name: tuple(map(complete, links)) for name, links in link.chains.items()}
    stated = {**_defaults(link), **link.values}
    known = [parameter.name for parameter in link.kind.parameters]
    values = {name: stated[name] for name in [*known, *stated] if name in stated}
    return replace(link, values=values, chains=chains)


def _defaults(link: Link) -> dict[str, float]:
    """What parameters are where nothing is stated, without those that a plugin's state sets."""
    kind = link.kind
    has_state = any(key in link.texts or key in link.files for key in STATES)
    return {p.name: p.default for p in kind.parameters if not has_state or p.name in kind.fixed}


def folder_of(key: str) -> str:
    """The library's folder for a processor's file argument: ``model`` -> ``models``."""
    return f"{key}s"


class LinkReader:
    """Reads the processors of one file, counting them.

    Every method raises `PresetError`, which names the file and the ``place`` in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count = 0

    def links(self, tables: Sequence[Any], place: str, depth: int = 1) -> tuple[Link, ...]:
        """A chain from its tables; ``place`` is its key."""
        if depth > MAX_DEPTH:
            raise self._error(place, f"chains are nested more than {MAX_DEPTH} deep")
        return tuple(self._link(table, f"{place} {k}", depth) for k, table in enumerate(tables, 1))

    def synth(
        self,
        name: str,
        parameters: Mapping[str, Any],
        effects: Sequence[Any],
        samples: Sequence[Any],
        others: Mapping[str, Any],
    ) -> Link:
        """A patch's synth: its name, and what the tables say of it; ``others``: its texts and files."""
        if name not in SYNTHS:
            raise self._error("synth", f"there is no synth {cited(name)}; there are {', '.join(SYNTHS)}")
        base = processor_class(name)
        for key in others:
            if key not in (*base.texts, *base.optional_files):
                raise self._error(key, f"{name} is no plugin and has none; take it out")
        texts = {key: self._text(key, others[key], "synth") for key in base.texts if key in others}
        files = {
            key: self._file(key, others[key], "synth", folder_of(key))
            for key in base.optional_files
            if key in others
        }
        try:
            kind = base.variant(texts, files)
        except ValueError as error:
            raise self._error(f"synth ({_label(name, texts)})", str(error)) from None
        label = _label(name, texts)
        known = [parameter.name for parameter in kind.parameters]
        values: dict[str, float] = {}
        unread: dict[str, str | float] = {}
        for key, value in parameters.items():
            if key in known:
                values[key] = self._value(kind, key, value, f"parameters ({label})")
            elif kind.problem is not None and isinstance(value, str | int | float):
                unread[key] = value
            else:
                raise self._unknown(f"parameters ({label})", key, texts.get("plugin") or name, known)
        if samples and name not in SAMPLERS:
            raise self._error("samples", f"{name} plays no samples; take them out, or use the sampler")
        if name in SAMPLERS and not samples:
            raise self._error("samples", f"{name} has nothing to play; give it at least one [[samples]]")
        zones = tuple(self._zone(table, f"samples {k}") for k, table in enumerate(samples, 1))
        links = self.links(effects, "effects")
        for k, link in enumerate(links, 1):
            if _outputs([link]) != 2:
                place = f"effects {k} ({link.processor})"
                raise self._error(place, "puts out one channel, and a synth's effects two; take it out")
        chains = {"effects": links} if links else {}
        return Link(name, values, files, chains, zones, texts, unread)

    def _link(self, table: Any, place: str, depth: int) -> Link:
        self._count += 1
        if self._count > MAX_PROCESSORS:
            raise self._error(place, f"a preset has at most {MAX_PROCESSORS} processors")
        if not isinstance(table, dict) or not isinstance(table.get("processor"), str):
            raise self._error(place, 'processor is missing; say which one, as in processor = "gain"')
        name = table["processor"]
        if name in SYNTHS:
            raise self._error(
                f"{place} ({name})",
                f'{name} is a synth, which plays in a patch: kind = "patch", synth = "{name}"',
            )
        try:
            kind = processor_class(name)
        except ProcessorError as error:
            raise self._error(place, str(error)) from None
        texts = {key: self._text(key, table[key], f"{place} ({name})") for key in kind.texts if key in table}
        label = _label(name, texts)
        paths = (*kind.files, *kind.optional_files)
        files = {
            key: self._file(key, table[key], f"{place} ({label})", folder_of(key))
            for key in paths
            if key in table
        }
        try:
            kind = kind.variant(texts, files)
        except ValueError as error:
            raise self._error(f"{place} ({label})", str(error)) from None
        place = f"{place} ({label})"
        for key in kind.files:
            if key not in files:
                raise self._error(place, f"{key} is missing; name its file")
        parameters = [parameter.name for parameter in kind.parameters]
        values: dict[str, float] = {}
        chains: dict[str, tuple[Link, ...]] = {}
        unread: dict[str, str | float] = {}
        for key, value in table.items():
            if key == "processor" or key in kind.texts or key in files:
                continue
            if key in parameters:
                values[key] = self._value(kind, key, value, place)
            elif key in kind.chains:
                if not isinstance(value, list):
                    raise self._error(
                        place, f"{key} must be a list of processors: [[{place.split()[0]}.{key}]]"
                    )
                chains[key] = self.links(value, f"{place}, {key}", depth + 1)
            elif kind.problem is not None and isinstance(value, str | int | float):
                unread[key] = value
            else:
                known = [*kind.texts, *parameters, *paths, *kind.chains]
                raise self._unknown(place, key, texts.get("plugin") or name, known)
        return Link(name, values, files, chains, (), texts, unread)

    def _zone(self, table: Any, place: str) -> Zone:
        if "file" not in table:
            raise self._error(place, "file is missing; name a WAV or FLAC file")
        file = self._file("file", table["file"], place, "samples")
        if file.suffix.lower() not in library.SUFFIXES["samples"]:
            known = ", ".join(library.SUFFIXES["samples"])
            raise self._error(place, f"file is {file.name!r}, expected a sound ({known})")
        try:
            return zone_from_table(table, file)
        except ZoneError as error:
            raise self._error(place, str(error)) from None

    def _value(self, kind: type[Processor], key: str, value: Any, place: str) -> float:
        parameter = kind.parameter(key)
        if isinstance(value, bool):
            raise self._error(place, f"{key} is {word(value)}, expected {parameter.range_text()}")
        try:
            return parameter.check(value)
        except ParameterError as error:
            raise self._error(place, str(error)) from None

    def _text(self, key: str, value: Any, place: str) -> str:
        if not isinstance(value, str):
            raise self._error(place, f"{key} is {word(value)}, expected text")
        if any(map(is_control, value)):
            raise self._error(place, f"{key} has control characters; take them out")
        try:
            return absolute(value, self.path.parent) if key == "plugin" else value
        except PluginError as error:
            raise self._error(place, str(error)) from None

    def _file(self, key: str, value: Any, place: str, folder: str) -> Path:
        if not isinstance(value, str):
            raise self._error(place, f"{key} is {word(value)}, expected the name of a file")
        if any(map(is_control, value)):
            raise self._error(place, f"{key} is {value!r}, expected a name without control characters")
        try:
            return library.resolve(value, self.path.parent, folder)
        except library.LibraryError as error:
            raise self._error(place, str(error)) from None

    def _unknown(self, place: str, key: str, name: str, known: Sequence[str]) -> PresetError:
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]}? {name} knows" if near else f"{name} knows"
        return self._error(place, f"unknown key {cited(key)}; {hint} {', '.join(known) or 'none'}")

    def _error(self, place: str, problem: str) -> PresetError:
        return PresetError(f"{self.path.name}, {place}: {problem}")


def _outputs(links: Sequence[Link], inputs: int = 2) -> int:
    """Channels that a chain puts out."""
    for link in links:
        if link.processor == "parallel":
            inputs = max(_outputs(link.chains.get(name, ()), inputs) for name in ("a", "b"))
        else:
            widened = max(inputs, link.kind.least_outputs)
            inputs = {"mono": 1, "stereo": 2}.get(link.processor, widened)
    return inputs


def _label(name: str, texts: Mapping[str, str]) -> str:
    return " ".join([name, *(cited(texts[key]) for key in ("plugin",) if key in texts)])


def link_table(link: Link, path: Path) -> dict[str, Any]:
    """What `LinkReader` reads, for a preset at ``path``.

    Raises
    ------
    PresetError
        If a file that it names is neither beside ``path`` nor in the library.
    """
    named = named_table(link, path)
    table: dict[str, Any] = {"processor": link.processor, **named, **link.unread, **value_table(link)}
    for key, links in link.chains.items():
        table[key] = [link_table(inner, path) for inner in links]
    for key in STATES:  # the longest comes last
        if key in link.texts:
            table[key] = table.pop(key)
    return table


def named_table(link: Link, path: Path) -> dict[str, Any]:
    """The texts and the files that it names; raises as `link_table`."""
    texts = {
        key: relative(text, path.parent) if key == "plugin" else text for key, text in link.texts.items()
    }
    return texts | {key: _relative(file, path, folder_of(key)) for key, file in link.files.items()}


def value_table(link: Link) -> dict[str, Any]:
    """The stated values as TOML has them, a switch by its position's name."""
    known = {parameter.name: parameter.choices for parameter in link.kind.parameters}
    table: dict[str, Any] = {}
    for name, value in link.values.items():
        choices = known.get(name)  # none of a plugin that has been removed meanwhile
        table[name] = choices[round(value)] if choices else plain(value)
    return table


def sample_tables(link: Link, path: Path) -> list[dict[str, Any]]:
    """The samples of a patch at ``path``; raises as `link_table`."""
    return [zone_to_table(zone, _relative(zone.file, path, "samples")) for zone in link.samples]


def _relative(file: Path, path: Path, folder: str) -> str:
    """The name under which a preset at ``path`` finds ``file``."""
    for place in (path.parent, *(library_ / folder for library_ in library.libraries())):
        if file.resolve().is_relative_to(place.resolve()):
            name = file.resolve().relative_to(place.resolve()).as_posix()
            if library.resolve(name, path.parent, folder).resolve() == file.resolve():
                return name
    raise PresetError(f"{path.name}: {file} is neither beside it nor in the library; copy it there first")
