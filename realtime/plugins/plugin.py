"""A VST3 plugin as a processor: ``processor = "plugin"``, and ``plugin = "ZamComp"`` says which one."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from ..parameters import Parameter, ParameterError
from ..processors.processor import Processor
from .description import PluginDescription
from .errors import SILENT, WIRE, PluginError
from .hosted import HOSTING, Hosted
from .instrument import HostedInstrument
from .missing import Absent, Missing, MissingInstrument
from .scan import find

MAX_STATE = 2**20
"""Characters of a plugin's whole state."""


class Described(Hosted):
    """A VST3 plugin in a worker process, effect or instrument.

    Make one of the class that `variant` gives, which has the plugin's own parameters.

    Parameters
    ----------
    values : parameter values by name, in their units
    plugin : its name, or the path of its ``.vst3``; the variant's own
    raw_state : its whole state, base64; ``values`` come on top
    vstpreset : a file with its whole state, which comes before ``raw_state``
    others : of the other classes that it is one of

    Attributes
    ----------
    about : what is known of the plugin
    plugin : its name
    """

    texts: ClassVar[tuple[str, ...]] = Absent.texts
    optional_files: ClassVar[tuple[str, ...]] = Absent.optional_files
    about: ClassVar[PluginDescription]

    def __init__(
        self,
        values: Mapping[str, object] | None = None,
        *,
        plugin: str | None = None,
        raw_state: str | None = None,
        vstpreset: Path | None = None,
        **others: Any,
    ) -> None:
        super().__init__(values, **others)
        self.plugin = self.about.name
        self.raw_state, self.vstpreset = raw_state, vstpreset

    @property
    def title(self) -> str:
        return self.plugin

    @classmethod
    def _found(cls, texts: Mapping[str, str]) -> PluginDescription | PluginError:
        """What is known of the plugin, or why it cannot be had; raises where the texts name none."""
        if not texts.get("plugin", "").strip():
            raise PluginError('plugin is missing; say which one, as in plugin = "ZamComp"')
        check_state(texts.get("raw_state", ""))
        try:
            return find(texts["plugin"])
        except PluginError as error:
            return error

    @classmethod
    def parameter(cls, name: str) -> Parameter:
        known = {parameter.name: parameter for parameter in cls.parameters}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? It has" if near else "it has"
        raise ParameterError(f"{cls.about.name} has no parameter {name[:100]}; {hint} {', '.join(known)}")

    def set(self, name: str, value: object) -> None:
        super().set(name, value)
        self.stated |= {name}

    def order(self) -> dict[str, Any]:
        """What the worker needs to load it, see `slot.Slot`."""
        own = [part.parameter.name for part in self.about.parameters]
        stated = {name: self.values[name] for name in own if self._is_stated(name)}
        return self.about.order(stated, self.raw_state, self.vstpreset)

    def _is_stated(self, name: str) -> bool:
        """Whether it is to be set; what has been turned since counts too."""
        return name in self.stated or self.values[name] != self.parameter(name).default


class Plugin(Described):
    """A VST3 effect."""

    name = "plugin"
    description = "a VST3 effect"
    parameters = HOSTING

    @classmethod
    def variant(
        cls, texts: Mapping[str, str], files: Mapping[str, Path] = MappingProxyType({})
    ) -> type[Processor]:
        """The class of one plugin's processors; where it cannot be had, of wires that say so.

        Parameters
        ----------
        texts : under ``plugin`` its name or path; a ``raw_state`` is checked

        Raises
        ------
        PluginError
            if the texts can mean no effect: no plugin is named, it is an instrument, its state is no base64.
        """
        found = cls._found(texts)
        if isinstance(found, PluginError):
            return _wire(f"{found}{WIRE}")
        if found.instrument:
            raise PluginError(
                f"{found.name} is an instrument, which notes play: its place is in a patch, not in a chain"
            )
        return _variant(cls, found)


class Instrument(Described, HostedInstrument):
    """A VST3 instrument, as what a patch plays."""

    name = "instrument"
    description = "a VST3 instrument"

    @classmethod
    def variant(
        cls, texts: Mapping[str, str], files: Mapping[str, Path] = MappingProxyType({})
    ) -> type[Processor]:
        """The class of one plugin's processors; where it cannot be had, of silent ones that say so.

        Parameters
        ----------
        texts : as of `Plugin.variant`

        Raises
        ------
        PluginError
            if the texts can mean no instrument: no plugin is named, it is an effect, its state is no base64.
        """
        found = cls._found(texts)
        if isinstance(found, PluginError):
            return _silence(f"{found}{SILENT}")
        if not found.instrument:
            raise PluginError(
                f"{found.name} is an effect: its place is in a chain, or among a patch's effects"
            )
        return _variant(cls, found)


def check_state(text: str) -> None:
    """Refuse what is no plugin's state in base64.

    Raises
    ------
    PluginError
    """
    if len(text) > MAX_STATE:
        raise PluginError(f"raw_state has {len(text)} characters, expected at most {MAX_STATE}")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PluginError(
            "raw_state is no base64 text; take it out, or make the preset anew with --from-plugin"
        ) from None


@cache
def _variant(kind: type[Described], about: PluginDescription) -> type[Processor]:
    own = tuple(part.parameter for part in about.parameters)
    members = {
        "__module__": kind.__module__,
        "about": about,
        "description": f"{about.name} by {about.manufacturer}" if about.manufacturer else about.name,
        "parameters": own if about.instrument else (*own, *HOSTING),
        "least_outputs": 1 if 1 in about.channels else 2,
    }
    return type(kind.__name__, (kind,), members)


@cache
def _wire(problem: str) -> type[Processor]:
    return type("Missing", (Missing,), {"__module__": Missing.__module__, "problem": problem})


@cache
def _silence(problem: str) -> type[Processor]:
    members = {"__module__": MissingInstrument.__module__, "problem": problem}
    return type("MissingInstrument", (MissingInstrument,), members)
