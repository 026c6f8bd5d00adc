"""Headers that promise more than there is, in the forms that writers really use."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pedalboard.io
import pytest
from tonerig.realtime.audio_headers import header_problem

from .wav_bytes import tone, wav

SAMPLES = Path("/usr/share/sonic-pi/samples")


def test_rf64_keeps_its_size_in_ds64(tmp_path: Path) -> None:
    """A WAV of the long form is whole when the 64-bit size in ds64 is there, and cut off when it is not."""
    data = tone(100).tobytes()
    plain = wav(data)
    for promised, whole in ((len(data), True), (len(data) + 4, False)):
        ds64 = b"ds64" + struct.pack("<IQQQI", 28, 0, promised, 100, 0)
        body = plain[12:].replace(b"data" + struct.pack("<I", len(data)), b"data\xff\xff\xff\xff")
        (tmp_path / "x.wav").write_bytes(b"RF64\xff\xff\xff\xffWAVE" + ds64 + body)
        assert (header_problem(tmp_path / "x.wav") is None) is whole


def test_chunks_before_the_samples_are_stepped_over(tmp_path: Path) -> None:
    """A LIST chunk of odd length, with its padding byte, stands between fmt and data."""
    data = tone(100).tobytes()
    plain = wav(data)
    more = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"\0"
    (tmp_path / "x.wav").write_bytes(plain[:36] + more + plain[36:])
    assert header_problem(tmp_path / "x.wav") is None
    (tmp_path / "y.wav").write_bytes((plain[:36] + more + plain[36:])[:-1])
    problem = header_problem(tmp_path / "y.wav")
    assert problem is not None and "promises 400 bytes of samples, but 399 are there" in problem


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("frames", [1, 4095, 4096, 4097, 100_001])
def test_whole_flac_files_pass(tmp_path: Path, bits: int, frames: int) -> None:
    """The last frame of a FLAC file, whatever its length, is found and ends where the header says."""
    x = np.random.default_rng(frames).uniform(-0.9, 0.9, (2, frames)).astype(np.float32)
    with pedalboard.io.AudioFile(str(tmp_path / "x.flac"), "w", 44100, 2, bit_depth=bits) as file:
        file.write(x)
    assert header_problem(tmp_path / "x.flac") is None
    content = (tmp_path / "x.flac").read_bytes()
    (tmp_path / "y.flac").write_bytes(content[:-1])
    assert header_problem(tmp_path / "y.flac") is not None


@pytest.mark.skipif(not SAMPLES.exists(), reason="Debian's sonic-pi-samples are not installed")
def test_real_flac_files_pass() -> None:
    """Nothing is wrong with the 200 recordings of sonic-pi-samples, written by other encoders."""
    files = sorted(SAMPLES.glob("*.flac"))
    assert len(files) > 100
    assert [file.name for file in files if header_problem(file)] == []
