"""The impulse response of a guitar cabinet with one twelve-inch speaker, made from a designed response."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.io import wavfile

from ..export.writing import write_bytes

Array: TypeAlias = NDArray[np.float32]
Samples: TypeAlias = NDArray[np.float64]

RESONANCE_HZ, RESONANCE_Q = 85.0, 1.2
ROLL_OFF_HZ, ROLL_OFF_ORDER = 5000.0, 5
BUMPS = (
    (120.0, 0.6, 2.0),  # the box
    (420.0, 0.8, -3.5),  # between box and cone
    (1100.0, 0.5, 1.0),
    (2600.0, 0.55, 6.0),  # presence: the cone breaks up
    (3900.0, 0.25, 4.0),
    (5200.0, 0.12, -3.0),
)
"""Centre in Hz, width in octaves (standard deviation of a bell over log frequency), and height in dB."""


def cabinet_response(frequency_hz: ArrayLike) -> Samples:
    """The designed magnitude in dB, before normalisation.

    The driver in its box is a second-order high-pass filter with a resonance, the cone's mass a steep
    low-pass filter, and between them are broad bells; the shape follows measured guitar speakers as in
    D. Yeh, B. Bank and M. Karjalainen, "Nonlinear Modeling of a Guitar Loudspeaker Cabinet", DAFx 2008.

    Parameters
    ----------
    frequency_hz : any shape, 0 or more
    """
    frequency = np.maximum(np.asarray(frequency_hz, np.float64), 1.0)
    low = frequency / RESONANCE_HZ
    high_pass = low**4 / ((1 - low**2) ** 2 + (low / RESONANCE_Q) ** 2)
    low_pass = 1 / (1 + (frequency / ROLL_OFF_HZ) ** (2 * ROLL_OFF_ORDER))
    response = 10 * np.log10(high_pass * low_pass)
    for centre, width, height in BUMPS:
        response += height * np.exp(-0.5 * (np.log2(frequency / centre) / width) ** 2)
    return np.asarray(np.maximum(response, -100.0))


def cabinet_impulse(rate: float = 48000.0, taps: int = 2048) -> Array:
    """A minimum-phase impulse response with the magnitude of `cabinet_response`.

    The phase comes from the folded cepstrum (A. Oppenheim and R. Schafer, *Discrete-Time Signal
    Processing*, ch. 12). The level is such that sound with equal energy in every octave between 80 Hz
    and 5 kHz, which is near what an amp puts out, is as loud after as before.

    Parameters
    ----------
    rate : sample rate in Hz, at least 16000
    taps : length, at least 256

    Returns
    -------
    ndarray, shape (taps,)

    Raises
    ------
    ValueError
        For a rate or length outside these ranges.
    """
    if not rate >= 16000 or taps < 256:
        raise ValueError(f"{taps} taps at {rate} Hz were asked for; a cabinet needs 256 taps and 16000 Hz")
    points = fft.next_fast_len(16 * max(taps, 2048))
    points += points % 2
    magnitude_db = cabinet_response(np.arange(points // 2 + 1) * rate / points)
    octaves = 80.0 * (5000.0 / 80.0) ** np.linspace(0, 1, 512)
    loudness = np.mean(10 ** (cabinet_response(octaves) / 10))
    cepstrum = fft.irfft(np.log(10.0) / 20 * magnitude_db)
    fold = np.zeros(points)
    fold[0] = fold[points // 2] = 1.0
    fold[1 : points // 2] = 2.0
    impulse = fft.irfft(np.exp(fft.rfft(cepstrum * fold)))[:taps] / np.sqrt(loudness)
    tail = taps // 4
    impulse[-tail:] *= 0.5 * (1 + np.cos(np.pi * np.arange(1, tail + 1) / tail))
    return np.asarray(impulse, np.float32)


def write_impulse(path: Path, rate: int = 48000, taps: int = 2048) -> None:
    """Write `cabinet_impulse` as a mono float32 WAV, whole or not at all."""
    file = BytesIO()
    wavfile.write(file, rate, cabinet_impulse(rate, taps))
    write_bytes(path, file.getvalue())
