"""``tonerig evaluate effects``, on recordings made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.plucked import riff
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.effects import data
from tonerig.training.effects.shipped import model_file
from tonerig.training.effects.teachers import TEACHERS, wet_signal

from .command import tonerig

ISSUED = {"effect", "esr", "logmel", "closer_in_waveform", "closer_in_logmel", "block_us"}
BEYOND = {"logmel_dry", "bytes", "knobs_esr", "recordings", "holds", "target"}
NAMES = ("one.wav", "two.wav")


@pytest.fixture
def guitars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user_library: Path) -> Path:
    """A folder of two short recordings at 44.1 kHz, where the real guitar is looked for."""
    folder = tmp_path / "guitars"
    folder.mkdir()
    phrase = riff(44100.0)
    for name, start in zip(NAMES, (0, 44100), strict=True):
        write_wav(folder / name, phrase[start : start + 44100], 44100.0)
    monkeypatch.setattr(data, "GUITAR_FOLDER", folder)
    monkeypatch.setattr(data, "GUITAR_FILES", NAMES)
    return folder


def test_the_json_says_what_rendering_says(guitars: Path, tmp_path: Path) -> None:
    """A list with the named keys; its ESR is that of ``tonerig render`` counted in NumPy."""
    found = tonerig("evaluate", "effects", "chorus", "highpass", "--json")
    assert found.code == 0, found.err
    results = json.loads(found.out)
    assert [result["effect"] for result in results] == ["chorus", "highpass"]
    for result in results:
        assert set(result) >= ISSUED | BEYOND
        assert result["closer_in_waveform"] is True and result["closer_in_logmel"] is True
        assert result["block_us"] > 0 and result["bytes"] == model_file(result["effect"]).stat().st_size
        assert result["knobs_esr"] is None and set(result["recordings"]) == set(NAMES)
        for name in NAMES:
            recorded, rate = read_audio(guitars / name)
            dry = resample_poly(recorded[0], 48000, rate).astype(np.float32)
            write_wav(tmp_path / "dry.wav", dry, 48000.0)
            rendered = tonerig(
                "render",
                tmp_path / "dry.wav",
                "-o",
                tmp_path / "out.wav",
                "--model",
                model_file(result["effect"]),
            )
            assert rendered.code == 0, rendered.err
            output = read_audio(tmp_path / "out.wav")[0][0].astype(np.float64)
            wet = wet_signal(TEACHERS[result["effect"]], dry, 48000.0, {}).astype(np.float64)
            esr = np.sum((output - wet) ** 2) / np.sum(wet**2)
            assert result["recordings"][name]["esr"] == pytest.approx(esr, rel=1e-3)


def test_the_table(guitars: Path) -> None:
    """A row for each effect with its target, as Markdown, and a sentence that sums up."""
    found = tonerig("evaluate", "effects", "lowpass", "octave")
    assert found.code == 0, found.err
    rows = [line.split("|") for line in found.out.splitlines() if line.startswith("|")]
    assert [row[1].strip() for row in rows] == ["effect", "-" * len(rows[1][1]), "lowpass", "octave"]
    assert "0.0005" in rows[2][4] and "0.25 × dry" in rows[3][4]
    assert "2 models" in found.out.splitlines()[-1]


def test_an_effect_that_is_not_shipped(guitars: Path) -> None:
    """One sentence with the names that there are, before anything is measured."""
    found = tonerig("evaluate", "effects", "lowpass", "wahwah")
    assert found.code == 1 and found.out == ""
    assert "no shipped effect 'wahwah'; there are lowpass, highpass" in found.err


def test_the_guitar_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the file and the package it is in."""
    monkeypatch.setattr(data, "GUITAR_FOLDER", tmp_path)
    found = tonerig("evaluate", "effects", "lowpass")
    assert found.code == 1
    assert f"{tmp_path / 'guit_e_fifths.flac'} is not there" in found.err and "sonic-pi-samples" in found.err
