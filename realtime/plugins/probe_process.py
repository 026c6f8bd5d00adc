"""Plugins described in processes of their own, several at a time; whatever one does ends in a sentence."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from . import messages
from .child import ENDING_S, Child, Children, check_system, side_by_side
from .description import DescriptionError, PluginDescription, legible
from .errors import PluginError

TIME_LIMIT_S = 10.0
"""That a plugin has to be loaded and tried."""
FILE_LIMIT_S = 60.0
"""After which no more of a file's plugins are tried."""
MAX_ANSWER = 2**22
MAX_PLUGINS = 64
"""In one file."""
AGAIN = "'tonerig plugins scan --force' tries it again"


class Outcome(NamedTuple):
    """What came of a VST3 file: its plugins, and sentences on what is left alone."""

    path: Path
    plugins: list[PluginDescription]
    left_alone: list[str]


def describe_all(paths: Sequence[Path]) -> Iterator[Outcome]:
    """Describe the plugins of VST3 files, as many at a time as there are processors; the first ready first.

    Parameters
    ----------
    paths : bundles of this system

    Raises
    ------
    PluginError
        where the system has no means for it.
    """
    check_system()
    yield from side_by_side([partial(_describe_file, path) for path in paths], os.cpu_count())


def _describe_file(path: Path, children: Children) -> Outcome:
    found = Outcome(path, [], [])

    def take(name: str | None) -> list[str]:
        try:
            answer = _checked(_ask(path, name, children), path)
            if isinstance(answer, PluginDescription):
                found.plugins.append(answer)
            elif name is None:
                return answer
            else:
                raise _indescribable(name)
        except PluginError as error:
            found.left_alone.append(str(error))
        return []

    began = monotonic()
    names = take(None)
    for number, name in enumerate(names):
        if monotonic() - began > FILE_LIMIT_S:
            more = len(names) - number
            found.left_alone.append(
                f"{legible(path.stem)}: took too long; {more} of its plugins are not known"
            )
            break
        take(name)
    return found


def _checked(answer: dict[str, Any], path: Path) -> PluginDescription | list[str]:
    """A description, or the names of a file's plugins.

    Raises
    ------
    PluginError
        The plugin was refused, or wrote something else itself.
    """
    try:
        if isinstance(answer.get("refused"), str):
            raise PluginError(legible(answer["refused"], 500))
        if "names" in answer:
            names = answer["names"]
            if isinstance(names, list) and all(isinstance(name, str) and "\0" not in name for name in names):
                return names[:MAX_PLUGINS]
            raise DescriptionError("names are not texts")
        description = PluginDescription.from_dict(answer["description"])
    except PluginError:
        raise
    except (ValueError, KeyError, TypeError):
        raise _indescribable(path.stem) from None
    return dataclasses.replace(description, path=path)


def _ask(path: Path, name: str | None, children: Children) -> dict[str, Any]:
    """What a process of its own answers about a plugin, see `inside.probe`; nothing in it is taken on trust.

    Raises
    ------
    PluginError
        There is no answer.
    """
    deadline = monotonic() + TIME_LIMIT_S
    with children.start(partial(Child, "probe")) as child:
        try:
            messages.send(child.socket, {"path": str(path), "name": name})
            return messages.receive(child.socket, MAX_ANSWER, deadline)[0]
        except messages.NonsenseError:
            raise _indescribable(path.stem) from None
        except messages.GoneError:
            how = child.how_it_ended(ENDING_S)
            words = child.last_words()
        if how is None:
            raise PluginError(
                f"{legible(path.stem)}: was not loaded and tried within {TIME_LIMIT_S:g} s; {AGAIN}"
            )
        said = f" and said: {words}" if words and words not in how else ""
        raise PluginError(f"{legible(path.stem)}: {how} when it was loaded and tried{said}; {AGAIN}")


def _indescribable(name: str) -> PluginError:
    return PluginError(f"{legible(name)}: does not let itself be described; {AGAIN}")
