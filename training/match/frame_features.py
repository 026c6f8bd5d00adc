"""Thirty-two numbers that tell of each short frame of a sound how loud, how high and of what timbre it is.

The kinds are those of K. Itoyama and H. G. Okuno, *Parameter Estimation of Virtual Musical Instrument
Synthesizers* (ICMC 2014), as O. Barkan and D. Tsiris list them in section 5.1 of *Deep Synthesizer Parameter
Estimation* (ICASSP 2019). How many there are of each kind is not told; `NAMES` is our choice.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ...realtime.match.spectrogram import magnitudes
from ...realtime.synths.dataset import RATE

Floats = NDArray[np.float32]

WINDOW, HOP = 512, 128
FLOOR = 1e-4
"""Added to energies before their logarithm: a full-scale sine's is 1.6e4."""
BAND_EDGES_HZ = (0.0, 500.0, 1000.0, 2000.0, 4000.0, 8193.0)
CONTRAST_EDGES_HZ = (0.0, 1000.0, 3000.0, 8193.0)
ROLLOFF = 0.85
EXTREMES = 0.1
"""Share of a band's bins that make its peak, and its valley."""
MEL_BANDS, CEPSTRA = 26, 12
HARMONICS = 10
LOWEST_HZ, HIGHEST_HZ, STEPS_AN_OCTAVE = 110.0, 1200.0, 24
WEAKER = 0.84
"""What a harmonic counts for against the one below it when the fundamental is looked for (D. Hermes,
*Measurement of pitch by subharmonic summation*, 1988)."""

NAMES: tuple[str, ...] = (
    *(f"energy_{low:.0f}_hz" for low in BAND_EDGES_HZ[:-1]),
    "zero_crossing_rate",
    "width",
    "centroid",
    "rolloff",
    "flux",
    "peak_frequency",
    "peak",
    "valley",
    *(f"contrast_{low:.0f}_hz" for low in CONTRAST_EDGES_HZ[:-1]),
    *(f"mfcc_{k}" for k in range(1, CEPSTRA + 1)),
    "tristimulus_1",
    "tristimulus_2",
    "tristimulus_3",
    "harmonic_share",
)
"""In order. Energies, peaks, valleys and contrasts are decimal logarithms, frequencies are in kHz, zero
crossings are a sample, flux is in magnitudes, the last four are shares."""


def frame_features(sounds: Floats) -> Floats:
    """The features of windows of 512 frames, one each 128.

    Parameters
    ----------
    sounds : shape (sounds, frames), at 16384 Hz

    Returns
    -------
    ndarray, shape (sounds, windows, 32)
        128 windows for 16384 frames. Of a silent window energies are `FLOOR`'s, and all but the logarithms 0.
    """
    spectra = magnitudes(sounds, WINDOW, HOP)
    power = spectra**2
    total = spectra.sum(axis=-1)
    columns = [
        np.log10(power @ _bands() + FLOOR),
        _zero_crossings(sounds, spectra.shape[1])[..., None],
        _shape(spectra, total),
        _flux(spectra)[..., None],
        spectra.argmax(axis=-1)[..., None] * _kilohertz()[1],
        _extremes(power),
        scipy.fft.dct(np.log10(power @ _mel() + FLOOR), norm="ortho", axis=-1)[..., 1 : CEPSTRA + 1],
        _harmonics(spectra, total),
    ]
    return np.concatenate(columns, axis=-1, dtype=np.float32, casting="same_kind")


@cache
def _kilohertz() -> Floats:
    return np.fft.rfftfreq(WINDOW, 1000 / RATE).astype(np.float32)


@cache
def _bands() -> Floats:
    """Which bins belong to which band, shape (bins, bands)."""
    edges = np.array(BAND_EDGES_HZ) / 1000
    inside = (_kilohertz()[:, None] >= edges[:-1]) & (_kilohertz()[:, None] < edges[1:])
    return inside.astype(np.float32)


@cache
def _mel() -> Floats:
    """Triangles over power, shape (bins, mel bands)."""
    from librosa.filters import mel

    return np.ascontiguousarray(mel(sr=RATE, n_fft=WINDOW, n_mels=MEL_BANDS).T, np.float32)


def _zero_crossings(sounds: Floats, windows: int) -> Floats:
    """Changes of sign a sample, shape (sounds, windows)."""
    padded = np.zeros((len(sounds), (windows - 1) * HOP + WINDOW), np.float32)
    padded[:, : sounds.shape[1]] = sounds
    changes = np.zeros(padded.shape, np.int32)
    np.cumsum((padded[:, 1:] < 0) != (padded[:, :-1] < 0), axis=1, out=changes[:, 1:])
    first = HOP * np.arange(windows)
    found = changes[:, first + WINDOW - 1] - changes[:, first]
    return (found / (WINDOW - 1)).astype(np.float32)


