"""WAV files as they are written: exact, dithered, whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime import wav_writer
from tonerig.realtime.audio_files import AudioFileError, AudioReader
from tonerig.realtime.wav_writer import WavWriter, write_wav

from .wav_bytes import tone


def test_float_samples_are_kept(tmp_path: Path) -> None:
    """SciPy reads back the very bits, those over full scale included."""
    x = np.random.default_rng(0).normal(0, 2, (2, 777)).astype(np.float32)
    write_wav(tmp_path / "x.wav", x, 44100)
    rate, found = wavfile.read(tmp_path / "x.wav")
    assert rate == 44100 and found.dtype == np.float32
    np.testing.assert_array_equal(found.T, x)


def test_24_bits_are_rounded_to_the_nearest_step(tmp_path: Path) -> None:
    """SciPy finds every sample within half a step of 2^-23."""
    x = np.random.default_rng(0).uniform(-1, 0.999, (1, 1001)).astype(np.float32)
    write_wav(tmp_path / "x.wav", x, 48000, "24")
    _, found = wavfile.read(tmp_path / "x.wav")  # 24 bits in the upper part of 32
    assert np.max(np.abs(found / 2.0**31 - x[0])) <= 2.0**-24


def test_16_bits_have_triangular_dither(tmp_path: Path) -> None:
    """A constant between two steps keeps its mean, with noise of variance 1/4 + 1/12 steps whatever it is.

    Non-subtractive triangular dither of two steps makes the total error's variance 3/12 of a squared
    step, independent of the signal (Lipshitz, Wannamaker and Vanderkooy 1992).
    """
    for fraction in (0.0, 0.25, 0.5):
        constant = np.full((1, 200_000), (100 + fraction) / 2**15, np.float32)
        write_wav(tmp_path / "x.wav", constant, 48000, "16")
        _, found = wavfile.read(tmp_path / "x.wav")
        error = found - (100 + fraction)
        assert abs(np.mean(error)) < 0.005
        assert abs(np.var(error) - 0.25) < 0.005
    assert (tmp_path / "x.wav").read_bytes() == write_wav(
        tmp_path / "y.wav", constant, 48000, "16"
    ).read_bytes()


@pytest.mark.parametrize(("form", "top"), [("24", 1 - 2.0**-23), ("16", 1 - 2.0**-15)])
def test_over_full_scale_is_clipped_and_counted(
    tmp_path: Path, form: wav_writer.SampleFormat, top: float
) -> None:
    """Integers do not wrap around: what is over full scale stays at it, and the writer counts it."""
    with WavWriter(tmp_path / "x.wav", 48000, 1, form) as writer:
        writer.write(np.array([[1.5, -1.5, 0.25, 3.0]], np.float32))
    assert writer.clipped == 3
    with AudioReader(tmp_path / "x.wav") as reader:
        samples = next(reader.blocks())[0]
    np.testing.assert_allclose(samples, [top, -1.0, 0.25, top], atol=2.0**-14)


def test_long_files_become_rf64(tmp_path: Path) -> None:
    """5 GB of samples have their 64-bit sizes in ds64, the other sizes full of ones (EBU Tech 3306)."""
    writer = WavWriter(tmp_path / "x.wav", 48000, 2)
    writer.frames = 625_000_000  # without writing them: only the header is looked at
    header = writer._header()
    writer.discard()
    assert header[:12] == b"RF64\xff\xff\xff\xffWAVE"
    assert header[12:20] == b"ds64\x1c\0\0\0"
    assert int.from_bytes(header[20:28], "little") == len(header) - 8 + 5_000_000_000
    assert int.from_bytes(header[28:36], "little") == 5_000_000_000
    assert int.from_bytes(header[36:44], "little") == 625_000_000
    assert header[-8:] == b"data\xff\xff\xff\xff"


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    """When writing ends in an exception, the old file stays as it was and no part is left."""
    target = tmp_path / "x.wav"
    write_wav(target, tone(10), 48000)
    before = target.read_bytes()
    with pytest.raises(ZeroDivisionError), WavWriter(target, 48000, 1) as writer:
        writer.write(tone(1000))
        raise ZeroDivisionError
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    """A missing folder, a folder in the file's place, a device and another suffix each get a sentence."""
    for path, words in (
        (tmp_path / "no" / "x.wav", "does not exist; make it first"),
        (tmp_path / "x.flac", "let the name end in .wav"),
        (Path("/dev/null.wav").parent / "full", "let the name end in .wav"),
    ):
        with pytest.raises(AudioFileError, match=words):
            WavWriter(path, 48000, 1)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(AudioFileError, match="is not a file"):
        WavWriter(tmp_path / "folder.wav", 48000, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits of POSIX")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """Where the system refuses to let the file grow, the writer says so and removes what it wrote."""
    script = f"""
import resource, signal, sys
import numpy as np
from pathlib import Path
from tonerig.realtime.wav_writer import WavWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with WavWriter(Path({str(tmp_path / "x.wav")!r}), 48000, 1) as writer:
        for _ in range(100):
            writer.write(np.zeros((1, 4800), np.float32))
except ValueError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == f"{tmp_path / 'x.wav'}: cannot be written: {os.strerror(27)}"
    assert list(tmp_path.iterdir()) == []
