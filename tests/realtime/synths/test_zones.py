"""Zones: keys by name and number, and tables that come back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime.synths.zones import (
    Zone,
    ZoneError,
    key_name,
    key_number,
    zone_from_table,
    zone_to_table,
)

FILE = Path("kick.wav")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("C4", 60),
        ("A4", 69),
        ("C-1", 0),
        ("G9", 127),
        ("F#3", 54),
        ("gb3", 54),
        ("B#3", 60),
        ("Cb4", 59),
        (36, 36),
    ],
)
def test_keys(name: object, number: int) -> None:
    """C4 is middle C, key 60, and A4 is 69, as in General MIDI; sharps and flats are a key up and down."""
    assert key_number(name) == number


def test_names_and_numbers_agree() -> None:
    """Every key's name leads back to it."""
    assert [key_number(key_name(key)) for key in range(128)] == list(range(128))
    assert [key_name(key) for key in (0, 61, 127)] == ["C-1", "C#4", "G9"]


@pytest.mark.parametrize("bad", ["", "H4", "C", "C10", "G#9", "Cb-1", "c##4", 128, -1, True, 4.5, None, [60]])
def test_what_is_no_key(bad: object) -> None:
    """Neither a note's name nor a number of MIDI's 128."""
    with pytest.raises(ZoneError, match="is no key; keys are 0 to 127"):
        key_number(bad)


def test_what_is_not_said() -> None:
    """A zone that says only its key has that key alone and all velocities, and plays to the end."""
    assert zone_from_table({"file": "kick.wav", "key": "C2"}, FILE) == Zone(
        FILE, 36, (36, 36), (1, 127), 0.0, 0.0, 0.0, True, 0
    )


@given(st.data())
def test_tables_come_back(data: st.DataObject) -> None:
    """Any zone is what its own table says."""
    pair = st.tuples(st.integers(0, 127), st.integers(0, 127)).map(lambda ends: (min(ends), max(ends)))
    zone = Zone(
        FILE,
        data.draw(st.integers(0, 127)),
        data.draw(pair),
        data.draw(pair.filter(lambda ends: ends[0] > 0)),
        data.draw(st.floats(-60, 24)),
        data.draw(st.floats(-1, 1)),
        data.draw(st.floats(-1200, 1200)),
        data.draw(st.booleans()),
        data.draw(st.integers(0, 127)),
    )
    table = zone_to_table(zone, "kick.wav")
    assert table["file"] == "kick.wav"
    assert zone_from_table(table, FILE) == zone


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": None}, "None is no key"),
        ({"keys": 36}, r"keys is 36, expected the lowest and the highest: \[36, 47\]"),
        ({"keys": [36, 38, 40]}, "expected the lowest and the highest"),
        ({"keys": [40, 36]}, "keys go from 40 to 36; name the lower one first"),
        ({"velocities": [0, 127]}, r"velocities is \[0, 127\], expected two whole numbers from 1 to 127"),
        ({"velocities": [64, 63]}, "expected two whole numbers from 1 to 127"),
        ({"velocities": [1, 63.5]}, "expected two whole numbers from 1 to 127"),
        ({"volume_db": 30}, "volume_db is 30, expected -60 to 24 dB"),
        ({"pan": "left"}, "pan is 'left', expected -1 to 1"),
        ({"tune_cents": True}, "tune_cents is True, expected -1200 to 1200 cents"),
        ({"one_shot": 1}, "one_shot is 1, expected true or false"),
        ({"choke": -1}, "choke is -1, expected a whole number from 0 to 127"),
        ({"choke": True}, "choke is true, expected a whole number"),
        ({"loop": True}, "unknown key loop; a sample knows file, key"),
    ],
)
def test_bad_tables(change: dict[str, Any], words: str) -> None:
    """Each mistake has a sentence with what was found and what is expected."""
    with pytest.raises(ZoneError, match=words):
        zone_from_table({"file": "kick.wav", "key": "C2", **change}, FILE)


def test_a_key_is_needed() -> None:
    """Without a key nothing says at which pitch the recording sounds as it is."""
    with pytest.raises(ZoneError, match="key is missing"):
        zone_from_table({"file": "kick.wav"}, FILE)
