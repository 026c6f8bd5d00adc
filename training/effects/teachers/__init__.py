"""Teachers: the effects that networks learn from, each with its parameters stated as data."""

from __future__ import annotations

from .amp import AMP
from .compressor import COMPRESSOR
from .drive import DISTORTION, FUZZ
from .filters import HIGHPASS, LOWPASS
from .plugin import ZAMTUBE, plugin_teacher
from .sampling import sample_settings
from .teacher import REST_S, Array, Settings, Teacher, TeacherError, latency, wet_signal
from .time import CHORUS, DELAY, OCTAVE, REVERB

__all__ = [
    "REST_S",
    "TEACHERS",
    "Array",
    "Settings",
    "Teacher",
    "TeacherError",
    "find_teacher",
    "latency",
    "preferred_amp",
    "sample_settings",
    "wet_signal",
]

TEACHERS: dict[str, Teacher] = {
    teacher.name: teacher
    for teacher in (
        DISTORTION,
        FUZZ,
        COMPRESSOR,
        AMP,
        LOWPASS,
        HIGHPASS,
        OCTAVE,
        CHORUS,
        DELAY,
        REVERB,
        ZAMTUBE,
    )
}


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
        return plugin_teacher(name, TEACHERS)
    teacher = TEACHERS[name]
    if not teacher.installed:
        raise TeacherError(
            f"{name} needs {teacher.plugin}, which is not installed; install the Debian package zam-plugins, "
            f"or use the built-in teacher {AMP.name!r}"
        )
    return teacher


def preferred_amp() -> str:
    """The name of the amp to learn from: the plugin where it is installed, else the built-in one."""
    return ZAMTUBE.name if ZAMTUBE.installed else AMP.name
