"""Where presets, models and sounds live: the shipped ones, and the user's own.

Both places have the same folders: ``chains`` and ``patches`` (presets), ``models``, ``impulses`` and
``samples``. A name is looked for among the user's first. Names come from strangers' presets, so that
none may lead out of its folder.
"""

from __future__ import annotations

import difflib
import importlib.resources
import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from platformdirs import user_data_path

from ..export.errors import ModelFileError
from ..export.writing import write_bytes
from .documents import cited

_SOUNDS = (".wav", ".flac", ".aiff", ".aif", ".ogg")
SUFFIXES: dict[str, tuple[str, ...]] = {
    "chains": (".toml",),
    "patches": (".toml",),
    "models": (".onnx", ".nam", ".json", ".aidax"),
    "impulses": _SOUNDS,
    "samples": _SOUNDS,
}
"""The folders of a library, and what files count in each."""


class LibraryError(ValueError):
    """A name that leads nowhere, or out of its folder."""


def user_library() -> Path:
    """The user's folder, which need not exist; ``TONERIG_LIBRARY`` overrides it."""
    chosen = os.environ.get("TONERIG_LIBRARY")
    return Path(chosen) if chosen else user_data_path("tonerig")


def shipped_library() -> Path:
    """The folder that comes with the program."""
    return Path(str(importlib.resources.files("tonerig.presets")))


def libraries() -> tuple[Path, Path]:
    """The places to look in, in this order."""
    return user_library(), shipped_library()


def listing(folder: str) -> dict[str, Path]:
    """All files of a kind by name without suffix, sorted; the user's hide shipped ones of the same name.

    Of several files of one name the last in order of the alphabet counts: a model's ``.onnx``, not the
    ``.json`` with its training results beside it.

    Parameters
    ----------
    folder : a key of `SUFFIXES`
    """
    found: dict[str, Path] = {}
    for library in reversed(libraries()):
        for path in sorted((library / folder).glob("*")):
            if path.suffix.lower() in SUFFIXES[folder] and path.is_file():
                found[path.stem] = path
    return dict(sorted(found.items()))


def named(folder: str, name: str) -> Path:
    """The file with this name, suffix left out or not.

    Raises
    ------
    LibraryError
        naming those that there are, the nearest one first.
    """
    names = listing(folder)
    for key, path in names.items():
        if name in (key, path.name):
            return path
    kind = {"chains": "preset", "patches": "patch"}.get(folder, folder.removesuffix("s"))
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}? There are" if near else "there are"
    raise LibraryError(
        f"there is no {kind} {cited(name.strip()) or 'without a name'}; {hint} {', '.join(names) or 'none'}"
    )


def inside(folder: Path, name: str) -> Path | None:
    """The file ``name`` in ``folder``, or None where there is none.

    Raises
    ------
    LibraryError
        If the name is absolute, contains ``..``, or leads out of the folder through a link.
    """
    parts = PureWindowsPath(name)  # splits at both kinds of slash and knows drives
    absolute = parts.drive or parts.root or PurePosixPath(name).is_absolute()
    if absolute or ".." in parts.parts or not name.strip() or "\0" in name:
        raise LibraryError(
            f"{cited(name)!r} leads out of its folder; name a file beside the preset or in the library"
        )
    path = folder.joinpath(*parts.parts)
    try:
        if not path.is_file():
            return None
    except OSError:  # its name is longer than any file's, or a folder cannot be entered
        return None
    if not path.resolve().is_relative_to(folder.resolve()):
        raise LibraryError(f"{cited(name)!r} is a link out of its folder; put the file itself there")
    return path


def resolve(name: str, beside: Path | None, folder: str) -> Path:
    """A file that a preset names: beside the preset, then in the user's library, then in the shipped one.

    Parameters
    ----------
    name : relative, as written in the preset
    beside : the preset's folder, if it is in one
    folder : a key of `SUFFIXES`

    Raises
    ------
    LibraryError
    """
    places = [library / folder for library in libraries()]
    if beside is not None:
        places.insert(0, beside)
    for place in places:
        if (path := inside(place, name)) is not None:
            return path
    where = "beside the preset nor in the library" if beside is not None else "in the library"
    raise LibraryError(
        f"the file {cited(name)} is {'neither ' if beside is not None else 'not '}{where}; "
        f"put it into {places[0] if beside is not None else user_library() / folder}"
    )


def add(source: Path, folder: str) -> Path:
    """Copy a file into the user's library, unless the same file is there already; returns its place.

    Raises
    ------
    LibraryError
        If another file of that name is there.
    """
    target = user_library() / folder / source.name
    if target.exists():
        if target.read_bytes() != source.read_bytes():
            raise LibraryError(f"{target} exists and is another file; rename {source.name} first")
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, source.read_bytes())
    except OSError as error:
        raise LibraryError(f"{error.filename}: {error.strerror}") from None
    except ModelFileError as error:
        raise LibraryError(str(error)) from None
    return target
