"""What the study's models hear: cepstral coefficients and mel bands, by librosa, as in its Appendix 1.

The mel bands are powers, librosa's own and what the author's notebook feeds its models; ``mel_db``, which the
study has not, is their logarithm. MFCCs are of a logarithm already.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import librosa
import numpy as np
from numpy.typing import NDArray

RATE = 22050.0
WINDOW = 2048
HOP = 512
MFCCS = 20
MEL_BINS = 32
Heard: TypeAlias = Literal["mfcc", "mel", "mel_db"]

_CEPSTRUM_BINS = 128  # librosa's default below MFCCs


def features(sounds: NDArray[np.float32], rate: float = RATE) -> dict[Heard, NDArray[np.float32]]:
    """All the representations of some sounds.

    Parameters
    ----------
    sounds : shape (sounds, frames)
    rate : theirs in Hz; converted to `RATE` where it is another

    Returns
    -------
    dict
        "mfcc" of shape (sounds, windows, 20), "mel" (powers) and "mel_db" (dB) of shape
        (sounds, windows, 32); windows are centred on every 512th frame, so that a second has 44.
    """
    heard = np.asarray(sounds, np.float32)
    if rate != RATE:
        heard = librosa.resample(heard, orig_sr=rate, target_sr=RATE)
    cepstrum_bins = librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=_CEPSTRUM_BINS)
    bins = librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=MEL_BINS)
    windows = 1 + heard.shape[1] // HOP
    mfcc = np.empty((len(heard), windows, MFCCS), np.float32)
    mel = np.empty((len(heard), windows, MEL_BINS), np.float32)
    mel_db = np.empty_like(mel)
    for k, sound in enumerate(heard):  # one by one: a sound's own peak bounds its logarithm below
        power = np.abs(librosa.stft(sound, n_fft=WINDOW, hop_length=HOP)) ** 2
        mfcc[k] = librosa.feature.mfcc(S=librosa.power_to_db(cepstrum_bins @ power), n_mfcc=MFCCS).T
        mel[k] = (bins @ power).T
        mel_db[k] = librosa.power_to_db(mel[k])
    return {"mfcc": mfcc, "mel": mel, "mel_db": mel_db}
