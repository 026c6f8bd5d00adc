"""Patches, auditions and picture are written together, or nothing is."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime.audio_files import AudioFileError
from tonerig.realtime.documents import PresetError
from tonerig.realtime.match.distance import Heard
from tonerig.realtime.match.estimator import load_estimator
from tonerig.realtime.match.files import RATE, check_places, write_matches
from tonerig.realtime.match.match import Matches, match
from tonerig.realtime.match.sound import Sound, at_rate, sound_of
from tonerig.realtime.match.synths import FOUR
from tonerig.realtime.patches import load_patch

from .constant import write_constant
from .test_sound import tone


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Matches:
    """A plain tone, two patches."""
    estimator = write_constant(tmp_path_factory.mktemp("estimators") / "four.onnx", FOUR)
    sound = sound_of(tone(44100, frequency_hz=587.33), 44100, "d5 [$x$].wav")
    return match(sound, [load_estimator(estimator)], top=2)


def test_everything_is_there(found: Matches, tmp_path: Path) -> None:
    """Patches that can be loaded, auditions that sound like the matches, a picture; and nothing else."""
    written = write_matches(found, tmp_path / "d5.toml")
    names = ["d5-2.audition.wav", "d5-2.toml", "d5.audition.wav", "d5.png", "d5.toml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for candidate, patch, audition in zip(found.matches, written.patches, written.auditions, strict=True):
        assert load_patch(patch).link.values == candidate.patch.link.values
        rate, sound = wavfile.read(audition)
        assert rate == RATE and sound.shape[1] == 2 and np.abs(sound).max() <= 1
        heard = at_rate(Sound("a", sound[:, 0], rate), FOUR.rate, FOUR.frames)
        like = Heard(FOUR, candidate.sound, 0.0).parts(heard)
        assert like["stft_correlation"] > 0.97
    assert written.picture.read_bytes().startswith(b"\x89PNG")


def test_files_of_those_names_are_replaced(found: Matches, tmp_path: Path) -> None:
    """Another match takes the place of the last one."""
    (tmp_path / "d5.toml").write_text("old")
    write_matches(found, tmp_path / "d5.toml")
    assert load_patch(tmp_path / "d5.toml").name == "d5 [$x$]"


def test_nothing_is_left_on_a_full_disk(found: Matches, tmp_path: Path) -> None:
    """Where the system refuses to let the audition grow: a sentence, and what was there before stays."""
    (tmp_path / "d5.toml").write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(AudioFileError, match="cannot be written"):
            write_matches(found, tmp_path / "d5.toml")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert [path.name for path in tmp_path.iterdir()] == ["d5.toml"]
    assert (tmp_path / "d5.toml").read_text() == "old"


def test_half_moved_files_are_moved_back(
    found: Matches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interruption between two files: the first is what it was, the second is not there."""
    (tmp_path / "d5.toml").write_text("old")
    moves: list[Path] = []
    replace = Path.replace

    def some(self: Path, target: Path) -> Path:
        if self.suffix == ".wav" and ".part" not in self.name:
            raise KeyboardInterrupt
        moves.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", some)
    with pytest.raises(KeyboardInterrupt):
        write_matches(found, tmp_path / "d5.toml")
    assert tmp_path / "d5-2.toml" in moves
    assert [path.name for path in tmp_path.iterdir()] == ["d5.toml"]
    assert (tmp_path / "d5.toml").read_text() == "old"


def test_file_systems_without_second_names(
    found: Matches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory card knows no links: files are replaced all the same, and come back when interrupted."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    (tmp_path / "d5.toml").write_text("old")
    replace = Path.replace

    def some(self: Path, target: Path) -> Path:
        if self.suffix == ".wav" and ".part" not in self.name:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Path, "replace", some)
        with pytest.raises(KeyboardInterrupt):
            write_matches(found, tmp_path / "d5.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["d5.toml"]
    assert (tmp_path / "d5.toml").read_text() == "old"
    write_matches(found, tmp_path / "d5.toml")
    assert load_patch(tmp_path / "d5.toml").name == "d5 [$x$]"
    assert len(list(tmp_path.iterdir())) == 5


def test_a_folder_that_cannot_be_written_to() -> None:
    """Known before any work is done."""
    with pytest.raises(PresetError, match=r"/proc/a.toml: cannot be written: .*; choose another output"):
        check_places(Path("/proc/a.toml"), 1)


def test_places_that_cannot_be(tmp_path: Path) -> None:
    """Other suffixes, missing folders, folders in the way, and the recording itself."""
    (tmp_path / "a.toml").mkdir()
    recording = tmp_path / "b.audition.wav"
    recording.write_bytes(b"x")
    for output, said in (
        (tmp_path / "patch.json", "let the name end in .toml"),
        (tmp_path / "none" / "a.toml", "does not exist; make it first"),
        (tmp_path / "a.toml", "is not a file"),
        (tmp_path / "b.toml", "is the recording, and is never overwritten"),
    ):
        with pytest.raises(PresetError, match=said):
            check_places(output, 1, recording)
