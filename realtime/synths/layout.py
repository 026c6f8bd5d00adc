"""Memory of an instrument: its MIDI channels, its voices, and how many there are. No numba here."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np

LANES = 16
"""Voices that are computed side by side."""
GROUPS = 8
VOICES = LANES * GROUPS
POLYPHONY = 112
"""Notes that sound at once; further voices are for those that a new note has taken the place of."""
DEFAULT_VOLUME = 100 / 127
"""Of a channel before controller 7 comes: General MIDI's."""
A4, OCTAVE = np.float32(69.0), np.float32(1 / 12)
"""The pitch of 440 Hz in semitones, and octaves a semitone."""
OLDEST = np.float32(2.0**23)
"""Samples that an envelope counts: long past any attack and decay."""
NO_PARAMETER = 127 * 128 + 127
"""The registered parameter that is none."""
GIVE_WAY = 8
"""Grid steps in which a voice fades out that gives way to a new note: 2.7 ms at 48 kHz."""
CHANNELS, KEYS, PROGRAMS = 16, 128, 128
DRUM_CHANNEL, DRUM_BANK = 10, 120 * 128
"""Where General MIDI 2 has drums: channel 10, whose bank is that of controller 0 at 120."""
QUIET_S = 3.0
"""Effects that put out nothing at all for so long, times their number, rest: no echo is still on its way."""

SMOOTHED = ("bend", "modulation", "pressure", "level", "pan", "brightness", "resonance")
"""What a channel's controllers move, each to its goal and on its way there."""
BEND, MODULATION, PRESSURE, LEVEL, PAN, BRIGHTNESS, RESONANCE = range(len(SMOOTHED))

CHANNEL = np.dtype(
    [
        ("listening", "i8"),  # 1: plays this patch
        ("follows", "i8"),  # 1: program changes move it from patch to patch
        ("voices", "i8"),  # that sound
        ("bank_high", "i8"),
        ("bank_low", "i8"),
        ("sustain", "i8"),
        ("sostenuto", "i8"),
        ("parameter", "i8"),  # registered parameter that data entry sets, 14 bits
        ("data", "i8"),  # that it got, 14 bits; -1: none yet
        ("mode", "i8"),  # 0: as the patch says, 1: poly, 2: mono, by message
        ("mono_voice", "i8"),  # that a mono channel plays; -1: none
        ("bend_range", "f4"),  # semitones; below 0: as the patch says
        ("coarse", "f4"),  # semitones
        ("fine", "f4"),  # semitones
        ("volume", "f4"),  # controllers 7 and 11, 0 to 1
        ("expression", "f4"),
        ("attack", "f4"),  # controllers 73 and 72, -1 to 1
        ("release", "f4"),
        ("goals", "f4", (len(SMOOTHED),)),
        ("now", "f4", (len(SMOOTHED),)),
        # what these come to, since the last grid point
        ("pitch", "f4"),  # semitones
        ("left", "f4"),
        ("right", "f4"),
        ("octaves", "f4"),  # of cutoff
        ("peak", "f4"),  # resonance, -1 to 1
    ],
    align=True,
)
"""A MIDI channel as one instrument sees it."""

VOICE = np.dtype(
    [
        ("active", "i8"),
        ("order", "i8"),  # of its note-on, or of its release, among all of them
        ("channel", "i8"),
        ("key", "i8"),
        ("down", "i8"),  # its key is
        ("kept", "i8"),  # by the sostenuto pedal
        ("released", "i8"),
        ("leaving", "i8"),  # grid steps until it has given way; 0: it has not to, -1: it has
        ("level", "f4"),  # of its velocity
        ("pressure", "f4"),  # of its own key, 0 to 1
        ("pressure_goal", "f4"),
        ("pitch", "f4"),  # semitones; 69 is A4
        ("goal", "f4"),
        ("glide", "f4"),  # semitones a grid step
    ],
    align=True,
)
"""What is known of a voice beside its lane of samples."""

PROGRAM_RANGE = np.dtype([("first", "i8"), ("last", "i8"), ("owner", "i8")])
"""Programs, each bank * 128 + number from 0, that call a patch; ``owner`` is its place in the band."""

INSTRUMENT = [
    ("channels", "i8"),  # addresses
    ("voice_records", "i8"),
    ("keys", "i8"),  # int64, order of the note-on that holds each key of each channel; 0: up
    ("lanes", "i8"),
    ("active", "i8"),  # int64, voices of each group
    ("sums", "i8"),  # float32, (2, GRID, LANES): a stretch of sound, voices not yet added up
    ("table", "i8"),
    ("programs", "i8"),
    ("program_count", "i8"),
    ("owner", "i8"),  # this patch's place in the band
    ("inherits", "i8"),  # address of the record that it takes its notes over from; 0: it has
    ("sounding", "i8"),  # active voices
    ("order", "i8"),
    ("zone", "i8"),  # member channels of the lower MPE zone, from the second on
    ("gain", "f4"),  # of the patch's volume
    ("at_grid", "i8"),  # while coefficients are derived: 1 at a point of the grid, 0 for a note in between
    ("vibrato", "f8"),  # phase, 0 to 1
    ("rate", "f8"),
    # effects
    ("buffers", "i8"),  # float32, two of (2, stride)
    ("rows", "i8"),
    ("row_count", "i8"),
    ("quiet", "i8"),  # samples since the effects put out anything
    ("patience", "i8"),  # samples of quiet after which they rest
    ("muted", "i8"),
]
"""Fields of an instrument's record behind those of its parameters."""

LANE = [
    ("pitch", "f4"),  # semitones; 69 is A4
    ("octaves", "f4"),  # of cutoff, from controllers
    ("peak", "f4"),  # of resonance, -1 to 1, from controllers
    ("left", "f4"),  # gain, and what it grows a sample
    ("right", "f4"),
    ("left_step", "f4"),
    ("right_step", "f4"),
]
"""Fields of a record of lanes that every synth has."""


def record_of(fields: Sequence[tuple[str, str]]) -> np.dtype[Any]:
    """The dtype of sixteen voices side by side: `LANE`, then a synth's own fields.

    Parameters
    ----------
    fields : name and kind, ``"f4"`` or ``"i4"``, of each
    """
    return np.dtype([(name, kind, (LANES,)) for name, kind in (*LANE, *fields)], align=True)


def named(name: str, fields: Sequence[str]) -> Any:
    """The class of a tuple with names, of the only kind that numba takes."""
    make: Any = namedtuple  # type checkers want the names spelt out
    return make(name, fields)
