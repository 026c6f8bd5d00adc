"""The estimators' spectrogram against SciPy's short-time Fourier transform."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import stft
from tonerig.realtime.match.spectrogram import HOP, magnitudes
from tonerig.realtime.match.synths import FOUR, TWO


def _noise(sounds: int, frames: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((sounds, frames)).astype(np.float32)


@pytest.mark.parametrize(("frames", "window"), [(16384, 512), (22050, 1024), (16384, 2048), (1000, 512)])
def test_magnitudes_are_scipys(frames: int, window: int) -> None:
    """The same windows of the same sound, zeros behind it, but for SciPy's scale."""
    sounds = _noise(3, frames)
    found = magnitudes(sounds, window)
    windows = -(-frames // HOP)
    padded = np.pad(sounds.astype(np.float64), ((0, 0), (0, (windows - 1) * HOP + window - frames)))
    _, _, wanted = stft(
        padded, window="hann", nperseg=window, noverlap=window - HOP, boundary=None, padded=False
    )
    wanted = np.abs(wanted).transpose(0, 2, 1) * window / 2
    assert found.dtype == np.float32
    assert found.shape == wanted.shape == (3, windows, window // 2 + 1)
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_the_papers_sounds_are_64_windows_of_257_bins() -> None:
    """A second at 16 384 Hz, windows of 512 that overlap by half."""
    assert magnitudes(_noise(1, FOUR.frames), FOUR.window).shape == (1, 64, 257)
    assert magnitudes(_noise(1, TWO.frames), TWO.window).shape == (1, 87, 257)


@pytest.mark.parametrize("cycles", [1, 40, 200, 255])
def test_a_sine_stands_in_its_bin(cycles: int) -> None:
    """So many cycles a window: half of the window's sum in that bin, nothing elsewhere."""
    time = np.arange(16384) / 512
    found = magnitudes(np.sin(2 * np.pi * cycles * time)[None].astype(np.float32))[0, :-1]
    assert np.all(found.argmax(axis=1) == cycles)
    np.testing.assert_allclose(found[:, cycles], 128, rtol=1e-2 if cycles in (1, 255) else 1e-5)
    away = np.abs(np.arange(257) - cycles) > 2
    assert found[:, away].max() < 1e-2


def test_a_longer_window_hears_a_lower_octave_alike() -> None:
    """An octave down through windows twice as long, partials fall into the same bins at twice the size."""
    time = np.arange(16384) / 16384
    high, low = (np.sin(2 * np.pi * f * time)[None].astype(np.float32) for f in (1024.0, 512.0))
    short, long = magnitudes(high, 512)[0], magnitudes(low, 1024)[0]
    assert len(short) == len(long)
    assert np.all(short[:-3].argmax(axis=1) == long[:-3].argmax(axis=1))
    np.testing.assert_allclose(long[:-3].max(axis=1), 2 * short[:-3].max(axis=1), rtol=1e-4)
