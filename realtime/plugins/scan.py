"""Which plugins there are: found, described once, and remembered until their files change."""

from __future__ import annotations

import difflib
import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from platformdirs import user_cache_path

from .bundles import binary, installed_bundles
from .description import DescriptionError, PluginDescription, legible
from .errors import PluginError
from .naming import is_path
from .probe_process import Outcome, describe_all

FORMAT = 3
"""Of the cache: to be counted up when plugins come to be described otherwise."""
MAX_CACHE = 2**26
LISTING = "'tonerig plugins list' shows what is installed"
NONE = "There are no plugins; put VST3 bundles into ~/.vst3, or name their folder in VST3_PATH."

Progress: TypeAlias = Callable[[int, int, str], None]
"""Told how many files are done, of how many, and the last one's name."""
Entry: TypeAlias = dict[str, Any]
"""What the cache holds of a file: its ``stamp``, ``plugins`` and what was ``left_alone``."""


@dataclass(frozen=True)
class Scanned:
    """What is installed.

    Parameters
    ----------
    plugins : sorted by name
    left_alone : files with something that cannot be played through, and sentences why
    described : how many files were new, and not in the cache
    problem : a sentence where the cache cannot be written
    """

    plugins: list[PluginDescription]
    left_alone: list[tuple[Path, str]]
    described: int = 0
    problem: str = ""


def scan(progress: Progress | None = None, force: bool = False) -> Scanned:
    """Find what is installed, and describe what is new: each plugin in a process of its own.

    Parameters
    ----------
    progress : told of each file that is described
    force : describe everything again, what was left alone too

    Raises
    ------
    PluginError
        Plugins cannot be hosted on this system.
    """
    found = installed_bundles()
    entries = _read_cache()
    stamps, left_alone = _stamps(found)
    outcomes = {} if force else _recall_all(entries, stamps)
    new = sorted((path for path in stamps if path not in outcomes), key=lambda path: -stamps[path][0])
    for done, outcome in enumerate(describe_all(new) if new else (), 1):
        outcomes[outcome.path] = outcome
        entries[str(outcome.path)] = _entry(outcome, stamps[outcome.path])
        if progress is not None:
            progress(done, len(new), outcome.path.stem)
    gone = [
        key for key in entries if Path(key) not in stamps and (Path(key) in found or not Path(key).exists())
    ]
    for key in gone:
        del entries[key]
    problem = _write_cache(entries) if new or gone else ""
    plugins = [plugin for path in stamps for plugin in outcomes[path].plugins]
    left_alone += [(path, reason) for path in stamps for reason in outcomes[path].left_alone]
    return Scanned(
        sorted(plugins, key=lambda plugin: plugin.name.casefold()), sorted(left_alone), len(new), problem
    )


def installed() -> list[PluginDescription]:
    """The plugins that there are, sorted by name; new ones are described first.

    Raises
    ------
    PluginError
        Plugins cannot be hosted on this system.
    """
    return scan().plugins


def find(name_or_path: str) -> PluginDescription:
    """The plugin of a name, in capitals or not, or of a path that ends in ``.vst3``.

    Of plugins with one name the first in the order of the search folders counts. Only a plugin that
    is not in the cache is loaded, in a process of its own.

    Raises
    ------
    PluginError
        It is not installed, or was left alone; the sentence says why.
    """
    if is_path(name_or_path):
        return _find_file(Path(name_or_path).expanduser().absolute())
    wanted = name_or_path.strip().casefold()
    stamps, refused = _stamps(installed_bundles())
    entries = _read_cache()
    likely = {
        path: stamp
        for path, stamp in stamps.items()
        if path.stem.casefold() == wanted or wanted in map(str.casefold, _names(entries.get(str(path))))
    }
    outcomes = _recall_all(entries, likely)
    outcomes |= _describe([path for path in likely if path not in outcomes], stamps)
    plugins = [plugin for path in likely for plugin in outcomes[path].plugins]
    if (plugin := _named(plugins, name_or_path.strip())) is not None:
        return plugin
    reasons = [(path, reason) for path in likely for reason in outcomes[path].left_alone]
    for path, reason in reasons + refused:
        if path.stem.casefold() == wanted:
            raise PluginError(reason)
    plugins = installed()
    if (plugin := _named(plugins, name_or_path.strip())) is not None:
        return plugin
    raise PluginError(_not_found(name_or_path, plugins))


def _find_file(path: Path) -> PluginDescription:
    stamp = _stamp(path)
    outcome = _recall(_read_cache().get(str(path)), path, stamp) or _describe([path], {path: stamp})[path]
    if len(outcome.plugins) == 1:
        return outcome.plugins[0]
    if not outcome.plugins:
        raise PluginError(outcome.left_alone[0])
    names = ", ".join(plugin.name for plugin in outcome.plugins)
    raise PluginError(f"{legible(path.name)}: has several plugins; give the name of one: {names}")


