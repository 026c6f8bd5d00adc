"""How a preset names a plugin: by its name, or by the path of its ``.vst3`` from the preset's folder."""

from __future__ import annotations

from pathlib import Path

SUFFIX = ".vst3"


def is_path(text: str) -> bool:
    """Whether this is a path, and not a plugin's name."""
    return text.lower().endswith(SUFFIX)


def absolute(text: str, folder: Path) -> str:
    """What a preset in ``folder`` means: a name as it is, a path made absolute."""
    return str((folder / text).absolute()) if is_path(text) else text


def relative(text: str, folder: Path) -> str:
    """What a preset in ``folder`` says: a path below the folder without it."""
    if not is_path(text) or not Path(text).is_relative_to(folder.absolute()):
        return text
    return Path(text).relative_to(folder.absolute()).as_posix()
