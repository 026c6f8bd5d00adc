"""Short pieces of music that show what a patch is for: one for each family of General MIDI, and drums.

Times are in beats; `Phrase.song` puts them on a line of samples at any rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .midi.events import EVENT
from .midi.files import Song
from .patches import Patch
from .synths.layout import DRUM_BANK, DRUM_CHANNEL
from .synths.zones import key_name, key_number

NOTE_OFF, NOTE_ON, CONTROL, PITCH_WHEEL = 0x80, 0x90, 0xB0, 0xE0
MODULATION, BRIGHTNESS, BEND = 1, 74, -1
"""What moves in a phrase: two controllers, and the pitch wheel."""
STEPS = 16
"""Messages a beat of something that moves."""
LOUDNESS_VELOCITY = 100
REVERSE_CYMBAL = 120
"""The one program among the percussive ones that swells: it is held like a sound effect."""

Note = tuple[float, float, str, int]
"""First beat, beats that it is held, keys by name with spaces between them, velocity."""
Move = tuple[float, float, int, float, float]
"""First and last beat, what moves, from where to where: 0 to 1, the wheel -1 to 1."""


@dataclass(frozen=True)
class Phrase:
    """A few bars for one kind of sound.

    Attributes
    ----------
    name : of the kind
    beats_per_minute : its tempo
    notes, moves : see `Note` and `Move`
    centre : key around which the kind is mostly played, for `melody`
    note_s : how long a note takes until it can be heard what it is, for `melody`
    channel : from 1 to 16
    """

    name: str
    beats_per_minute: float
    notes: tuple[Note, ...]
    moves: tuple[Move, ...] = ()
    centre: str = "C4"
    note_s: float = 0.5
    channel: int = 1

    def song(self, rate: float) -> Song:
        """The phrase as it is played, every note ended.

        Parameters
        ----------
        rate : of the sound, in Hz
        """
        frames_a_beat = rate * 60.0 / self.beats_per_minute
        timed: list[tuple[int, int, tuple[int, int, int, int]]] = []  # frame, what comes first, message
        for beat, beats, keys, velocity in self.notes:
            for key in map(key_number, keys.split()):
                first, last = round(beat * frames_a_beat), round((beat + beats) * frames_a_beat)
                timed.append((last, 0, (NOTE_OFF | self.channel - 1, key, 64, 3)))
                timed.append((first, 2, (NOTE_ON | self.channel - 1, key, velocity, 3)))
        for beat, message in self._movements():
            timed.append((round(beat * frames_a_beat), 1, message))
        timed.sort(key=lambda entry: entry[:2])
        events = np.array([(frame, *message) for frame, _, message in timed], EVENT)
        notes = sum(len(keys.split()) for _, _, keys, _ in self.notes)
        return Song(self.name, events, timed[-1][0] / rate, (self.channel,), notes, 0)

    def _movements(self) -> Iterator[tuple[float, tuple[int, int, int, int]]]:
        """Beat and message of every step of what moves."""
        for first, last, what, begin, end in self.moves:
            steps = max(1, round((last - first) * STEPS))
            for k in range(steps + 1):
                value = begin + (end - begin) * k / steps
                if what == BEND:
                    wheel = min(16383, round(8192 + 8192 * value))
                    message = (PITCH_WHEEL | self.channel - 1, wheel & 127, wheel >> 7, 3)
                else:
                    message = (CONTROL | self.channel - 1, what, round(127 * value), 3)
                yield first + (last - first) * k / steps, message


def _line(beat: float, beats: float, keys: str, velocities: tuple[int, ...], held: float = 0.9) -> list[Note]:
    """Single keys one after another, ``beats`` apart; ``-`` is a rest; velocities go round."""
    return [
        (beat + k * beats, held * beats, key, velocities[k % len(velocities)])
        for k, key in enumerate(keys.split())
        if key != "-"
    ]


def _strum(beat: float, beats: float, keys: str, velocity: int) -> list[Note]:
    """A chord whose strings follow each other by a 48th of a beat."""
    return [(beat + k / 48, beats - k / 48, key, velocity - 2 * k) for k, key in enumerate(keys.split())]


PIANO = Phrase(
    "piano",
    92.0,
    (
        *(
            (4 * bar, 3.6, keys, 72)
            for bar, keys in enumerate(("A2 E3 C4", "F2 C3 A3", "C3 G3 E4", "G2 D3 B3"))
        ),
        *_line(0, 0.5, "E5 - A4 B4 C5 - B4 A4", (96, 80, 72, 84)),
        *_line(4, 0.5, "A4 - F4 A4 C5 - D5 C5", (92, 76, 70, 86)),
        *_line(8, 0.5, "E5 - G5 - E5 D5 C5 -", (110, 84, 90, 80)),
        *_line(12, 0.5, "D5 C5 B4 - G4 - - -", (100, 84, 78, 72)),
    ),
    centre="C5",
)
CHROMATIC_PERCUSSION = Phrase(
    "chromatic percussion",
    104.0,
    (
        *_line(0, 0.5, "A4 C5 E5 A5 G5 E5 C5 E5", (100, 72, 84, 110, 80)),
        *_line(4, 0.5, "F4 A4 C5 F5 E5 C5 A4 C5", (100, 72, 84, 110, 80)),
        *_line(8, 0.5, "C5 E5 G5 C6 B5 G5 E5 G5", (100, 72, 84, 110, 80)),
        (12, 3.0, "A4 E5 A5 C6", 92),
    ),
    centre="A4",
)
ORGAN = Phrase(
    "organ",
    96.0,
    (
        *(
            (4 * bar, 3.9, keys, 90)
            for bar, keys in enumerate(("A2 A3 C4 E4", "F2 A3 C4 F4", "C3 G3 C4 E4", "G2 G3 B3 D4"))
        ),
        *_line(0, 0.5, "E5 E5 - D5 C5 - B4 C5", (90,)),
        *_line(8, 0.5, "G5 - E5 - C5 D5 E5 -", (90,)),
        *_line(12, 0.5, "D5 - C5 - B4 - G4 -", (90,)),
    ),
    ((8.0, 11.0, MODULATION, 0.0, 1.0), (14.0, 15.0, MODULATION, 1.0, 0.0)),
)
GUITAR = Phrase(
    "guitar",
    100.0,
    (
        *_line(0, 0.5, "A2 E3 A3 C4 E4 C4 A3 E3", (104, 76, 80, 88), 2.5),
        *_line(4, 0.5, "F2 C3 F3 A3 C4 A3 F3 C3", (104, 76, 80, 88), 2.5),
        *_line(8, 0.5, "C3 G3 C4 E4 G4 E4 C4 G3", (104, 76, 80, 88), 2.5),
        *_strum(12, 0.9, "G2 D3 G3 B3 D4 G4", 96),
        *_strum(13, 0.9, "G2 D3 G3 B3 D4 G4", 80),
        *_strum(14, 2.0, "A2 E3 A3 C4 E4 A4", 112),
    ),
    centre="E3",
)
BASS = Phrase(
    "bass",
    112.0,
    (
        *_line(0, 0.5, "A1 - A1 A2 - G1 A1 C2", (112, 100, 92, 120), 0.8),
        *_line(4, 0.5, "F1 - F1 F2 - E1 F1 G1", (112, 100, 92, 120), 0.8),
        *_line(8, 0.5, "C2 - C2 C3 - B1 C2 D2", (112, 100, 92, 120), 0.8),
        *_line(12, 0.5, "G1 - G1 G2 - A1 B1 D2", (112, 100, 92, 120), 0.8),
        (16, 3.0, "A1", 112),
    ),
    ((8.0, 12.0, BRIGHTNESS, 0.5, 0.75), (12.0, 16.0, BRIGHTNESS, 0.75, 0.5)),
    centre="A1",
)
STRINGS = Phrase(
    "strings",
    84.0,
    (
        *_line(0, 1.0, "A3 E4 - D4 C4 - B3 C4", (84, 100, 90), 1.0),
        *_line(8, 1.0, "E4 G4 - F4 E4 D4 C4 B3", (92, 108, 96), 1.0),
        (16, 4.0, "A3 E4", 96),
    ),
    ((2.0, 4.0, MODULATION, 0.0, 0.5), (16.0, 18.0, MODULATION, 0.2, 0.6)),
    centre="A3",
    note_s=1.0,
)
ENSEMBLE = Phrase(
    "ensemble",
    84.0,
    (
        *(
            (4 * bar, 4.0, keys, 84 + 6 * bar)
            for bar, keys in enumerate(("A2 A3 C4 E4", "F2 A3 C4 F4", "C3 G3 C4 E4", "G2 G3 B3 D4"))
        ),
        (16, 4.0, "A2 A3 C4 E4 A4", 100),
        *_line(0, 2.0, "A4 C5 A4 F4 G4 C5 B4 D5", (92,), 1.0),
    ),
    ((12.0, 16.0, BRIGHTNESS, 0.5, 0.7), (16.0, 20.0, BRIGHTNESS, 0.7, 0.5)),
    note_s=2.0,
)
BRASS = Phrase(
    "brass",
    104.0,
    (
        (0, 0.4, "A3 C4 E4", 120),
        (0.75, 0.2, "A3 C4 E4", 90),
        (1.5, 1.4, "G3 C4 E4", 112),
        *_line(3, 0.5, "A4 G4 E4 G4", (104, 90)),
        (5, 2.6, "F3 A3 C4 F4", 100),
        (8, 0.4, "G3 B3 D4", 120),
        (8.75, 0.2, "G3 B3 D4", 90),
        (9.5, 1.4, "A3 C4 E4", 112),
        (11, 4.0, "A2 A3 C4 E4", 116),
    ),
    ((5.0, 7.0, BRIGHTNESS, 0.4, 0.7), (7.5, 8.0, BRIGHTNESS, 0.7, 0.5), (12.0, 14.5, BRIGHTNESS, 0.3, 0.75)),
)
REED = Phrase(
    "reed",
    88.0,
    (
        *_line(0, 0.5, "E4 G4 A4 - A4 C5 B4 A4", (100, 92, 110), 1.0),
        *_line(4, 0.5, "G4 A4 E4 - - D4 E4 G4", (96, 104, 88), 1.0),
        *_line(8, 0.5, "A4 - C5 - E5 - D5 C5", (112, 96), 1.0),
        (12, 3.0, "A4", 100),
    ),
    ((1.5, 2.0, MODULATION, 0.0, 0.5), (2.0, 2.5, MODULATION, 0.5, 0.0), (12.5, 14.5, MODULATION, 0.0, 0.7)),
    centre="A4",
)
PIPE = Phrase(
    "pipe",
    88.0,
    (
        *_line(0, 0.5, "A4 C5 E5 - D5 E5 C5 -", (92, 100, 108), 0.95),
        *_line(4, 0.25, "A4 B4 C5 D5 E5 D5 C5 B4 A4 - G4 - A4 - - -", (96, 84, 90, 84), 0.95),
        *_line(8, 0.5, "C5 E5 A5 - G5 E5 D5 -", (92, 100, 112), 0.95),
        (12, 3.0, "E5", 100),
    ),
    ((12.5, 14.5, MODULATION, 0.0, 0.7),),
    centre="A4",
)
LEAD = Phrase(
    "lead",
    112.0,
    (
        *_line(0, 0.5, "A3 E4 A4 G4 E4 - D4 E4", (112, 96, 104, 92), 1.05),
        *_line(4, 0.5, "C4 D4 E4 - G4 - A4 -", (112, 96, 104, 92), 1.05),
        *_line(8, 0.25, "A4 G4 E4 D4 C4 D4 E4 G4 A4 C5 D5 E5 G5 E5 D5 C5", (108, 90, 96, 90), 1.1),
        (12, 4.0, "A5", 116),
    ),
    ((3.0, 3.5, BEND, -0.5, 0.0), (12.0, 12.5, BEND, -1.0, 0.0), (13.0, 15.0, MODULATION, 0.0, 0.8)),
    centre="A4",
)
PAD = Phrase(
    "pad",
    72.0,
    (
        (0, 3.9, "A2 E3 A3 C4 E4", 84),
        (4, 3.9, "F2 C3 A3 C4 F4", 88),
        (8, 3.9, "C3 G3 C4 E4 G4", 92),
        (12, 5.0, "G2 D3 B3 D4 A4", 84),
    ),
    (
        (4.0, 8.0, BRIGHTNESS, 0.5, 0.68),
        (8.0, 14.0, BRIGHTNESS, 0.68, 0.45),
        (10.0, 12.0, MODULATION, 0.0, 0.4),
    ),
    note_s=2.0,
)
EFFECTS = Phrase(
    "effects",
    72.0,
    ((0, 3.5, "A2 A3 E4", 96), (4, 3.5, "F2 C4 A4", 100), (8, 5.0, "D3 A3 E4", 108)),
    ((8.0, 13.0, MODULATION, 0.0, 0.6),),
    note_s=2.0,
)
ETHNIC = Phrase(
    "ethnic",
    96.0,
    (
        *_line(0, 0.5, "A3 - C4 D4 E4 - G4 E4", (110, 84, 92, 100), 1.5),
        *_line(4, 0.25, "A4 G4 A4 G4 E4 - D4 - E4 - C4 - A3 - - -", (104, 80, 92, 84), 2.0),
        *_line(8, 0.5, "A3 E4 A4 - G4 E4 D4 C4", (112, 88, 100, 92), 1.5),
        (12, 3.0, "A3 E4", 104),
    ),
    ((3.0, 3.25, BEND, 0.0, 0.5), (3.25, 3.5, BEND, 0.5, 0.0)),
    centre="A3",
)
PERCUSSIVE = Phrase(
    "percussive",
    112.0,
    (
        *_line(0, 0.5, "C3 - C3 - G3 C3 - C3", (116, 96, 104, 84), 0.8),
        *_line(4, 0.5, "C3 - E3 - G3 C3 E3 G3", (116, 96, 104, 84), 0.8),
        *_line(8, 0.25, "C4 C4 G3 G3 E3 E3 C3 C3", (116, 96, 104, 84), 0.8),
        (10, 1.5, "C3", 120),
    ),
    centre="C3",
)
SOUND_EFFECTS = Phrase(
    "sound effects",
    60.0,
    ((0, 3.5, "C3", 90), (4, 1.0, "C4", 110), (5.5, 1.0, "G4", 110), (7, 4.0, "C4", 100)),
    note_s=2.0,
)
DRUMS = Phrase(
    "drums",
    100.0,
    (
        (0, 0.5, "C#3", 104),
        *((bar + beat, 0.2, "C2", 112) for bar in (0, 4, 8) for beat in (0, 1.75, 2.5)),
        *((bar + beat, 0.2, "D2", 112) for bar in (0, 4, 8) for beat in (1, 3)),
        *((k / 2, 0.2, "F#2", 100 if k % 2 == 0 else 64) for k in range(16) if k not in (7, 15)),
        (3.5, 0.2, "A#2", 88),
        (7.5, 0.2, "A#2", 96),
        *((8 + k / 2, 0.2, "D#3", 96 if k % 2 == 0 else 70) for k in range(8)),
        *((8 + beat, 0.2, "G#2", 70) for beat in (1, 3)),
        *_line(12, 0.25, "D3 D3 C3 C3 B2 B2 A2 A2 G2 G2 F2 F2 C2 D2 C2 D2", (112, 84, 100, 84), 0.8),
        (12, 0.2, "D#2", 96),
        (13, 0.2, "C#2", 96),
        (14, 0.2, "F#3", 96),
        (16, 1.0, "C2 C#3", 120),
    ),
    centre="D2",
    channel=DRUM_CHANNEL,
)

FAMILIES = (
    PIANO,
    CHROMATIC_PERCUSSION,
    ORGAN,
    GUITAR,
    BASS,
    STRINGS,
    ENSEMBLE,
    BRASS,
    REED,
    PIPE,
    LEAD,
    PAD,
    EFFECTS,
    ETHNIC,
    PERCUSSIVE,
    SOUND_EFFECTS,
)
"""General MIDI's sixteen families, eight programs each."""


