"""A folder of music as dry sound: which files count, what excerpts are, how they are mixed in."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.effects.music import MusicError, excerpts, find_music, mix_music

RATE = 48000.0
GUITARS = Path("/usr/share/sonic-pi/samples")

needs_guitars = pytest.mark.skipif(
    not (GUITARS / "guit_em9.flac").exists(), reason="sonic-pi-samples is not installed"
)


def _sine(hz: float, seconds: float, rate: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def _tone(path: Path, hz: float, seconds: float = 8.0) -> Path:
    return write_wav(path, _sine(hz, seconds, RATE), RATE)


def _pitch(sound: np.ndarray) -> float:
    """The loudest frequency in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(sound * np.hanning(len(sound))))) * RATE / len(sound))


def test_every_format_and_rate_gives_its_pitch(tmp_path: Path) -> None:
    """WAV at 96 kHz in stereo, FLAC, Ogg and MP3 at 44.1 kHz, in subfolders: excerpts keep the frequency."""
    from pedalboard.io import AudioFile

    pitches = {"a.wav": 300.0, "deep/b.flac": 700.0, "deep/er/c.ogg": 900.0, "E.MP3": 1100.0}
    for name, hz in pitches.items():
        path, rate, channels = tmp_path / name, *((96000, 2) if name == "a.wav" else (44100, 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        with AudioFile(str(path), "w", rate, channels) as file:
            file.write(np.tile(_sine(hz, 8.0, rate), (channels, 1)))
    recordings = find_music(tmp_path)
    assert {r.path.name for r in recordings} == {Path(name).name for name in pitches}
    heard = {round(_pitch(sound), -1) for sound in itertools.islice(excerpts(recordings, 1.0, RATE, 3), 40)}
    assert heard == set(pitches.values())


def test_excerpts_are_places_of_the_recording(tmp_path: Path) -> None:
    """An excerpt of noise, both channels alike, is found again in it, scaled, and the seed chooses which."""
    noise = np.random.default_rng(1).standard_normal(96000).astype(np.float32) * 0.1
    write_wav(tmp_path / "noise.wav", np.stack((noise, noise)), RATE)
    recordings = find_music(tmp_path)
    first, again, other = (next(excerpts(recordings, 0.5, RATE, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    middle = first[4800:-4800]
    places = np.lib.stride_tricks.sliding_window_view(noise, 16)
    place = int(np.argmax(places @ middle[:16] / np.linalg.norm(places, axis=1)))
    found = noise[place : place + len(middle)]
    np.testing.assert_allclose(middle, found * (middle @ found) / (found @ found), atol=1e-5)
    assert 10 ** (-18 / 20) - 0.01 < np.abs(first).max() <= 1.0


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_share_of_music_is_kept(tmp_path: Path, share: float) -> None:
    """Of 20 pieces, that share is music and the others stay as they were, the last one shorter."""
    _tone(tmp_path / "tone.wav", 1000.0)
    rate = 8000.0
    generated = np.full(round(98.0 * rate), 0.5, np.float32)
    mixed = mix_music(generated, tmp_path, rate, 1, share)
    assert mixed.shape == generated.shape
    kept = [bool((piece == 0.5).all()) for piece in np.array_split(mixed, range(40000, len(mixed), 40000))]
    assert len(kept) == 20
    assert kept.count(False) == round(20 * share)
    assert (generated == 0.5).all()


@needs_guitars
def test_recordings_kept_out_of_training_are_refused_under_any_name(tmp_path: Path) -> None:
    """By name, by content under another name, and as WAV: each with a notice; then nothing is left."""
    shutil.copy(GUITARS / "guit_em9.flac", tmp_path / "mine.flac")
    samples, rate = read_audio(GUITARS / "guit_e_slide.flac")
    write_wav(tmp_path / "mine too.wav", samples, rate)
    _tone(tmp_path / "other.wav", 440.0, 1.0)
    notices: list[str] = []
    assert [r.path.name for r in find_music(tmp_path, notices.append)] == ["other.wav"]
    assert [Path(notice.partition(":")[0]).name for notice in notices] == ["mine too.wav", "mine.flac"]
    assert all("models are compared on" in notice for notice in notices)
    (tmp_path / "other.wav").unlink()
    with pytest.raises(MusicError, match="none of its 2 sound files can be learnt from"):
        find_music(tmp_path, notices.append)


def test_a_name_like_theirs_is_refused_whatever_is_in_it(tmp_path: Path) -> None:
    """guit_new.flac stays out, guit_new.wav does not."""
    from pedalboard.io import AudioFile

    with AudioFile(str(tmp_path / "guit_new.flac"), "w", 44100, 1) as file:
        file.write(np.full(4410, 0.1, np.float32))
    _tone(tmp_path / "guit_new.wav", 440.0, 1.0)
    notices: list[str] = []
    assert [r.path.name for r in find_music(tmp_path, notices.append)] == ["guit_new.wav"]
    assert len(notices) == 1


def test_files_that_cannot_be_read_are_named_and_left_out(tmp_path: Path) -> None:
    """Noise called .mp3 and an empty .wav get a sentence each; text files none; the good one plays."""
    (tmp_path / "broken.mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not music")
    _tone(tmp_path / "good.wav", 440.0, 1.0)
    with pytest.warns(UserWarning) as caught:
        assert [r.path.name for r in find_music(tmp_path)] == ["good.wav"]
    words = [str(warning.message) for warning in caught]
    assert len(words) == 2
    assert "broken.mp3" in words[0]
    assert "empty.wav" in words[1]
    assert all(text.endswith("it is left out") for text in words)


def test_folders_without_music_are_refused(tmp_path: Path) -> None:
    """No folder, an empty one, one of silence, and a share beyond 1: one sentence each."""
    with pytest.raises(MusicError, match=r"nowhere: is no folder"):
        find_music(tmp_path / "nowhere")
    with pytest.raises(MusicError, match=r"has no sound file \(\.wav"):
        find_music(tmp_path)
    write_wav(tmp_path / "silence.wav", np.zeros(48000, np.float32), RATE)
    with pytest.raises(MusicError, match="50 excerpts in a row were silent"):
        next(excerpts(find_music(tmp_path), 0.1, RATE, 1))
    with pytest.raises(MusicError, match=r"share of music is 1\.5"):
        mix_music(np.zeros(8, np.float32), tmp_path, RATE, 1, 1.5)
