"""Teachers: the effects that networks learn from, each with its parameters stated as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ...realtime.parameters import Parameter
from ...realtime.plugins.description import PluginDescription
from ...realtime.plugins.errors import PluginError
from ...realtime.plugins.hosted import Hosted
from ...realtime.plugins.layout import LONGEST_DELAY_S
from ...realtime.plugins.offline import render
from ...realtime.plugins.plugin import Plugin
from ...realtime.plugins.scan import find

Array: TypeAlias = NDArray[np.float32]
Samples: TypeAlias = NDArray[np.float64]
Settings: TypeAlias = Mapping[str, float | str]

ZAMTUBE = Path("/usr/lib/vst3/ZamTube.vst3")
REST_S = 1.0
ATTEMPTS = 2
"""Workers that may fail at one rendering."""
LEVEL = "output_db"


class TeacherError(ValueError):
    """A teacher that is not known, not installed or breaks, or a setting that it does not have."""


@dataclass(frozen=True)
class Teacher:
    """An effect by name.

    Attributes
    ----------
    name : as in configurations and on the command line; a plugin's own
    description : one sentence
    parameters : what can be set; the defaults are a sound worth learning
    process : from a dry signal of shape (frames,), its rate in Hz, and the value of every parameter,
        to the wet signal of the same shape, or to a `TeacherError`
    plugin : the file that must exist for it to run, or None
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    process: Callable[[Array, float, dict[str, float]], Array]
    plugin: Path | None = None

    @property
    def installed(self) -> bool:
        return self.plugin is None or self.plugin.exists()

    def settings(self, given: Settings) -> dict[str, float]:
        """The value of every parameter: as given, checked, and the default where nothing is.

        Raises
        ------
        TeacherError
            For a name that the teacher does not have.
        ParameterError
            For a value outside its range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise TeacherError(f"{self.name} has no parameter {name!r}; it has {', '.join(known)}")
        return {name: known[name].check(given.get(name, known[name].default)) for name in known}


def find_teacher(name: str) -> Teacher:
    """The teacher of that name.

    Parameters
    ----------
    name : one of `TEACHERS`, or a VST3 effect's own name or the path of its ``.vst3``: then it has all
        of the plugin's parameters, which stand as the plugin has them

    Raises
    ------
    TeacherError
        If there is none, its plugin is not installed, or it is no effect.
    """
    if name not in TEACHERS:
        return _plugin_teacher(name)
    teacher = TEACHERS[name]
    if not teacher.installed:
        raise TeacherError(
            f"{name} needs {teacher.plugin}, which is not installed; install the Debian package zam-plugins, "
            f"or use the built-in teacher {_BUILT_IN.name!r}"
        )
    return teacher


def _plugin_teacher(plugin: str) -> Teacher:
    about = _described(plugin)
    own = tuple(part.parameter for part in about.parameters)
    level = Parameter(LEVEL, -30.0, 0.0, 0.0, unit="dB", description="level after the plugin")
    return Teacher(
        name=about.name,
        description=f"The VST3 plugin {about.name}.",
        parameters=own if any(parameter.name == LEVEL for parameter in own) else (*own, level),
        process=partial(_play, plugin),
        plugin=about.path,
    )


def _described(plugin: str) -> PluginDescription:
    """What is known of a VST3 effect, by name or path.

    Raises
    ------
    TeacherError
    """
    try:
        about = find(plugin)
    except PluginError as error:
        raise TeacherError(
            f"there is no teacher {plugin!r:.200}; there are {', '.join(TEACHERS)}, and VST3 effects: {error}"
        ) from None
    if about.instrument:
        raise TeacherError(f"{about.name} is an instrument, which notes play; choose an effect to learn from")
    return about


def preferred_amp() -> str:
    """The name of the amp to learn from: the plugin where it is installed, else the built-in one."""
    return _ZAMTUBE.name if _ZAMTUBE.installed else _BUILT_IN.name


def wet_signal(teacher: Teacher, dry: Array, rate: float, given: Settings) -> Array:
    """What the teacher makes of a dry signal, from rest and without its constant latency.

    The teacher hears a second of silence first, because some plugins click when they start.

    Parameters
    ----------
    teacher : see `find_teacher`
    dry : shape (frames,)
    rate : sample rate in Hz
    given : settings by name; the others have their defaults

    Returns
    -------
    ndarray, shape (frames,)

    Raises
    ------
    TeacherError, ParameterError
        For settings that the teacher does not take, and when its plugin breaks.
    """
    settings = teacher.settings(given)
    return _from_rest(teacher, dry, rate, settings, latency(teacher, rate, given))


def latency(teacher: Teacher, rate: float, given: Settings) -> int:
    """Frames that pass before the teacher answers to an impulse; negative where it answers too early.

    Plugins do not always report their latency, and one that reports too much is brought too far forward.
    """
    half = round(LONGEST_DELAY_S * rate)
    impulse, silence = np.zeros(2 * half, np.float32), np.zeros(2 * half, np.float32)
    impulse[half] = 0.5
    settings = teacher.settings(given)
    loud, quiet = (_from_rest(teacher, sound, rate, settings, 0) for sound in (impulse, silence))
    answer = np.abs(loud - quiet)
    heard = answer > max(1e-6, 1e-3 * answer.max())
    return int(np.argmax(heard)) - half if heard.any() else 0


def _from_rest(teacher: Teacher, dry: Array, rate: float, settings: dict[str, float], delay: int) -> Array:
    rest = round(REST_S * rate)
    padded = np.concatenate((np.zeros(rest), dry, np.zeros(max(0, delay)))).astype(np.float32)
    start = rest + delay
    return teacher.process(padded, rate, settings)[start : start + len(dry)]


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
        return mono if LEVEL in own else _at_level(mono, settings[LEVEL])
    raise TeacherError(
        f"{'; then '.join(dict.fromkeys(failures))}; {ATTEMPTS} workers were tried; change the settings of "
        f"the teacher {about.name}, or choose another one"
    )


def _at_level(wet: NDArray[Any], level_db: float) -> Array:
    return np.asarray(10.0 ** (level_db / 20) * wet, np.float32)


_ZAMTUBE = Teacher(
    name="zamtube",
    description="The triode stage and tone stack of the VST3 plugin ZamTube, driven to a crunch.",
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
    process=partial(_play, str(ZAMTUBE)),
    plugin=ZAMTUBE,
)


def _amp(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """Two asymmetric tanh stages at four times the rate, each after a high-pass, then a treble shelf.

    All filters are causal and recursive: a network without latency can learn them.
    """
    fast = 4 * rate
    band = signal.ellip(8, 0.1, 90, min(20000.0, 0.45 * rate), fs=fast, output="sos")
    stuffed = np.zeros(4 * len(dry))
    stuffed[::4] = 4.0 * dry
    driven = np.asarray(signal.sosfilt(band, stuffed)) * 10.0 ** (settings["drive"] * 4.0 / 20)
    for low_cut_hz, gain, bias in ((90.0, 1.5, 0.2), (40.0, 2.0, -0.35)):
        cut = signal.butter(1, low_cut_hz, "highpass", fs=fast, output="sos")
        driven = np.tanh(gain * np.asarray(signal.sosfilt(cut, driven)) + bias) - np.tanh(bias)
    block_dc = signal.butter(1, 20.0, "highpass", fs=fast, output="sos")
    wet = np.asarray(signal.sosfilt(band, signal.sosfilt(block_dc, driven)))[::4]
    dark = signal.sosfilt(signal.butter(1, 1200.0, fs=rate, output="sos"), wet)
    wet = dark + (settings["treble"] / 5.0) * (wet - dark)
    return _at_level(wet, settings["output_db"])


_BUILT_IN = Teacher(
    name="amp",
    description="The built-in amp: two asymmetric saturating stages and a treble control.",
    parameters=(
        Parameter("drive", 0.0, 10.0, 6.0, description="gain into the first stage"),
        Parameter("treble", 0.0, 10.0, 5.0),
        Parameter("output_db", -30.0, 0.0, -9.0, unit="dB", description="level after the amp"),
    ),
    process=_amp,
)

TEACHERS: dict[str, Teacher] = {teacher.name: teacher for teacher in (_ZAMTUBE, _BUILT_IN)}
