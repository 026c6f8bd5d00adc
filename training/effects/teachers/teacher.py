"""What a teacher is, and what it makes of a dry sound: from rest and in one place with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....realtime.parameters import Parameter
from ....realtime.plugins.layout import LONGEST_DELAY_S

Array: TypeAlias = NDArray[np.float32]
Settings: TypeAlias = Mapping[str, float | str]

REST_S = 1.0


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
    prompt : it is known to start at rest and to answer at once, so that no silence comes before the sound
        and no latency is looked for; an oscillator in it starts with the sound
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    process: Callable[[Array, float, dict[str, float]], Array]
    plugin: Path | None = None
    prompt: bool = False

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


def wet_signal(teacher: Teacher, dry: Array, rate: float, given: Settings) -> Array:
    """What the teacher makes of a dry signal, from rest and without its constant latency.

    A teacher that is not prompt hears a second of silence first, because some plugins click when they
    start. The others' oscillators have the same phase at the first sample of every sound.

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
    if teacher.prompt:
        return teacher.process(np.asarray(dry, np.float32), rate, settings)
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


def through(dry: Array, rate: float, effects: Sequence[Any]) -> Array:
    """A sound through pedalboard's effects one after another, each from rest."""
    for effect in effects:
        dry = np.asarray(effect(dry, rate), np.float32)
    return dry


def at_level(wet: NDArray[Any], level_db: float) -> Array:
    """A sound louder by ``level_db``, as float32."""
    return np.asarray(10.0 ** (level_db / 20) * wet, np.float32)
