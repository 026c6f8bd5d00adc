"""Teachers: the effects that networks learn from, each with its parameters stated as data."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ..realtime.parameters import Parameter

Array: TypeAlias = NDArray[np.float32]
Samples: TypeAlias = NDArray[np.float64]
Settings: TypeAlias = Mapping[str, float | str]

ZAMTUBE = Path("/usr/lib/vst3/ZamTube.vst3")
REST_S = 1.0


class TeacherError(ValueError):
    """A teacher that is not known or not installed, or a setting that it does not have."""


@dataclass(frozen=True)
class Teacher:
    """An effect by name.

    Attributes
    ----------
    name : as in configurations and on the command line
    description : one sentence
    parameters : what can be set; the defaults are a sound worth learning
    process : from a dry signal of shape (frames,), its rate in Hz, and the value of every parameter,
        to the wet signal of the same shape
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

    Raises
    ------
    TeacherError
        If there is none, or its plugin is not installed.
    """
    if name not in TEACHERS:
        raise TeacherError(f"there is no teacher {name!r}; there are {', '.join(TEACHERS)}")
    teacher = TEACHERS[name]
    if not teacher.installed:
        raise TeacherError(
            f"{name} needs {teacher.plugin}, which is not installed; install the Debian package zam-plugins, "
            f"or use the built-in teacher {_BUILT_IN.name!r}"
        )
    return teacher


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
        For settings that the teacher does not take.
    """
    settings = teacher.settings(given)
    return _from_rest(teacher, dry, rate, settings, latency(teacher, rate, given))


def latency(teacher: Teacher, rate: float, given: Settings) -> int:
    """Frames that pass before the teacher answers to an impulse (plugins do not always report it)."""
    impulse = np.zeros(round(0.5 * rate), np.float32)
    impulse[1] = 0.5
    wet = _from_rest(teacher, impulse, rate, teacher.settings(given), 0)
    answer = np.abs(wet - wet[0])
    return max(0, int(np.argmax(answer > 1e-3 * answer.max())) - 1)


def _from_rest(teacher: Teacher, dry: Array, rate: float, settings: dict[str, float], delay: int) -> Array:
    rest = round(REST_S * rate)
    padded = np.concatenate((np.zeros(rest), dry, np.zeros(delay))).astype(np.float32)
    return teacher.process(padded, rate, settings)[rest + delay :]


def _zamtube(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """A fresh plugin each time: one that was set before keeps some of its old values."""
    from pedalboard import VST3Plugin  # only where it is used: training runs where it is not installed

    with _quiet_stderr():
        plugin = VST3Plugin(str(ZAMTUBE))
        for parameter in _ZAMTUBE.parameters:
            if parameter.name != "output_db":
                value = settings[parameter.name]
                setattr(plugin, parameter.name, parameter.text(value) if parameter.choices else value)
        wet = plugin(dry[None], float(rate))[0]
        del plugin
        gc.collect()  # now, while it is quiet: a plugin is part of a reference cycle
    return _at_level(wet, settings["output_db"])


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep what a plugin's C++ framework prints about itself off the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


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
    process=_zamtube,
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
