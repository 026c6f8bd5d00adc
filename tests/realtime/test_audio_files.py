"""Sound files: read exactly, or refused with a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pedalboard.io
import pytest
from scipy.io import wavfile
from tonerig.realtime.audio_files import AudioFileError, AudioReader, read_audio

from .wav_bytes import INTEGER, tone, wav


def test_float_samples_arrive_as_they_are(tmp_path: Path) -> None:
    """A float32 WAV written by SciPy comes back bit for bit, both channels in their place."""
    x = np.random.default_rng(0).normal(0, 0.5, (1000, 2)).astype(np.float32)
    wavfile.write(tmp_path / "x.wav", 44100, x)
    samples, rate = read_audio(tmp_path / "x.wav")
    assert rate == 44100
    np.testing.assert_array_equal(samples, x.T)


@pytest.mark.parametrize(("bits", "step"), [(16, 2.0**-15), (24, 2.0**-23)])
def test_integers_are_divided_by_a_power_of_two(tmp_path: Path, bits: int, step: float) -> None:
    """The most negative, -1, 0, 1 and the most positive integer become those multiples of one step."""
    numbers = [-(2 ** (bits - 1)), -1, 0, 1, 2 ** (bits - 1) - 1]
    data = b"".join(n.to_bytes(bits // 8, "little", signed=True) for n in numbers)
    (tmp_path / "x.wav").write_bytes(wav(data, bits=bits, tag=INTEGER))
    samples, _ = read_audio(tmp_path / "x.wav")
    np.testing.assert_array_equal(samples[0], np.array(numbers, np.float64) * step)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    """Every format gives the sine that was written into it, the lossy ones nearly."""
    path = tmp_path / f"x.{suffix}"
    x = tone(24000)
    with pedalboard.io.AudioFile(str(path), "w", 48000, 1) as file:
        file.write(x)
    samples, rate = read_audio(path)
    assert rate == 48000
    spectrum = np.abs(np.fft.rfft(samples[0, :24000] * np.hanning(24000)))
    assert np.argmax(spectrum) == 110  # 220 Hz in bins of 2 Hz
    assert 0.24 < np.max(np.abs(samples[0, 4000:20000])) < 0.26


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_file_cut_off_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    """Of a file that was cut off nothing is played, whatever its format."""
    path = tmp_path / f"x.{suffix}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 96000)).astype(np.float32)
    with pedalboard.io.AudioFile(str(path), "w", 48000, 1) as file:
        file.write(noise)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(AudioFileError, match=r"^x\.\w+: .*(cut off|whole)"):
        read_audio(path)


GOOD = tone(100).tobytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"dear diary, " * 50, "is no sound that can be read"),
        (wav(b""), "has no samples"),
        (wav(GOOD)[:20], "cut off: its header ends"),
        (wav(GOOD)[:-100], "promises 400 bytes of samples, but 300 are there"),
        (wav(GOOD, rate=0), "says its sample rate is 0 Hz"),
        (wav(GOOD, rate=1), "says its sample rate is 1 Hz"),
        (wav(GOOD, rate=500_000_000), "says its sample rate is 5e\\+08 Hz"),
        (wav(GOOD + GOOD, channels=8), "has 8 channels, expected one or two"),
        (wav(GOOD, bits=7, tag=INTEGER), "is no sound that can be read"),
    ],
    ids=[
        "empty",
        "text",
        "no samples",
        "no header",
        "cut off",
        "0 Hz",
        "1 Hz",
        "500 MHz",
        "8 channels",
        "7 bits",
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, words: str) -> None:
    """Each kind of bad file is refused in one sentence with its name."""
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(AudioFileError, match=f"^bad.wav: .*{words}") as caught:
        read_audio(tmp_path / "bad.wav")
    assert "\n" not in str(caught.value)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    """A missing path and a folder are named whole, so that a wrong folder shows."""
    with pytest.raises(AudioFileError, match=re.escape(f"{tmp_path / 'no.wav'}: does not exist")):
        read_audio(tmp_path / "no.wav")
    with pytest.raises(AudioFileError, match="is not a file"):
        read_audio(tmp_path)


def test_not_a_number_becomes_silence_and_is_counted(tmp_path: Path) -> None:
    """NaN and infinities in a file are 0 when they are read, and the reader says how many there were."""
    x = tone(300)[0]
    x[[10, 20, 299]] = np.nan, np.inf, -np.inf
    (tmp_path / "x.wav").write_bytes(wav(x.tobytes()))
    with AudioReader(tmp_path / "x.wav") as reader:
        blocks = list(reader.blocks(64))
        assert reader.replaced == 3
    samples = np.concatenate(blocks, axis=1)[0]
    np.testing.assert_array_equal(samples, np.where(np.isfinite(x), x, 0))
    assert [block.shape[1] for block in blocks] == [64, 64, 64, 64, 44]


def test_long_files_are_refused_where_all_of_it_would_be_in_memory(tmp_path: Path) -> None:
    """`read_audio` has a longest length; streaming has none."""
    (tmp_path / "x.wav").write_bytes(wav(tone(48000 * 3).tobytes()))
    with pytest.raises(AudioFileError, match="is 3 s long, expected 2 s at most"):
        read_audio(tmp_path / "x.wav", max_seconds=2)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A name with a byte that is not UTF-8 gets a sentence that shows the byte."""
    (tmp_path / "s\udcff.wav").write_bytes(wav(tone(300).tobytes()))
    with pytest.raises(AudioFileError, match=r"s\\xff\.wav: its name is not UTF-8; rename it"):
        read_audio(tmp_path / "s\udcff.wav")