def _named(plugins: Iterable[PluginDescription], name: str) -> PluginDescription | None:
    """The first plugin of that name; of a name that differs in capitals, if that means but one.

    Raises
    ------
    PluginError
    """
    alike = [plugin for plugin in plugins if plugin.name.casefold() == name.casefold()]
    same = [plugin for plugin in alike if plugin.name == name]
    names = {plugin.name for plugin in alike}
    if not same and len(names) > 1:
        raise PluginError(f"{legible(name)} may mean {' or '.join(sorted(names))}; write it as one of them")
    return next(iter(same or alike), None)


def _not_found(name: str, plugins: Sequence[PluginDescription]) -> str:
    names = {plugin.name.casefold(): plugin.name for plugin in plugins}
    near = difflib.get_close_matches(name.strip().casefold(), names, 1)
    hint = f"did you mean {names[near[0]]}? " if near else ""
    return f"there is no plugin {legible(name.strip()) or 'without a name'}; {hint}{LISTING}"


def _describe(paths: Sequence[Path], stamps: dict[Path, list[int]]) -> dict[Path, Outcome]:
    """Describe files now and remember what came of it."""
    if not paths:
        return {}
    outcomes = {outcome.path: outcome for outcome in describe_all(paths)}
    _write_cache(_read_cache() | {str(path): _entry(outcomes[path], stamps[path]) for path in paths})
    return outcomes


def _stamp(path: Path) -> list[int]:
    """Size in bytes and date in ns of what a bundle loads.

    Raises
    ------
    PluginError
        It has nothing for this system.
    """
    file = binary(path)
    try:
        status = file.stat()
    except OSError as error:
        raise PluginError(f"{legible(path.name)}: cannot be read: {error.strerror}") from None
    return [status.st_size, status.st_mtime_ns]


def _stamps(paths: Iterable[Path]) -> tuple[dict[Path, list[int]], list[tuple[Path, str]]]:
    """The stamps of those that have something for this system, and why others have not."""
    stamps: dict[Path, list[int]] = {}
    refused: list[tuple[Path, str]] = []
    for path in paths:
        try:
            stamps[path] = _stamp(path)
        except PluginError as error:
            refused.append((path, str(error)))
    return stamps, refused


def _cache_file() -> Path:
    chosen = os.environ.get("TONERIG_CACHE")
    return (Path(chosen) if chosen else user_cache_path("tonerig")) / "plugins.json"


def _heading() -> dict[str, Any]:
    """What makes a cache of another version void."""
    return {"format": FORMAT, "pedalboard": importlib.metadata.version("pedalboard")}


def _read_cache() -> dict[str, Entry]:
    """The entries by path; none where the cache is missing, of another version, or broken."""
    try:
        with _cache_file().open("rb") as file:
            table = json.loads(file.read(MAX_CACHE))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(table, dict) or not isinstance(table.get("files"), dict):
        return {}
    if any(table.get(key) != value for key, value in _heading().items()):
        return {}
    return table["files"]


def _write_cache(entries: dict[str, Entry]) -> str:
    """Write the cache, whole or not at all; gives a sentence where that cannot be."""
    from ...export.errors import ModelFileError
    from ...export.writing import write_bytes

    path = _cache_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_bytes(path, json.dumps({**_heading(), "files": entries}).encode("ascii"))
    except (OSError, ModelFileError):
        return f"{path} cannot be written, so nothing is remembered; set TONERIG_CACHE to another folder"
    return ""


def _entry(outcome: Outcome, stamp: list[int]) -> Entry:
    plugins = [plugin.as_dict() for plugin in outcome.plugins]
    return {"stamp": stamp, "plugins": plugins, "left_alone": outcome.left_alone}


def _recall(entry: Any, path: Path, stamp: list[int]) -> Outcome | None:
    """What the cache knows of a file, if that has not changed and the entry is sound."""
    if not isinstance(entry, dict) or entry.get("stamp") != stamp:
        return None
    tables, reasons = entry.get("plugins"), entry.get("left_alone")
    if not isinstance(tables, list) or not isinstance(reasons, list) or not tables + reasons:
        return None
    if not all(isinstance(reason, str) and reason.isprintable() for reason in reasons):
        return None
    try:
        plugins = [PluginDescription.from_dict(table) for table in tables]
    except DescriptionError:
        return None
    return Outcome(path, plugins, reasons) if all(plugin.path == path for plugin in plugins) else None


def _recall_all(entries: dict[str, Entry], stamps: dict[Path, list[int]]) -> dict[Path, Outcome]:
    found = ((path, _recall(entries.get(str(path)), path, stamp)) for path, stamp in stamps.items())
    return {path: outcome for path, outcome in found if outcome is not None}


def _names(entry: Any) -> list[str]:
    """The names in an entry that is not checked yet."""
    tables = entry.get("plugins") if isinstance(entry, dict) else None
    names = (
        (table.get("name") for table in tables if isinstance(table, dict)) if isinstance(tables, list) else ()
    )
    return [name for name in names if isinstance(name, str)]
