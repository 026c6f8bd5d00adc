"""Recordings: refused in a sentence, brought to another rate, and laid out without loss."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import resample
from tonerig.realtime.audio_files import AudioFileError
from tonerig.realtime.synths.recordings import MARGIN, Recording, laid_out, read_recordings
from tonerig.realtime.wav_writer import write_wav

from tests.realtime.wav_bytes import FLOAT, INTEGER, tone, wav

LENGTH_S = 0.1


def burst(time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tones up to 8 kHz that swell and fade within `LENGTH_S`: 0 at both ends, and nothing above 9 kHz."""
    tones = sum(np.sin(2 * np.pi * f * time + f) for f in (150.0, 1234.5, 8000.0)) / 3
    return np.asarray(tones * np.exp(-0.5 * ((time - LENGTH_S / 2) / 0.008) ** 2))


def test_places_between_samples() -> None:
    """Every second place is a sample itself, and those between have the value the sound has there."""
    time = np.arange(4800) / 48000
    samples = np.stack([burst(time), burst(time - 0.003)])
    sound = laid_out(samples)
    places = (np.arange(sound.shape[1]) / 2 - MARGIN) / 48000
    assert np.array_equal(sound[:, 2 * MARGIN : -2 * MARGIN : 2], samples.astype(np.float32))
    assert sound[0] == pytest.approx(burst(places), abs=5e-6)
    assert sound[1] == pytest.approx(burst(places - 0.003), abs=5e-6)


def test_silence_around_a_loud_recording() -> None:
    """Before and behind even the hardest edges there are zeros, no rounding errors of the filter."""
    sound = laid_out(np.ones((2, 3000)))
    assert not sound[:, :16].any() and not sound[:, -16:].any()
    assert not sound[:, : 2 * MARGIN : 2].any() and not sound[:, -2 * MARGIN :: 2].any()


@pytest.mark.parametrize(
    ("rate", "wanted"), [(44100.0, 48000.0), (96000.0, 48000.0), (48000.0, 44100.0), (22050.0, 48000.0)]
)
def test_another_rate(rate: float, wanted: float) -> None:
    """A sound has the values at another rate that its formula has, and SciPy's Fourier resampling gives."""
    count = round(LENGTH_S * rate)
    recorded = np.stack([burst(np.arange(count) / rate)]).astype(np.float32)
    resampled = Recording(recorded, rate).at(wanted)
    expected = round(LENGTH_S * wanted)
    assert resampled.shape == (1, expected)
    assert resampled[0] == pytest.approx(burst(np.arange(expected) / wanted), abs=2e-5)
    assert resampled[0] == pytest.approx(resample(recorded[0].astype(np.float64), expected), abs=2e-5)


def test_nothing_folds_back() -> None:
    """A tone above half the new rate is gone, 95 dB down; one at 0.4 of the rate keeps its level."""
    time = np.arange(48000) / 96000
    for frequency, level in ((26000.0, 0.0), (19200.0, 1.0)):
        recorded = np.sin(2 * np.pi * frequency * time)[None].astype(np.float32)
        inner = Recording(recorded, 96000.0).at(48000.0)[0, 2000:-2000]
        assert np.sqrt(2 * np.mean(inner**2)) == pytest.approx(level, abs=2e-5)


def test_its_own_rate_changes_nothing() -> None:
    """At the rate of the file the samples are the file's."""
    recorded = tone(channels=2)
    assert np.array_equal(Recording(recorded, 48000.0).at(48000.0), recorded)


@pytest.mark.parametrize("form", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_formats(tmp_path: Path, form: str) -> None:
    """Whatever format sounds come in, they are read."""
    from pedalboard.io import AudioFile

    path = tmp_path / f"tone.{form}"
    with AudioFile(str(path), "w", 44100, 2) as file:
        file.write(tone(44100, 2, 44100.0))
    recording = read_recordings([path])[path]
    assert recording.rate == 44100
    assert recording.samples.shape[0] == 2
    assert np.abs(recording.samples).max() == pytest.approx(0.25, rel=0.1)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """Zones that share a file share its recording."""
    path, other = (write_wav(tmp_path / name, tone(), 48000) for name in ("a.wav", "b.wav"))
    assert list(read_recordings([path, other, path])) == [path, other]


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "no samples": (lambda: wav(b""), "has no samples"),
    "text": (lambda: b"not a sound at all", "is no sound that can be read"),
    "cut off": (lambda: wav(floats(*[0.5] * 100))[:-40], "is cut off"),
    "six channels": (lambda: wav(floats(*[0.5] * 60), channels=6), "has 6 channels, expected one or two"),
    "NaN": (
        lambda: wav(floats(0.5, float("nan"), float("inf")), tag=FLOAT),
        "has 2 samples that are NaN or infinite, expected finite ones; export it anew",
    ),
    "loud": (
        lambda: wav(floats(0.5, -1e20)),
        r"its loudest sample is 1e\+20, expected 1000 at most; scale it down",
    ),
    "long": (
        lambda: wav(bytes(61 * 4000), rate=4000, bits=8, tag=INTEGER),
        "is 61 s long, expected a sample of up to 60 s; cut it",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_refused(tmp_path: Path, what: str) -> None:
    """Each has a sentence that names the file, what was found and what is expected."""
    data, words = BROKEN[what]
    path = tmp_path / "snare.wav"
    path.write_bytes(data())
    with pytest.raises(AudioFileError, match=rf"snare\.wav: {words}"):
        read_recordings([path])


def test_a_missing_file(tmp_path: Path) -> None:
    """The sentence has the whole path, to look for."""
    with pytest.raises(AudioFileError, match=r"snare\.wav: does not exist; check the path"):
        read_recordings([tmp_path / "snare.wav"])


def test_too_many_for_the_memory(tmp_path: Path) -> None:
    """Small files that get large when they are played are refused at the one that is too much."""
    paths = [tmp_path / f"{k}.wav" for k in range(6)]
    for path in paths:
        path.write_bytes(wav(bytes(2 * 60 * 4000), rate=4000, channels=2, bits=8, tag=INTEGER))
    assert len(read_recordings(paths[:5])) == 5
    with pytest.raises(
        AudioFileError, match=r"5\.wav: is one sample too many: with it they take 264 MB, exp"
    ):
        read_recordings(paths)
