"""Which three files may be compared, and the sentence for those that may not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import AudioFileError
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.compare.sounds import CompareError, read_sound, read_three

from .files import FRAMES, RATE, dry_sound, three_files


def test_a_stereo_sound_is_measured_by_the_mean_of_its_channels(tmp_path: Path) -> None:
    """Left 0.25 and right 0.75 are 0.5; one may have two channels and another one."""
    dry, wet, _ = three_files(tmp_path)
    channels = np.stack([np.full(FRAMES, 0.25), np.full(FRAMES, 0.75)]).astype(np.float32)
    model = write_wav(tmp_path / "stereo.wav", channels, RATE)
    three = read_three(dry, wet, model)
    assert three.model.samples.shape == (2, FRAMES) and three.dry.samples.shape == (1, FRAMES)
    np.testing.assert_array_equal(three.model.mono, np.full(FRAMES, 0.5, np.float32))


def test_a_silent_model_may_be_compared(tmp_path: Path) -> None:
    """It is what a failed model puts out."""
    dry, wet, _ = three_files(tmp_path)
    model = write_wav(tmp_path / "silent.wav", np.zeros(FRAMES, np.float32), RATE)
    assert read_three(dry, wet, model).model.silent


@pytest.mark.parametrize("role", ["dry", "wet"])
def test_silent_dry_or_wet_sound_is_refused(role: str, tmp_path: Path) -> None:
    """There would be nothing to be close to."""
    dry, wet, model = three_files(tmp_path)
    write_wav(tmp_path / f"{role}.wav", np.zeros(FRAMES, np.float32), RATE)
    with pytest.raises(CompareError, match=rf"{role}\.wav: is silent, expected the {role} sound"):
        read_three(dry, wet, model)


def test_another_length_is_refused_with_both_lengths(tmp_path: Path) -> None:
    """And with what to do about it, which differs between a pair and a model's output."""
    dry, wet, model = three_files(tmp_path)
    longer = write_wav(tmp_path / "longer.wav", dry_sound(FRAMES + 1), RATE)
    with pytest.raises(CompareError, match=r"longer\.wav: has 24001 frames, expected the 24000.*render"):
        read_three(dry, wet, longer)
    with pytest.raises(CompareError, match=r"longer\.wav: has 24001 frames.*capture check"):
        read_three(longer, wet, model)


def test_another_rate_is_refused(tmp_path: Path) -> None:
    """Nothing is resampled behind one's back."""
    dry, wet, _ = three_files(tmp_path)
    other = write_wav(tmp_path / "other.wav", dry_sound(), 44100.0)
    with pytest.raises(CompareError, match=r"other\.wav: has 44100 Hz, expected the 48000 Hz of wet\.wav"):
        read_three(dry, wet, other)


def test_samples_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    """NaN in a file would be NaN in every figure."""
    sound = dry_sound()
    sound[7:9] = np.nan, np.inf
    path = write_wav(tmp_path / "broken.wav", sound, RATE)
    with pytest.raises(CompareError, match=r"broken\.wav: 2 of its samples are NaN or infinite"):
        read_sound(path)


def test_sounds_that_are_too_short_or_too_long_are_refused(tmp_path: Path) -> None:
    """Under the longest window of the transforms, and over what fits in memory."""
    short = write_wav(tmp_path / "short.wav", dry_sound(100), RATE)
    with pytest.raises(CompareError, match=r"has 100 frames, expected 4096 or more"):
        read_three(short, short, short)
    with pytest.raises(CompareError, match=r"short\.wav: is 0 s long, expected 0 s at most; cut out"):
        read_sound(short, longest_s=0.001)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """As everywhere sound is read."""
    dry, wet, _ = three_files(tmp_path)
    with pytest.raises(AudioFileError, match=r"none\.wav: does not exist"):
        read_three(dry, wet, tmp_path / "none.wav")
