"""``tonerig preset audition`` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime.library import listing
from tonerig.realtime.patches import new_patch, save_patch
from tonerig.realtime.wav_writer import write_wav

from ..wav_bytes import tone
from .command import tonerig

SAMPLER = """tonerig = 1
kind = "patch"
name = "x"
synth = "sampler"
samples = [{{ file = "{}", key = 60 }}]
"""


@pytest.fixture
def folder(tmp_path: Path, user_library: Path) -> Path:
    """A folder; and a library with a patch of its own."""
    save_patch(new_patch("Bell 9", "four", program=(9, 9)), user_library / "patches" / "bell9.toml")
    return tmp_path


def test_some_patches(folder: Path) -> None:
    """Each named patch in a file of its name, and a line for each."""
    found = tonerig("preset", "audition", "bell9", "sub-bass", "-o", folder / "out")
    assert found.code == 0, found.err
    head, *lines = found.out.splitlines()
    assert head.split() == ["patch", "phrase", "seconds", "peak", "dBTP", "LUFS", "×", "real", "time"]
    assert [line.split()[0] for line in lines] == ["bell9", "sub-bass"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["bell9.wav", "sub-bass.wav"]


def test_as_json(folder: Path) -> None:
    """What is told is what is in the file: its length and peak; the phrase is that of the program."""
    pyloudnorm = pytest.importorskip("pyloudnorm")
    found = tonerig("preset", "audition", "bell9", "-o", folder, "--json")
    assert found.code == 0, found.err
    (row,) = json.loads(found.out)
    rate, sound = wavfile.read(row["path"])
    assert (row["patch"], row["name"], row["phrase"]) == ("bell9", "Bell 9", "chromatic percussion")
    assert row["path"] == str(folder / "bell9.wav") and row["seconds"] == len(sound) / rate
    assert row["times_realtime"] == pytest.approx(row["seconds"] / row["elapsed_s"])
    assert row["muted"] is False and np.isfinite(sound).all()
    peak = 20 * np.log10(np.abs(sound).max())
    assert peak <= row["true_peak_db"] < peak + 1.0
    assert row["loudness_lufs"] == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(sound), abs=0.1)


def test_all_patches_without_names(folder: Path) -> None:
    """Without names all patches of the library are heard, the shipped ones and the user's."""
    found = tonerig("preset", "audition", "-o", folder / "out", "--json")
    assert found.code == 0, found.err
    rows = json.loads(found.out)
    assert sorted(row["patch"] for row in rows) == list(listing("patches"))
    assert rows[0]["patch"] == "bell9"  # one's own come first
    assert {path.stem for path in (folder / "out").iterdir()} == set(listing("patches"))
    assert not any(row["muted"] for row in rows)


def test_silence(folder: Path) -> None:
    """A patch that cannot be heard has neither peak nor loudness, in JSON that every reader takes."""
    write_wav(folder / "none.wav", np.zeros((1, 4800), np.float32), 48000)
    (folder / "still.toml").write_text(SAMPLER.format("none.wav"))
    found = tonerig("preset", "audition", folder / "still.toml", "-o", folder / "out", "--json")
    assert found.code == 0, found.err
    (row,) = json.loads(found.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert row["true_peak_db"] is None and row["loudness_lufs"] is None


def test_what_cannot_be_heard(folder: Path) -> None:
    """Names and folders that are none, and one file for two patches: a sentence each, and nothing written."""
    (folder / "a").mkdir()
    save_patch(new_patch("x", "four"), folder / "a" / "bell9.toml")
    (folder / "file").write_bytes(b"")
    before = sorted(folder.rglob("*"))
    for words, said in (
        (("no", "-o", folder / "out"), "there is no patch no; "),
        (("crunch", "-o", folder / "out"), "crunch is a chain"),
        (("bell9", "-o", folder / "file"), "is a file, but a folder is needed"),
        (("bell9", folder / "a" / "bell9.toml", "-o", folder / "out"), "bell9: named twice"),
    ):
        found = tonerig("preset", "audition", *words)
        assert found.code == 1 and said in found.err and found.err.count("\n") == 1, found.err
        assert sorted(folder.rglob("*")) == before


def test_a_patchs_own_recording_is_never_the_output(folder: Path) -> None:
    """One patch that would overwrite its recording is refused; the others are heard."""
    sample = write_wav(folder / "kick.wav", tone(), 48000)
    before = sample.read_bytes()
    (folder / "kick.toml").write_text(SAMPLER.format("kick.wav"))
    found = tonerig("preset", "audition", folder / "kick.toml", "bell9", "-o", folder)
    assert found.code == 1 and "kick.wav: belongs to the patch, and is never overwritten" in found.err
    assert sample.read_bytes() == before and (folder / "bell9.wav").exists()
