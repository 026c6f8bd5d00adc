"""Features of frames, on sounds whose features can be told by hand, and against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.match.synths import FOUR
from tonerig.training.match.frame_features import FLOOR, HOP, NAMES, WINDOW, frame_features

RATE, FRAMES = 16384, 16384
WHOLE = slice(0, (FRAMES - WINDOW) // HOP + 1)
"""Windows that reach over no end."""


def sine(hertz: float, amplitude: float = 1.0) -> NDArray[np.float32]:
    """One sound of one second, shape (1, frames)."""
    seconds = np.arange(FRAMES) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * seconds + 0.1)).astype(np.float32)[None]


def column(sounds: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """One feature of whole windows of the first sound."""
    return frame_features(sounds)[0, WHOLE, NAMES.index(name)]


@pytest.fixture(scope="module")
def drawn() -> NDArray[np.float32]:
    """Some sounds of the synthesizer."""
    return FOUR.render(FOUR.values(FOUR.drawn(5, "train", 0, 6)), threads=1)


def spectra(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Magnitudes by librosa, shape (bins, windows)."""
    padded = np.pad(sound, (0, WINDOW - HOP))
    return np.abs(librosa.stft(padded, n_fft=WINDOW, hop_length=HOP, center=False)).astype(np.float64)


def test_shape(drawn: NDArray[np.float32]) -> None:
    """32 features of each of 128 windows, all of them finite and all different from each other."""
    found = frame_features(drawn)
    assert found.shape == (6, 128, 32)
    assert len(NAMES) == len(set(NAMES)) == 32
    assert np.isfinite(found).all()
    assert np.linalg.matrix_rank(np.corrcoef(found.reshape(-1, 32).T), tol=1e-4) >= 31


def test_zero_crossings() -> None:
    """A sine of 1000 Hz crosses zero 2000 times a second."""
    assert column(sine(1000), "zero_crossing_rate") == pytest.approx(2000 / RATE, abs=1.01 / (WINDOW - 1))


def test_zero_crossings_counted(drawn: NDArray[np.float32]) -> None:
    """Crossings of a window are those that a loop counts."""
    sound = drawn[0]
    for place in (0, 7, 60):
        window = sound[place * HOP : place * HOP + WINDOW]
        count = sum((a < 0) != (b < 0) for a, b in zip(window[1:], window[:-1], strict=True))
        assert column(drawn, "zero_crossing_rate")[place] == pytest.approx(count / (WINDOW - 1))


def test_sine() -> None:
    """A sine on a bin has its centroid and its strongest bin there, and half a bin's width and a bit."""
    hertz = 50 * RATE / WINDOW
    assert column(sine(hertz), "centroid") == pytest.approx(hertz / 1000, rel=1e-4)
    assert column(sine(hertz), "peak_frequency") == pytest.approx(hertz / 1000)
    # Hann's magnitudes are 1/2, 1, 1/2: a variance of half a squared bin.
    assert column(sine(hertz), "width") == pytest.approx(np.sqrt(0.5) * RATE / WINDOW / 1000, rel=1e-2)


def test_sine_energy() -> None:
    """A sine's energy lies in its band: squares of 64, 128 and 64, the amplitudes of its three bins."""
    energy = column(sine(50 * RATE / WINDOW), "energy_1000_hz")
    assert energy == pytest.approx(np.log10(64**2 + 128**2 + 64**2 + FLOOR), abs=1e-3)
    assert column(sine(50 * RATE / WINDOW), "energy_4000_hz") == pytest.approx(np.log10(FLOOR), abs=1e-2)


def test_flux_of_a_constant_sound() -> None:
    """Windows that all hear the same have no flux; a step in level of an octave has one of a half."""
    period = RATE / HOP  # whole periods a hop
    assert column(sine(4 * period), "flux") == pytest.approx(0, abs=1e-3)
    stepped = sine(4 * period)
    stepped[:, 8192:] *= 0.5
    flux = column(stepped, "flux")
    norm = np.sqrt(64**2 + 128**2 + 64**2)
    assert flux[59:67].max() < 0.5 * norm
    assert np.count_nonzero(flux > 1e-2) == WINDOW // HOP  # the windows that the step moves through


def test_harmonics_of_a_sine() -> None:
    """A sine is its own fundamental: the first tristimulus has most; one of five harmonics shares it."""
    tone = column(sine(512.0), "tristimulus_1")
    assert tone.min() > 0.95
    harmonic = sum(sine(512.0 * k) for k in range(1, 6))
    assert isinstance(harmonic, np.ndarray)
    for name, share in (("tristimulus_1", 1 / 5), ("tristimulus_2", 3 / 5), ("tristimulus_3", 1 / 5)):
        assert column(harmonic, name) == pytest.approx(share, abs=0.05)


def test_against_librosa(drawn: NDArray[np.float32]) -> None:
    """Centroid, width and rolloff are librosa's, where there is anything to hear."""
    for number, sound in enumerate(drawn):
        s = spectra(sound)
        heard = s.sum(axis=0) > 1e-2
        found = frame_features(drawn)[number][heard]
        told = {
            "centroid": librosa.feature.spectral_centroid(S=s, sr=RATE, n_fft=WINDOW),
            "width": librosa.feature.spectral_bandwidth(S=s, sr=RATE, n_fft=WINDOW),
        }
        for name, hertz in told.items():
            np.testing.assert_allclose(found[:, NAMES.index(name)], hertz[0, heard] / 1000, atol=5e-3)
        rolloff = librosa.feature.spectral_rolloff(S=s, sr=RATE, n_fft=WINDOW, roll_percent=0.85)[0, heard]
        same = np.isclose(found[:, NAMES.index("rolloff")], rolloff / 1000)
        assert same.mean() > 0.99  # a sum on the very edge falls to either side


def test_cepstra_against_librosa(drawn: NDArray[np.float32]) -> None:
    """Twelve cepstral coefficients are librosa's of the same mel bands in the same logarithm."""
    for number, sound in enumerate(drawn):
        power = spectra(sound) ** 2
        bands = librosa.feature.melspectrogram(S=power, sr=RATE, n_fft=WINDOW, n_mels=26)
        cepstra = librosa.feature.mfcc(S=np.log10(bands + FLOOR), n_mfcc=13, dct_type=2, norm="ortho")
        first = NAMES.index("mfcc_1")
        found = frame_features(drawn)[number][:, first : first + 12]
        np.testing.assert_allclose(found, cepstra[1:].T, atol=5e-3)


def test_peak_and_valley() -> None:
    """A click's spectrum is flat: peak and valley are its power, contrasts are none."""
    click = np.zeros((1, FRAMES), np.float32)
    click[0, 40 * HOP + 256] = 2.0
    found = frame_features(click)[0, 40]
    told = [found[NAMES.index(name)] for name in ("peak", "valley", "contrast_0_hz", "contrast_3000_hz")]
    assert told == pytest.approx([np.log10(4), np.log10(4), 0, 0], abs=1e-3)


def test_silence() -> None:
    """Silence is told by finite numbers: energies at the floor and nothing else."""
    found = frame_features(np.zeros((1, FRAMES), np.float32))[0]
    logarithms = [
        k for k, name in enumerate(NAMES) if name.startswith("energy") or name in ("peak", "valley")
    ]
    assert found[:, logarithms] == pytest.approx(np.log10(FLOOR))
    assert np.delete(found, logarithms, axis=1) == pytest.approx(0, abs=1e-5)
