"""A sampler's zones: which recording sounds for which keys and velocities, and how.

In a patch a zone is a table::

    [[samples]]
    file = "kick.wav"
    key = "C2"

Keys are MIDI's numbers, 0 to 127, or names in which C4 is middle C, number 60.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..documents import cited, plain, word
from ..parameters import Parameter, ParameterError

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
PARAMETERS = (
    Parameter("volume_db", -60.0, 24.0, 0.0, "dB", description="added to the patch's volume"),
    Parameter("pan", -1.0, 1.0, 0.0, description="-1 is left, 1 is right"),
    Parameter("tune_cents", -1200.0, 1200.0, 0.0, "cents", description="tuning of the recording"),
)
CHOKE_GROUPS = 127


class ZoneError(ValueError):
    """A zone's table that cannot be used; the sentence does not name the file."""


@dataclass(frozen=True)
class Zone:
    """A recording, and the keys and velocities that play it.

    Attributes
    ----------
    file : the recording
    key : at which it sounds as it was recorded, 0 to 127
    keys : lowest and highest that play it
    velocities : lowest and highest that play it, 1 to 127
    volume_db, pan, tune_cents : see `PARAMETERS`
    one_shot : plays to its end, whether the key is up or not
    choke : a note of the same group ends it; 0 is no group
    """

    file: Path
    key: int
    keys: tuple[int, int]
    velocities: tuple[int, int] = (1, 127)
    volume_db: float = 0.0
    pan: float = 0.0
    tune_cents: float = 0.0
    one_shot: bool = True
    choke: int = 0


KEYS_OF_TABLES = ("file", "key", "keys", "velocities", *(p.name for p in PARAMETERS), "one_shot", "choke")


def key_number(value: Any) -> int:
    """A key from its number or its name: ``60``, ``"C4"``, ``"F#3"``, ``"Bb-1"``.

    Raises
    ------
    ZoneError
    """
    number = value if isinstance(value, int) and not isinstance(value, bool) else -1
    if isinstance(value, str) and (parts := re.fullmatch(r"([A-Ga-g])([#b]?)(-?[0-9])", value)):
        letter, sign, octave = parts.groups()
        number = NAMES.index(letter.upper()) + {"#": 1, "b": -1, "": 0}[sign] + 12 * (int(octave) + 1)
    if not 0 <= number <= 127:
        raise ZoneError(f"{word(value)} is no key; keys are 0 to 127, or names from C-1 to G9 (C4 is 60)")
    return number


def key_name(key: int) -> str:
    """The name of a key: 60 is ``"C4"``."""
    return f"{NAMES[key % 12]}{key // 12 - 1}"


def zone_from_table(table: Mapping[str, Any], file: Path) -> Zone:
    """A zone from its table in a patch, whose ``file`` has been looked up already.

    Raises
    ------
    ZoneError
    """
    for name in table:
        if name not in KEYS_OF_TABLES:
            raise ZoneError(f"unknown key {cited(name)}; a sample knows {', '.join(KEYS_OF_TABLES)}")
    if "key" not in table:
        raise ZoneError("key is missing; say which key plays it as it was recorded")
    key = key_number(table["key"])
    low, high = (key_number(end) for end in _pair("keys", table.get("keys", [key, key])))
    if low > high:
        raise ZoneError(f"keys go from {low} to {high}; name the lower one first")
    try:
        values = {p.name: p.check(table.get(p.name, p.default)) for p in PARAMETERS}
    except ParameterError as error:
        raise ZoneError(str(error)) from None
    first, last = _pair("velocities", table.get("velocities", [1, 127]))
    if not (_whole(first) and _whole(last) and 1 <= first <= last <= 127):
        raise ZoneError(f"velocities is {word([first, last])}, expected two whole numbers from 1 to 127")
    one_shot, choke = table.get("one_shot", True), table.get("choke", 0)
    if not isinstance(one_shot, bool):
        raise ZoneError(f"one_shot is {word(one_shot)}, expected true or false")
    if not _whole(choke) or not 0 <= choke <= CHOKE_GROUPS:
        raise ZoneError(f"choke is {word(choke)}, expected a whole number from 0 to {CHOKE_GROUPS}")
    return Zone(file, key, (low, high), (first, last), one_shot=one_shot, choke=choke, **values)


def zone_to_table(zone: Zone, file: str) -> dict[str, Any]:
    """What `zone_from_table` reads, everything stated.

    Parameters
    ----------
    file : the name by which the patch finds the recording
    """
    return {
        "file": file,
        "key": key_name(zone.key),
        "keys": [key_name(key) for key in zone.keys],
        "velocities": list(zone.velocities),
        **{parameter.name: plain(getattr(zone, parameter.name)) for parameter in PARAMETERS},
        "one_shot": zone.one_shot,
        "choke": zone.choke,
    }


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise ZoneError(f"{name} is {word(value)}, expected the lowest and the highest: [36, 47]")
    return value[0], value[1]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
