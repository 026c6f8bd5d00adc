"""``tonerig tune``: along a file, and live through a JACK server."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.wav_writer import write_wav

from ..test_tuner import string
from .command import tonerig


def test_two_strings_of_a_file(tmp_path: Path) -> None:
    """An A that is 10 cents flat, then an E: a line for each, in order."""
    a, e = string(110 * 2 ** (-10 / 1200)), string(329.6276, seed=1)
    write_wav(tmp_path / "x.wav", np.concatenate([a, e]), 48000)
    found = tonerig("tune", tmp_path / "x.wav")
    assert found.code == 0, found.err
    lines = [line for line in found.out.splitlines() if "(1 readings" not in line]
    assert "A2" in lines[0] and "-10.0 cents" in lines[0] and "109.37 Hz" in lines[0]
    assert "E4" in lines[-1] and "+0.0 cents" in lines[-1]


def test_readings_as_json(tmp_path: Path) -> None:
    """Every reading, with another concert pitch: 442 Hz is in tune for A4 = 442."""
    write_wav(tmp_path / "x.wav", string(442.0), 48000)
    readings = json.loads(tonerig("tune", tmp_path / "x.wav", "--reference", 442, "--json").out)
    assert len(readings) > 5
    assert all(r["note"] == "A4" and abs(r["cents"]) < 0.1 for r in readings)
    assert readings[0]["time_s"] < readings[-1]["time_s"] < 1.5


def test_nothing_to_tune(tmp_path: Path) -> None:
    """Silence, a file that is too short, and no sound at all get a sentence."""
    write_wav(tmp_path / "x.wav", np.zeros(48000, np.float32), 48000)
    found = tonerig("tune", tmp_path / "x.wav")
    assert found.code == 1 and "x.wav: no pitch to hear" in found.err
    (tmp_path / "y.wav").write_text("no")
    assert tonerig("tune", tmp_path / "y.wav").code == 1


@pytest.mark.usefixtures("jack_server")
def test_live_hears_silence() -> None:
    """A tuner on the server's silent inputs starts, reads nothing, and ends by itself."""
    found = tonerig("tune", "--seconds", 1, "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out) == []
