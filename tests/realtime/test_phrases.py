"""The phrases that patches are heard with: every note ends, and times are those of the beats."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tonerig.realtime.patches import new_patch
from tonerig.realtime.phrases import (
    BEND,
    DRUMS,
    FAMILIES,
    LEAD,
    MODULATION,
    PAD,
    SOUND_EFFECTS,
    Phrase,
    melody,
    phrase_for,
)
from tonerig.realtime.play import sound_of
from tonerig.realtime.synths.layout import DRUM_BANK

PHRASES = (*FAMILIES, DRUMS)
MELODIES = tuple(melody(phrase) for phrase in FAMILIES)


@pytest.mark.parametrize("phrase", (*PHRASES, *MELODIES), ids=lambda phrase: phrase.name)
def test_every_note_ends(phrase: Phrase) -> None:
    """Events are in order, keys are the channel's, and each note-on has its note-off behind it."""
    song = phrase.song(48000.0)
    assert (np.diff(song.events["frame"]) >= 0).all() and song.events["frame"][0] >= 0
    assert set(song.events["status"] & 0x0F) == {phrase.channel - 1} and song.channels == (phrase.channel,)
    held: dict[int, int] = {}
    begun = 0
    for _, status, key, value, size in song.events.tolist():
        assert size == 3 and 0 <= key < 128 and 0 <= value < 128
        if status & 0xF0 == 0x90:
            assert value > 0
            held[key] = held.get(key, 0) + 1
            begun += 1
        elif status & 0xF0 == 0x80:
            held[key] -= 1
    assert set(held.values()) == {0}
    assert begun == song.notes and song.unended == 0
    assert song.seconds == song.events["frame"][-1] / 48000


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.name)
def test_a_few_bars(phrase: Phrase) -> None:
    """Each lasts from five to twenty seconds, so that all can be heard in some minutes."""
    assert 5 < phrase.song(48000.0).seconds < 20


def test_times_are_the_beats() -> None:
    """At 120 beats a minute a beat is half a second, at any rate."""
    phrase = Phrase("x", 120.0, ((0, 1.0, "C4 E4", 90), (2.5, 0.5, "G4", 80)))
    for rate in (44100.0, 48000.0):
        events = phrase.song(rate).events
        on = events[events["status"] == 0x90]
        assert on["data1"].tolist() == [60, 64, 67] and on["data2"].tolist() == [90, 90, 80]
        assert on["frame"].tolist() == [0, 0, round(1.25 * rate)]
        off = events[events["status"] == 0x80]
        assert off["frame"].tolist() == [round(0.5 * rate)] * 2 + [round(1.5 * rate)]


def test_what_moves() -> None:
    """A controller goes from one value to the other in steps, the wheel to both its ends."""
    moves = ((0.0, 1.0, MODULATION, 0.0, 1.0), (1.0, 2.0, BEND, -1.0, 1.0))
    events = Phrase("x", 120.0, ((0, 2.0, "C4", 90),), moves).song(48000.0).events
    controller = events[events["status"] == 0xB0]
    assert set(controller["data1"]) == {1}
    assert controller["data2"][0] == 0 and controller["data2"][-1] == 127
    assert (np.diff(controller["data2"].astype(int)) >= 0).all() and controller["frame"][-1] == 24000
    wheel = events[events["status"] == 0xE0]
    values = wheel["data1"].astype(int) + 128 * wheel["data2"].astype(int)
    assert values[0] == 0 and values[-1] == 16383 and 8192 in values


def test_of_one_key_the_old_note_ends_first() -> None:
    """Where a key is struck again in the moment it is let go, its end comes first."""
    events = Phrase("x", 120.0, ((0, 1.0, "C4", 90), (1, 1.0, "C4", 90))).song(48000.0).events
    assert events["status"].tolist() == [0x90, 0x80, 0x90, 0x80]


def test_which_phrase() -> None:
    """The first program's family; drums by their bank; the swelling cymbal is held long; the lead's else."""
    assert phrase_for(new_patch("x", "four")) is LEAD
    assert phrase_for(new_patch("x", "four", program=(89, 96))) is PAD
    assert phrase_for(new_patch("x", "four", program=(128, 128))) is FAMILIES[15]
    assert phrase_for(new_patch("x", "four", program=(120, 120))) is SOUND_EFFECTS
    assert phrase_for(new_patch("x", "four", program=(1, 1), bank=DRUM_BANK)) is DRUMS
    assert len(FAMILIES) == len({phrase.name for phrase in FAMILIES}) == 16


def test_a_melody_has_single_notes() -> None:
    """The melody by which levels are made alike: one key at a time, one velocity; drums keep their phrase."""
    for phrase in MELODIES:
        spans = [(beat, beat + beats) for beat, beats, _, _ in phrase.notes]
        assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
        assert {velocity for *_, velocity in phrase.notes} == {100}
        assert all(len(keys.split()) == 1 for _, _, keys, _ in phrase.notes)
    assert melody(DRUMS) is DRUMS


def test_it_can_be_played() -> None:
    """The program plays it like a song from a file, to the end."""
    from tonerig.realtime.engine.program import Program, compile_chain

    chain = [new_patch("x", "four").build()]
    compile_chain(chain)
    song = LEAD.song(48000.0)
    heard = np.concatenate(list(sound_of(song, Program(chain, 48000.0, 4096, 1))), axis=1)
    assert heard.shape[1] >= song.seconds * 48000 and np.abs(heard).max() > 0.01
