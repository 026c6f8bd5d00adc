"""Plugins as teachers: any VST3 effect with its own parameters, and one chosen amp."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from ....realtime.parameters import Parameter
from ....realtime.plugins.description import PluginDescription
from ....realtime.plugins.errors import PluginError
from ....realtime.plugins.hosted import Hosted
from ....realtime.plugins.offline import render
from ....realtime.plugins.plugin import Plugin
from ....realtime.plugins.scan import find
from .teacher import Array, Teacher, TeacherError, at_level

ATTEMPTS = 2
"""Workers that may fail at one rendering."""
LEVEL = "output_db"
_ZAMTUBE_FILE = Path("/usr/lib/vst3/ZamTube.vst3")


def plugin_teacher(plugin: str, others: Iterable[str]) -> Teacher:
    """A VST3 effect by name or path, with all of its parameters, which stand as the plugin has them.

    Parameters
    ----------
    others : names of the teachers that there are beside, for the sentence where there is none

    Raises
    ------
    TeacherError
        If there is none, or it is no effect.
    """
    about = _described(plugin, others)
    own = tuple(part.parameter for part in about.parameters)
    level = Parameter(LEVEL, -30.0, 0.0, 0.0, unit="dB", description="level after the plugin")
    return Teacher(
        name=about.name,
        description=f"The VST3 plugin {about.name}.",
        parameters=own if any(parameter.name == LEVEL for parameter in own) else (*own, level),
        process=partial(_play, plugin),
        plugin=about.path,
    )


def _described(plugin: str, others: Iterable[str] = ()) -> PluginDescription:
    """What is known of a VST3 effect, by name or path.

    Raises
    ------
    TeacherError
    """
    try:
        about = find(plugin)
    except PluginError as error:
        raise TeacherError(
            f"there is no teacher {plugin!r:.200}; there are {', '.join(others)}, and VST3 effects: {error}"
        ) from None
    if about.instrument:
        raise TeacherError(f"{about.name} is an instrument, which notes play; choose an effect to learn from")
    return about


def _play(plugin: str, dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """A VST3 effect in a worker process: a fresh one each time, for one that was set before keeps some of it.

    What stands as the plugin has it is not set at all. A worker that fails is replaced once.
    """
    about = _described(plugin)
    kind = Plugin.variant({"plugin": plugin})
    own = {part.parameter.name: part.parameter.default for part in about.parameters}
    values = {name: settings[name] for name, default in own.items() if settings.get(name, default) != default}
    failures: list[str] = []
    while len(failures) < ATTEMPTS:
        processor = kind(values)
        assert isinstance(processor, Hosted)
        try:
            wet = render(processor, dry[None], rate)
        except PluginError as error:
            failures.append(str(error))
            continue
        mono = wet.mean(axis=0, dtype=np.float32) if len(wet) > 1 else wet[0]
        return mono if LEVEL in own else at_level(mono, settings[LEVEL])
    raise TeacherError(
        f"{'; then '.join(dict.fromkeys(failures))}; {ATTEMPTS} workers were tried; change the settings of "
        f"the teacher {about.name}, or choose another one"
    )


ZAMTUBE = Teacher(
    name="zamtube",
    description="The triode stage and tone stack of the VST3 plugin ZamTube at a crunch; without a cabinet.",
    parameters=(
        Parameter("input_level", -30.0, 30.0, 12.0, unit="dB", description="level before the triode"),
        Parameter("tube_drive", 0.1, 11.0, 7.0, description="gain into the triode"),
        Parameter("bass", 0.0, 10.0, 5.0),
        Parameter("mids", 0.0, 10.0, 5.0),
        Parameter("treble", 0.0, 10.0, 5.0),
        Parameter.switch(
            "tone_stack_model",
            "1959 Bassman 5F6-A",
            "Mesa Boogie Mark",
            "1969 Twin Reverb AA270",
            "1964 Princeton AA1164",
            "1959/81 JCM-800 Lead 100",
            "1981 JCM-2000 Lead",
            "JTM 45",
            "1967 Major Lead 200",
            "M2199 30W",
            "1959/86 AC-30",
            "VOX AC-15",
            "Soldano SLO 100",
            "Sovtek MIG 100 H",
            "Peavey C20",
            "Ibanez GX20",
            "Roland Cube 60",
            "Ampeg VL 501",
            "Ampeg Reverb Rocket",
            "Bogner Triple Giant Preamp",
            "Groove Trio Preamp",
            "Hughes&Kettner",
            "Fender Blues Junior",
            "Fender",
            "Fender Hot Rod",
            "Gibsen GS12 Reverb Rocket",
            default="1959/81 JCM-800 Lead 100",
        ),
        Parameter("output_db", -30.0, 0.0, -9.0, unit="dB", description="level after the plugin"),
    ),
    process=partial(_play, str(_ZAMTUBE_FILE)),
    plugin=_ZAMTUBE_FILE,
)