def _shape(spectra: Floats, total: Floats) -> Floats:
    """Width, centroid and rolloff over magnitudes, in kHz, shape (sounds, windows, 3)."""
    weight = np.where(total > 0, total, 1)
    hertz = _kilohertz()
    centroid = spectra @ hertz / weight
    squares = spectra @ hertz**2 / weight
    width = np.sqrt(np.maximum(squares - centroid**2, 0))
    below = np.cumsum(spectra, axis=-1)
    rolloff = hertz[np.argmax(below >= ROLLOFF * below[..., -1:], axis=-1)]
    return np.stack([width, centroid, rolloff], axis=-1)


def _flux(spectra: Floats) -> Floats:
    """Distance of each spectrum from the one before it; the first one's is 0."""
    steps = np.linalg.norm(np.diff(spectra, axis=1), axis=-1)
    return np.pad(steps, ((0, 0), (1, 0)))


def _extremes(power: Floats) -> Floats:
    """Peak and valley over all bins, then contrasts of bands, shape (sounds, windows, 2 + bands).

    Peak and valley are logarithms of the mean power of the strongest and the weakest bins (D.-N. Jiang and
    others, *Music type classification by spectral contrast feature*, 2002), a contrast is their difference.
    """
    edges = np.searchsorted(_kilohertz(), np.array(CONTRAST_EDGES_HZ) / 1000)
    peak, valley = _peak_and_valley(power)
    bands = [_peak_and_valley(power[..., a:b]) for a, b in itertools.pairwise(edges)]
    return np.stack([peak, valley, *(p - v for p, v in bands)], axis=-1)


def _peak_and_valley(power: Floats) -> tuple[Floats, Floats]:
    count, bins = max(1, round(EXTREMES * power.shape[-1])), power.shape[-1]
    parted = np.partition(power, (count - 1, bins - count), axis=-1)
    valley, peak = parted[..., :count].mean(axis=-1), parted[..., -count:].mean(axis=-1)
    return np.log10(peak + FLOOR), np.log10(valley + FLOOR)


@cache
def _candidates() -> tuple[Floats, Floats]:
    """Fundamentals in bins, shape (candidates,), and how bins speak for them, (bins, candidates)."""
    count = int(STEPS_AN_OCTAVE * np.log2(HIGHEST_HZ / LOWEST_HZ)) + 1
    fundamentals = LOWEST_HZ * 2 ** (np.arange(count) / STEPS_AN_OCTAVE) * WINDOW / RATE
    bins = WINDOW // 2 + 1
    speaks = np.zeros((bins, count), np.float32)
    for candidate, fundamental in enumerate(fundamentals):
        for harmonic in range(1, HARMONICS + 1):
            place = fundamental * harmonic
            if place < bins - 1:
                lower, share = int(place), place % 1
                speaks[lower, candidate] += WEAKER ** (harmonic - 1) * (1 - share)
                speaks[lower + 1, candidate] += WEAKER ** (harmonic - 1) * share
    return fundamentals.astype(np.float32), speaks


def _harmonics(spectra: Floats, total: Floats) -> Floats:
    """Timbre of the harmonics of the most likely fundamental, shape (sounds, windows, 4).

    A harmonic is the largest of the three bins around it. Shares of the first, the second to fourth and the
    higher ones in all ten (H. Pollard and E. Jansson, *A tristimulus method for the specification of musical
    timbre*, 1982), and of all ten in the spectrum.
    """
    fundamentals, speaks = _candidates()
    fundamental = fundamentals[np.argmax(spectra @ speaks, axis=-1)]
    places = fundamental[..., None] * np.arange(1, HARMONICS + 1, dtype=np.float32)
    heard = places < spectra.shape[-1] - 2
    nearest = np.where(heard, np.rint(places), 1).astype(np.intp)
    around = [np.take_along_axis(spectra, nearest + k, axis=-1) for k in (-1, 0, 1)]
    amplitudes = np.where(heard, np.maximum.reduce(around), 0)
    parts = [amplitudes[..., :1], amplitudes[..., 1:4], amplitudes[..., 4:]]
    sums = np.stack([part.sum(axis=-1) for part in parts], axis=-1)
    all_ten = sums.sum(axis=-1, keepdims=True)
    shares = sums / np.where(all_ten > 0, all_ten, 1)
    whole = np.where(total > 0, total, 1)[..., None]
    return np.concatenate([shares, all_ten / whole], axis=-1)
