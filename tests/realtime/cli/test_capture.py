"""``tonerig capture``: the test signal, and the check of what came back, from a VST3 as well."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.capture.pairs import load_pair
from tonerig.training.signals import dry_signal

from .command import tonerig

VST3 = Path("/usr/lib/vst3")


def test_signal_through_a_wire(tmp_path: Path) -> None:
    """The signal is 24 bits at the rate asked for, the next steps are told, and its delayed copy is good."""
    dry, wet = tmp_path / "test.wav", tmp_path / "recorded.wav"
    made = tonerig("capture", "signal", "-o", dry, "--minutes", 0.25, "--rate", 16000)
    assert made.code == 0, made.err
    assert f"tonerig capture check {dry} {wet}" in made.out and "-12 and -3 dBFS" in made.out
    sound, rate = read_audio(dry)
    assert rate == 16000 and len(sound) == 1
    np.testing.assert_array_equal(np.rint(sound * 2**23), sound * 2**23)
    write_wav(wet, np.concatenate([np.zeros(800, np.float32), 0.5 * sound[0]]), rate)
    found = tonerig("capture", "check", dry, wet, "--json")
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["verdict"] == "ok" and told["timing"]["latency"] == pytest.approx(800, abs=0.05)
    assert told["timing"]["markers"] and told["frames"] == sound.shape[1]
    assert "can be learnt from: tonerig train effect --dry" in tonerig("capture", "check", dry, wet).out


def test_music_is_mixed_in(tmp_path: Path) -> None:
    """A folder of music changes the signal; one without sound leaves no file."""
    (tmp_path / "music").mkdir()
    (tmp_path / "none").mkdir()
    write_wav(tmp_path / "music" / "own.wav", dry_signal(12.0, 44100, 3), 44100)
    words = ("capture", "signal", "--minutes", 0.25, "--rate", 16000, "-o")
    for name, music in (("a.wav", ()), ("b.wav", ("--music", tmp_path / "music"))):
        made = tonerig(*words, tmp_path / name, *music)
        assert made.code == 0, made.err
    a, b = (read_audio(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    assert a.shape == b.shape and not np.array_equal(a, b)
    refused = tonerig(*words, tmp_path / "c.wav", "--music", tmp_path / "none")
    assert refused.code == 1 and "none" in refused.err
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["a.wav", "b.wav"]


def test_faults_are_told(tmp_path: Path) -> None:
    """A silent recording: a line with what to do, the verdict, and exit code 1; so with a missing file."""
    dry = tmp_path / "dry.wav"
    write_wav(dry, dry_signal(4.0, 16000, 1), 16000)
    write_wav(tmp_path / "wet.wav", np.zeros(64000, np.float32), 16000)
    found = tonerig("capture", "check", dry, tmp_path / "wet.wav")
    assert found.code == 1 and "!!  silence" in found.out and "cannot be learnt from" in found.out
    assert "→ wet.wav: it is silent" in found.out
    missing = tonerig("capture", "check", dry, tmp_path / "none.wav")
    assert missing.code == 1 and "none.wav: does not exist" in missing.err


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is made where nothing can be written."""
    made = tonerig("capture", "signal", "-o", tmp_path / "no" / "test.wav", "--minutes", 0.25)
    assert made.code == 1 and "does not exist" in made.err


@pytest.mark.parametrize(
    ("plugin", "settings"), [("ZamTube", ("tube_drive=6",)), ("ZamComp", ("threshold_db=-30",))]
)
def test_plugin_as_gear(tmp_path: Path, plugin: str, settings: tuple[str, ...]) -> None:
    """A VST3 rendered by the project itself is in step, recorded a tenth of a second late or not."""
    if not (VST3 / f"{plugin}.vst3").exists():
        pytest.skip("Debian package zam-plugins is not installed")
    dry, wet = tmp_path / "test.wav", tmp_path / "recorded.wav"
    assert tonerig("capture", "signal", "-o", dry, "--minutes", 0.25).code == 0
    preset = tmp_path / "gear.toml"
    values = "".join(f"{name} = {value}\n" for name, value in (text.split("=") for text in settings))
    preset.write_text(
        f'tonerig = 1\nname = "gear"\n\n[[chain]]\nprocessor = "plugin"\nplugin = "{plugin}"\n{values}'
    )
    rendered = tonerig("render", dry, "-o", wet, "--preset", preset)
    assert rendered.code == 0, rendered.err
    found = tonerig("capture", "check", dry, wet, "--json")
    told = json.loads(found.out)
    assert found.code == 0 and told["timing"]["spread"] < 0.1, found.out
    assert told["timing"]["latency"] == pytest.approx(0, abs=2.0)
    sound, rate = read_audio(wet)
    write_wav(wet, np.concatenate([np.zeros(4800, np.float32), sound[0]]), rate)
    moved = json.loads(tonerig("capture", "check", dry, wet, "--json").out)
    assert moved["timing"]["latency"] - told["timing"]["latency"] == pytest.approx(4800, abs=0.1)
    played, heard, _ = load_pair(dry, wet)
    assert len(played) == len(heard) > 35 * rate
