"""The spectrogram that estimators hear: overlapping windows, as magnitudes.

A sound of another pitch is heard as if its key were the estimator's own: the windows are longer by the ratio
of the pitches and their hop in time is the same, so that a partial falls into the same bin.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

WINDOW = 512
HOP = 256


def magnitudes(sounds: NDArray[np.float32], window: int = WINDOW, hop: int = HOP) -> NDArray[np.float32]:
    """Absolute values of the short-time Fourier transform, Hann window, not scaled.

    Parameters
    ----------
    sounds : shape (sounds, frames); windows that reach over the end are filled with zeros
    window, hop : in frames

    Returns
    -------
    ndarray, shape (sounds, windows, window // 2 + 1)
        One window for each hop: 64 × 257 for 16384 frames.
    """
    count, frames = sounds.shape
    windows = -(-frames // hop)
    padded = np.zeros((count, (windows - 1) * hop + window), np.float32)
    padded[:, : min(frames, padded.shape[1])] = sounds[:, : padded.shape[1]]
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop]
    hann = scipy.signal.get_window("hann", window).astype(np.float32)
    return np.abs(scipy.fft.rfft(views * hann, axis=-1))
