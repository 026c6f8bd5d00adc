"""How far two sounds are apart: in waveform, in spectrum, in loudness and peak."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...realtime.loudness import LoudnessMeter

Array: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

EMPHASIS = 0.95
MEL_BANDS, MEL_WINDOW, MEL_HOP = 80, 2048, 512
MEL_FLOOR_DB = -80.0
MEL_HIGHEST_HZ = 20000.0
BLOCK = 65536
MEL_WIDEST_RATE = 50000.0  # over it the window grows, or the lowest bands would fall between its lines


def error_to_signal(output: Array, target: Array) -> float:
    """Energy of the error over energy of the target (ESR).

    Parameters
    ----------
    output, target : shape (frames,), the same length

    Returns
    -------
    float
        0 where both are equal, 1 for an output of silence, 4 for one of twice the opposite; infinite where
        the target is silent and the output is not.

    Examples
    --------
    >>> error_to_signal(np.array([0.5, -0.5]), np.array([1.0, -1.0]))
    0.25
    """
    wanted = np.asarray(target, np.float64)
    error = float(np.sum((np.asarray(output, np.float64) - wanted) ** 2))
    energy = float(np.sum(wanted**2))
    if energy == 0.0:
        return math.inf if error else 0.0
    return error / energy


def emphasised_error_to_signal(output: Array, target: Array, coefficient: float = EMPHASIS) -> float:
    """The same of ``x[n] - coefficient * x[n - 1]``, which weighs treble as the ear does.

    References
    ----------
    A. Wright and V. Välimäki, "Perceptual Loss Function for Neural Modeling of Audio Systems",
    ICASSP 2020.
    """
    return error_to_signal(_emphasised(output, coefficient), _emphasised(target, coefficient))


def spectral_distance(output: Array, target: Array) -> float:
    """Multi-resolution STFT distance, as in `tonerig.training.losses.spectral_distance`.

    Spectral convergence and mean difference of log magnitudes (natural logarithm) over windows of 600, 1200
    and 240 samples, averaged; 0 where both are equal.

    Parameters
    ----------
    output, target : shape (frames,), the same length, more than 1024 frames

    Raises
    ------
    ModuleNotFoundError
        If torch or auraloss is not installed.
    """
    import torch

    from ..losses import spectral_distance as distance

    first, second = (torch.from_numpy(np.array(x, np.float32))[None] for x in (output, target))
    with torch.no_grad():
        return float(distance()(first, second))


def log_mel(sound: Array, rate: float) -> NDArray[np.float64]:
    """Level in dB of 80 mel bands over time.

    Power of the short-time Fourier transform (Hann window of 2048 samples, hop 512; both doubled for each
    doubling of a rate over 50 kHz; the ends padded with silence) under librosa's triangular filters (Slaney's
    mel scale, peak 1, 0 Hz to half the rate or 20 kHz), 10 log10 of it. 0 dB is a full-scale sine in the
    middle of a band; what is below -80 dB counts as -80 dB, so that what cannot be heard does not count.

    Parameters
    ----------
    sound : shape (frames,)
    rate : in Hz

    Returns
    -------
    Array, shape (80, 1 + frames // hop)

    Raises
    ------
    ModuleNotFoundError
        If librosa is not installed.
    """
    import librosa

    size, hop = mel_window(rate)
    power = librosa.feature.melspectrogram(
        y=np.asarray(sound, np.float32),
        sr=rate,
        n_fft=size,
        hop_length=hop,
        n_mels=MEL_BANDS,
        fmax=min(rate / 2, MEL_HIGHEST_HZ),
        norm=None,
        pad_mode="constant",
    )
    full_scale = (size / 4) ** 2  # a sine of amplitude 1: half of it in each of two lines, times the window
    scaled = np.asarray(power, np.float64) / full_scale
    return np.asarray(10 * np.log10(np.maximum(scaled, 10 ** (MEL_FLOOR_DB / 10))))


def mel_window(rate: float) -> tuple[int, int]:
    """Samples of the window and of the hop of `log_mel` at ``rate`` in Hz."""
    growth = 1
    while rate / growth > MEL_WIDEST_RATE:
        growth *= 2
    return MEL_WINDOW * growth, MEL_HOP * growth


def log_mel_distance(output: Array, target: Array, rate: float) -> float:
    """Mean absolute difference of `log_mel` over all bands and moments, in dB.

    Parameters
    ----------
    output, target : shape (frames,), the same length
    rate : in Hz

    Returns
    -------
    float
        0 where both are equal; 6.02 for a gain of two on a sound that is above the floor everywhere. It does
        not hear the phase, and hardly a shift of a millisecond.

    Raises
    ------
    ModuleNotFoundError
        If librosa is not installed.
    """
    return float(np.mean(np.abs(log_mel(output, rate) - log_mel(target, rate))))


def closer_in_waveform(dry: Array, wet: Array, output: Array) -> bool:
    """Whether a model's output is nearer to the wet sound than the dry sound is, in `error_to_signal`."""
    return error_to_signal(output, wet) < error_to_signal(dry, wet)


def closer_in_logmel(dry: Array, wet: Array, output: Array, rate: float) -> bool:
    """Whether a model's output is nearer to the wet sound than the dry sound is, in `log_mel_distance`."""
    return log_mel_distance(output, wet, rate) < log_mel_distance(dry, wet, rate)


def loudness_and_peak(sound: Array, rate: float) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dB over full scale (ITU-R BS.1770-5).

    Parameters
    ----------
    sound : shape (frames,)
    rate : in Hz

    Returns
    -------
    loudness : of one channel; -inf for silence and for less than 400 ms
    true peak : between the samples too, oversampled four times; -inf for silence
    """
    meter = LoudnessMeter(rate, 1)
    for start in range(0, len(sound), BLOCK):
        meter.add(np.asarray(sound[start : start + BLOCK], np.float32)[None])
    return meter.integrated(), meter.true_peak_db()


def _emphasised(sound: Array, coefficient: float) -> NDArray[np.float64]:
    signal = np.asarray(sound, np.float64)
    return signal[1:] - coefficient * signal[:-1]
