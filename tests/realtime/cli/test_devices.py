"""``tonerig devices``."""

from __future__ import annotations

import json

import pytest

from ..midi.keyboard import keyboard
from .command import tonerig


@pytest.mark.usefixtures("jack_server")
def test_the_server_is_listed() -> None:
    """The JACK server's device has its channels and rate, and is the default both ways."""
    rows = json.loads(tonerig("devices", "--json").out)
    jack = next(row for row in rows if row["kind"] == "audio" and row["host"].startswith("JACK"))
    assert (jack["inputs"], jack["outputs"], jack["rate"]) == (2, 2, 48000.0)
    assert jack["default_input"] and jack["default_output"]
    text = tonerig("devices").out
    assert "JACK" in text and f"io {jack['index']:3}  {jack['name']}  (2 in, 2 out, 48000 Hz)" in text


@pytest.mark.usefixtures("jack_server")
def test_midi_inputs_are_listed_after_the_audio_devices() -> None:
    """A keyboard has a number, a name and a system; as JSON it has the same keys as an audio device."""
    with keyboard("keys"), keyboard("pads"):
        rows = json.loads(tonerig("devices", "--json").out)
        text = tonerig("devices").out
    kinds = [row["kind"] for row in rows]
    assert kinds == ["audio"] * kinds.count("audio") + ["midi"] * 2
    assert len({frozenset(row) for row in rows}) == 1
    midi = [row for row in rows if row["kind"] == "midi"]
    assert [(row["index"], row["name"], row["host"]) for row in midi] == [
        (0, "keys:out", "JACK"),
        (1, "pads:out", "JACK"),
    ]
    assert not any(row["inputs"] or row["outputs"] or row["default_input"] for row in midi)
    assert "MIDI inputs\n     0  keys:out  (JACK)\n     1  pads:out  (JACK)\n" in text
    assert "There are no MIDI inputs" in tonerig("devices").out
