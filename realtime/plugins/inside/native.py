"""Load a VST3 through pedalboard, without its probing; in worker processes only, for a plugin may crash.

pedalboard's constructor asks each parameter for its text at 1001 positions, and turns those whose text
stays the same to all of them: a convolution reverb takes 92 s so, and 1 s without.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pedalboard
from pedalboard import _pedalboard

from ..description import legible
from ..errors import PluginError

SOUNDING_S = 0.5
"""How long an instrument may take to sound when loaded or reset: pedalboard plays it a note and waits."""

_PROBING = "__set_initial_parameter_values__"


def load(path: Path, name: str | None = None) -> pedalboard.VST3Plugin:
    """A plugin of a VST3 file.

    Parameters
    ----------
    path : the bundle, or on Windows the file
    name : which of its plugins, where it has several

    Raises
    ------
    PluginError
        when there is no such file, or it holds no such plugin.
    """
    if not path.exists():
        raise PluginError(
            f"{legible(str(path), 4096)}: there is no such plugin; install it, or check the path"
        )
    text = _utf8(path)
    try:
        with _without_probing():
            plugin = pedalboard.VST3Plugin(text, plugin_name=name, initialization_timeout=SOUNDING_S)
    except ImportError:
        raise PluginError(f"{legible(path.name)}: is no VST3 plugin for this system; remove it") from None
    except (ValueError, RuntimeError) as error:
        raise PluginError(f"{legible(path.name)}: cannot be loaded: {said(error)}") from None
    if name is not None and plugin.name != name:
        raise PluginError(f"{legible(path.name)}: has no plugin {legible(name)}, but {legible(plugin.name)}")
    return plugin


def set_state(plugin: pedalboard.VST3Plugin, state: bytes) -> None:
    """Set a plugin's whole state; pedalboard's own assignment would probe all parameters before."""
    object.__setattr__(plugin, "raw_state", state)


def names(path: Path) -> list[str]:
    """The names of the plugins in a VST3 file.

    Raises
    ------
    PluginError
    """
    text = _utf8(path)
    try:
        return list(pedalboard.VST3Plugin.get_plugin_names_for_file(text))
    except (ImportError, ValueError, RuntimeError):
        raise PluginError(f"{legible(path.name)}: is no VST3 plugin for this system; remove it") from None


def _utf8(path: Path) -> str:
    """A path as pedalboard takes it."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PluginError(
            f"{legible(text, 4096)}: is no path in UTF-8; rename the file or its folder"
        ) from None
    return text


def said(error: BaseException) -> str:
    """The words of an error of pedalboard, for a sentence of ours."""
    return legible(" ".join(str(error).split()), 200).rstrip(".")


@contextmanager
def _without_probing() -> Iterator[None]:
    mixin: Any = _pedalboard._PythonExternalPluginMixin
    probing = getattr(mixin, _PROBING)
    setattr(mixin, _PROBING, lambda plugin, values: None)
    try:
        yield
    finally:
        setattr(mixin, _PROBING, probing)
