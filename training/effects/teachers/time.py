"""Effects in time as teachers: chorus, delay, reverb, and the octave below."""

from __future__ import annotations

import numpy as np

from ....realtime.parameters import Parameter
from .teacher import Array, Teacher


def _mix(default: float) -> Parameter:
    return Parameter("mix", 0.0, 1.0, default, description="share of the effect in the sound")


def _octave(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """In one call, since in several pedalboard 0.9.26 puts gaps between the blocks.

    It joins short windows in time: a pure tone gets sidebands, but the sound is in its place.
    """
    from pedalboard import PitchShift

    return np.asarray(PitchShift(settings["semitones"])(dry, rate))


def _chorus(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """Its delay starts in the middle of its way and gets shorter first; a fresh one for each sound."""
    from pedalboard import Chorus

    effect = Chorus(settings["rate_hz"], settings["depth"], settings["centre_delay_ms"], 0.0, settings["mix"])
    return np.asarray(effect(dry, rate))


def _delay(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """Pedalboard takes whole samples, the next lower number: here it gets the nearest one."""
    from pedalboard import Delay

    time_s = (round(settings["time_s"] * rate) + 0.5) / rate

    return np.asarray(Delay(time_s, settings["feedback"], settings["mix"])(dry, rate))


def _reverb(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """Freeverb doubles its dry level; a mono sound has the tail of its left side."""
    from pedalboard import Reverb

    mix = settings["mix"]
    effect = Reverb(settings["room_size"], settings["damping"], mix, (1.0 - mix) / 2, width=1.0)
    return np.asarray(effect(dry, rate))


OCTAVE = Teacher(
    "octave",
    "The sound an octave lower, alone, joined from short windows (pedalboard, by the Rubber Band library).",
    (Parameter("semitones", -24.0, 24.0, -12.0, description="how much higher"),),
    _octave,
    prompt=True,
)
CHORUS = Teacher(
    "chorus",
    "A second voice whose delay goes to and fro (pedalboard, after juce::dsp::Chorus).",
    (
        Parameter(
            "rate_hz", 0.05, 10.0, 1.0, "Hz", "logarithmic", description="how often it goes to and fro"
        ),
        Parameter("depth", 0.0, 1.0, 0.25, description="how far it goes, 10 ms at 1"),
        Parameter(
            "centre_delay_ms", 1.0, 50.0, 7.0, "ms", "logarithmic", description="delay around which it moves"
        ),
        _mix(0.5),
    ),
    _chorus,
    prompt=True,
)
DELAY = Teacher(
    "delay",
    "Echoes, each softer than the one before (pedalboard).",
    (
        Parameter("time_s", 0.02, 2.0, 0.35, "s", "logarithmic", description="time to the first echo"),
        Parameter("feedback", 0.0, 0.9, 0.45, description="level of an echo against the one before"),
        _mix(0.4),
    ),
    _delay,
    prompt=True,
)
REVERB = Teacher(
    "reverb",
    "A room that rings for a second or two (pedalboard, after Freeverb).",
    (
        Parameter("room_size", 0.0, 1.0, 0.6, description="how long it rings"),
        Parameter("damping", 0.0, 1.0, 0.5, description="how fast highs fade"),
        _mix(0.35),
    ),
    _reverb,
    prompt=True,
)
