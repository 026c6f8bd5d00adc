"""How a preset names a plugin: by its name, or by the path of its ``.vst3`` from the preset's folder.

A plugin is a program, and presets come from strangers: a path is taken only into the folders in which the
person has installed plugins.
"""

from __future__ import annotations

from pathlib import Path

from .bundles import SUFFIX, search_folders
from .errors import PluginError


def is_path(text: str) -> bool:
    """Whether this is a path, and not a plugin's name."""
    return text.lower().endswith(SUFFIX)


def absolute(text: str, folder: Path) -> str:
    """What a preset in ``folder`` means: a name as it is, a path made absolute.

    Raises
    ------
    PluginError
        If the path leads elsewhere than to where plugins are installed.
    """
    if not is_path(text):
        return text
    path = (folder / text).absolute()
    installed = any(path.is_relative_to(place.absolute()) for place in search_folders())
    if not installed or ".." in path.parts:
        raise PluginError(
            f"plugin is {text[:100]!r}, which is no place for plugins; if you trust whom it is from, "
            "move it to ~/.vst3, or name its folder in VST3_PATH"
        )
    return str(path)


def relative(text: str, folder: Path) -> str:
    """What a preset in ``folder`` says: a path below the folder without it."""
    if not is_path(text) or not Path(text).is_relative_to(folder.absolute()):
        return text
    return Path(text).relative_to(folder.absolute()).as_posix()