def phrase_for(patch: Patch) -> Phrase:
    """The phrase of the family that a patch's first program is in.

    Where it states none, recordings are played one after the other, and a synth plays the lead's.
    """
    if patch.program is None and patch.link.samples:
        return _recordings(patch)
    if patch.program is None:
        return LEAD
    if patch.bank == DRUM_BANK:
        return DRUMS
    first, _ = patch.program
    return SOUND_EFFECTS if first == REVERSE_CYMBAL else FAMILIES[(first - 1) // 8]


def _recordings(patch: Patch) -> Phrase:
    """Every table of a sampler's patch at its lowest key and loudest, a beat each."""
    tables = sorted({(zone.keys[0], zone.velocities[1]) for zone in patch.link.samples})
    notes = [(float(beat), 0.9, key_name(key), hard) for beat, (key, hard) in enumerate(tables)]
    return Phrase("recordings", 120.0, tuple(notes))


def melody(phrase: Phrase) -> Phrase:
    """Single notes of one velocity in the phrase's range: by these, patches are made alike in level.

    Drums, whose keys are different sounds, keep their own phrase.
    """
    if phrase is DRUMS:
        return phrase
    centre, beats = key_number(phrase.centre), 2.0 * phrase.note_s
    steps = (0, 3, 5, 7, 5, 3, 2, 0) if phrase.note_s < 2.0 else (0, 5, 7, 0)
    notes = [
        (k * beats, 0.95 * beats, key_name(centre + step), LOUDNESS_VELOCITY) for k, step in enumerate(steps)
    ]
    return Phrase(
        f"melody for {phrase.name}", 120.0, tuple(notes), centre=phrase.centre, note_s=phrase.note_s
    )
