"""Where VST3 plugins are installed, and which file of one is for this system.

The folders and the inside of a bundle are those of the VST3 SDK (VST 3 Developer Portal: Plug-in Locations,
Plug-in Format Structure). Plugins run on Linux only, so far.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from .description import legible
from .errors import PluginError

SUFFIX = ".vst3"
MAX_DEPTH = 4
"""Of folders in folders, such as one for each maker."""
_SYSTEMS = {"-win": "Windows", "MacOS": "macOS", "-linux": "another kind of processor"}


def search_folders() -> list[Path]:
    """Where plugins are looked for: the folders of ``VST3_PATH``, then the user's and the system's."""
    chosen = [Path(part) for part in os.environ.get("VST3_PATH", "").split(os.pathsep) if part]
    return [*chosen, Path.home() / ".vst3", Path("/usr/lib/vst3"), Path("/usr/local/lib/vst3")]


def installed_bundles() -> list[Path]:
    """All that ends in ``.vst3`` in the search folders, each once, in order."""
    found: dict[Path, None] = {}
    seen: set[tuple[int, int]] = set()
    for folder in search_folders():
        for path in _bundles(folder.absolute(), MAX_DEPTH, seen):
            found.setdefault(path)
    return list(found)


def _bundles(folder: Path, depth: int, seen: set[tuple[int, int]]) -> list[Path]:
    """Those of a folder, unless it was looked into before: links may lead to it again and again."""
    try:
        status = folder.stat()
        entries = sorted(folder.iterdir())
    except OSError:  # not there, or not ours to read
        return []
    itself = status.st_dev, status.st_ino
    if itself in seen:
        return []
    seen.add(itself)
    found = []
    for entry in entries:
        if entry.suffix.lower() == SUFFIX:
            found.append(entry)
        elif depth > 1 and entry.is_dir():
            found += _bundles(entry, depth - 1, seen)
    return found


def binary(path: Path) -> Path:
    """The file of a bundle that runs on this system.

    Raises
    ------
    PluginError
        There is none: the bundle is empty, or for other systems.
    """
    name = legible(path.name)
    try:
        if not path.exists():
            what = "is a link to nothing" if path.is_symlink() else "is not there"
            raise PluginError(f"{name}: {what}; check the path, or install the plugin again")
        if not path.is_dir():
            raise PluginError(f"{name}: is a file; a VST3 for Linux is a folder, so get that one")
        inside = path / "Contents"
        own = sorted((inside / f"{platform.machine()}-linux").glob("*.so"))
        if own:
            return next((file for file in own if file.stem == path.stem), own[0])
        folders = sorted(folder.name for folder in inside.iterdir()) if inside.is_dir() else []
    except OSError as error:
        raise PluginError(f"{name}: cannot be read: {error.strerror}") from None
    others = [system for end, system in _SYSTEMS.items() if any(folder.endswith(end) for folder in folders)]
    if others:
        raise PluginError(f"{name}: is for {' and '.join(others)}; get the one for Linux")
    raise PluginError(f"{name}: has nothing inside that Linux could load; install the plugin again")
