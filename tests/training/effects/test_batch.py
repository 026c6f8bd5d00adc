"""Folders through a teacher: the same as one sound at a time, whole, and whatever cannot be read is named."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.effects.batch import BatchError, render_folder
from tonerig.training.effects.teachers import TeacherError, find_teacher, wet_signal
from tonerig.training.signals import dry_signal

RATE = 48000.0


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder with WAV, FLAC at 44.1 kHz in stereo in a subfolder, a namesake, and a text."""
    from pedalboard.io import AudioFile

    source = tmp_path / "recordings"
    (source / "deep").mkdir(parents=True)
    write_wav(source / "a.wav", dry_signal(0.5, RATE, 1), RATE)
    write_wav(source / "deep" / "a.wav", dry_signal(0.4, RATE, 2), RATE)
    for path in (source / "deep" / "b.flac", source / "a.flac"):
        with AudioFile(str(path), "w", 44100, 2) as file:
            file.write(np.tile(0.5 * dry_signal(0.5, 44100, 3), (2, 1)))
    (source / "notes.txt").write_text("no sound")
    return source


def _files(folder: Path) -> dict[str, str]:
    """Every file below a folder with a hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_pairs_are_what_the_teacher_makes(recordings: Path, tmp_path: Path) -> None:
    """Every dry file is the recording, mono at the asked rate, and its wet file the teacher's sound of it."""
    target, fractions = tmp_path / "pairs", []
    settings = {"cutoff_hz": 900.0}
    results = render_folder("lowpass", settings, recordings, target, progress=fractions.append)
    assert [result.source for result in results] == ["a.flac", "a.wav", "deep/a.wav", "deep/b.flac"]
    assert len({result.wet for result in results}) == 4
    assert fractions == [0.25, 0.5, 0.75, 1.0]
    for result in results:
        (dry, dry_rate), (wet, wet_rate) = (read_audio(target / path) for path in (result.dry, result.wet))
        assert dry_rate == wet_rate == RATE
        assert dry.shape == wet.shape == (1, result.frames)
        expected = wet_signal(find_teacher("lowpass"), dry[0], RATE, settings)
        np.testing.assert_array_equal(wet[0], expected)
        assert result.peak == np.abs(expected).max()
    np.testing.assert_array_equal(read_audio(target / results[1].dry)[0][0], dry_signal(0.5, RATE, 1))
    assert results[3].frames == round(0.5 * RATE)
    manifest = json.loads((target / "manifest.json").read_text())
    assert manifest["teacher"] == "lowpass"
    assert manifest["settings"] == settings
    assert [file["sha256"] for file in manifest["files"]] == [result.sha256 for result in results]


def test_the_number_of_workers_changes_nothing(recordings: Path, tmp_path: Path) -> None:
    """One process and three write the same bytes, an unreadable file among them, and nothing else."""
    (recordings / "broken.wav").write_bytes(b"RIFF and no more")
    one, three = (tmp_path / name for name in ("one", "three"))
    first = render_folder("distortion", {"drive": "8"}, recordings, one, workers=1)
    assert render_folder("distortion", {"drive": "8"}, recordings, three, workers=3) == first
    assert _files(one) == _files(three)
    assert len(_files(one)) == 9  # four pairs and the manifest


def test_a_process_that_is_killed_costs_a_retry(recordings: Path, tmp_path: Path) -> None:
    """The first process is killed: the files are those of a run that nothing happened to."""
    one, two = (tmp_path / name for name in ("one", "two"))
    expected = render_folder("lowpass", {}, recordings, one)
    killed: list[int] = []

    def kill_first() -> None:
        while not killed:
            for child in multiprocessing.active_children():
                if child.pid is not None and not killed:
                    killed.append(child.pid)
                    child.kill()
            time.sleep(0.002)

    killer = threading.Thread(target=kill_first)
    killer.start()
    results = render_folder("lowpass", {}, recordings, two, workers=2)
    killer.join()
    assert len(killed) == 1
    assert results == expected
    assert _files(two) == _files(one)


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(recordings: Path, tmp_path: Path) -> None:
    """Noise called FLAC, an empty file, and one whose folder's place is taken: a sentence each."""
    (recordings / "broken.flac").write_bytes(np.random.default_rng(0).bytes(4000))
    (recordings / "empty.mp3").write_bytes(b"")
    target = tmp_path / "pairs"
    (target / "dry").mkdir(parents=True)
    (target / "dry" / "deep").write_text("in the way")
    results = {result.source: result for result in render_folder("delay", {}, recordings, target)}
    failed = {"broken.flac", "empty.mp3", "deep/a.wav", "deep/b.flac"}
    assert {source for source, result in results.items() if result.problem} == failed
    for source in failed:
        assert Path(source).name in results[source].problem
        assert not results[source].wet
    assert not list(target.rglob("*.part"))
    manifest = json.loads((target / "manifest.json").read_text())
    assert {file["source"] for file in manifest["files"] if file["problem"]} == failed


def test_folders_without_sound_and_wrong_settings_are_refused(recordings: Path, tmp_path: Path) -> None:
    """No folder, no sound in it, none readable, a target inside, no worker: one sentence, nothing written."""
    target = tmp_path / "pairs"
    with pytest.raises(BatchError, match="nowhere: is no folder"):
        render_folder("delay", {}, tmp_path / "nowhere", target)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BatchError, match="empty: has no sound file"):
        render_folder("delay", {}, empty, target)
    (empty / "bad.wav").write_bytes(b"no sound")
    with pytest.raises(BatchError, match=r"none of 1 sound files was rendered; bad\.wav"):
        render_folder("delay", {}, empty, target)
    with pytest.raises(BatchError, match="lies within"):
        render_folder("delay", {}, recordings, recordings / "pairs")
    with pytest.raises(BatchError, match="give 1 worker or more"):
        render_folder("delay", {}, recordings, target, workers=0)
    with pytest.raises(TeacherError, match="no parameter 'drive'"):
        render_folder("delay", {"drive": 3}, recordings, target)
    with pytest.raises(ParameterError, match="mix is 3"):
        render_folder("delay", {"mix": 3}, recordings, target)
    assert not target.exists()
