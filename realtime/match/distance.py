"""How far rendered sounds are from the one that is heard: several measures together, in large numbers.

One measure alone is gamed: a search finds sounds that it calls near and that nobody would. So five are
averaged, each in units of what two sounds drawn by chance differ by.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from .spectrogram import HOP, WINDOW
from .synths import MatchedSynth

WINDOWS = (2048, WINDOW, 128)
"""Of the multi-resolution distance, in frames, half overlapping."""
BANDS = 40
"""Of the mel scale."""
COEFFICIENTS = 20
"""Of the mel-frequency cepstrum."""
BLOCK = 128
"""Frames over which the envelope's levels are taken."""
RANGE_DB = 70.0
"""What is farther below the heard sound's loudest line counts as just so far below."""
FAINTEST = 1e-4
"""Amplitude of a sine below which everything counts as silent."""
AT_ONCE = 8
"""Sounds that are transformed together: their spectra stay in a core's cache."""
UNRELATED = {
    "stft_correlation": 0.73,
    "multi_resolution": 2.5,
    "log_mel": 18.0,
    "mfcc": 13.5,
    "envelope": 1.2,
}
"""What two sounds drawn by chance differ by in each measure (in ``1 - stft_correlation``); the median."""

Array = NDArray[np.float32]


class HeardSoundError(ValueError):
    """A sound that candidates cannot be compared with."""


@dataclass(frozen=True)
class _Resolution:
    window: int
    power: Array
    logarithms: Array
    floor: float
    norm: float


class Heard:
    """A sound that candidates are compared with.

    Parameters
    ----------
    synth : whose candidates they are
    sound : shape (frames,) at the synth's rate, as many frames as it renders
    semitones : by which the sound's key lies over the synth's own

    Raises
    ------
    HeardSoundError
        for another shape, or samples that are not finite.
    """

    def __init__(self, synth: MatchedSynth, sound: Array, semitones: float = 0.0) -> None:
        target = np.ascontiguousarray(sound, np.float32)
        if target.shape != (synth.frames,):
            raise HeardSoundError(f"expected a sound of {synth.frames} frames, found shape {target.shape}")
        if not np.isfinite(target).all():
            raise HeardSoundError("the sound has samples that are no numbers; repair the file")
        self.synth, self.sound, self.semitones = synth, target, semitones
        self._mel = mel_filters(synth.rate)
        self._resolutions = {window: self._resolution(window) for window in WINDOWS}
        middle = self._resolutions[WINDOW]
        magnitudes = np.sqrt(middle.power)
        self._centred = magnitudes - magnitudes.mean()
        self._centred_norm = float(np.linalg.norm(self._centred))
        mel = middle.power @ self._mel
        self._mel_floor = max(float(mel.max()) * 10 ** (-RANGE_DB / 10), _faint(WINDOW))
        self._log_mel = _decibels(mel, self._mel_floor)
        self._cepstrum = _cepstrum(self._log_mel)
        self._envelope = _envelope(target[None])
        self._level = max(float(self._envelope.mean()), FAINTEST)

    def _resolution(self, window: int) -> _Resolution:
        power = powers(self.sound[None], window)
        floor = max(float(power.max()) * 10 ** (-RANGE_DB / 10), _faint(window))
        norm = max(float(np.sqrt(power.sum())), float(np.sqrt(power.size * _faint(window))))
        return _Resolution(window, power, _logarithms(power, floor), floor, norm)

    def quick(self, sounds: Array) -> NDArray[np.float64]:
        """Two of the measures, from one transform: to sort out what is far.

        Parameters
        ----------
        sounds : shape (sounds, frames)

        Returns
        -------
        ndarray, shape (sounds,)
        """
        found = np.empty(len(sounds))
        for first in range(0, len(sounds), AT_ONCE):
            power = powers(sounds[first : first + AT_ONCE], WINDOW)
            away = (1 - self._correlations(power)) / UNRELATED["stft_correlation"]
            mel = _mean(np.abs(_decibels(power @ self._mel, self._mel_floor) - self._log_mel))
            found[first : first + AT_ONCE] = (away + mel / UNRELATED["log_mel"]) / 2
        return np.where(np.isfinite(found), found, np.inf)

    def distances(self, sounds: Array) -> NDArray[np.float64]:
        """How far each sound is: 0 for the heard one, about 1 for one drawn by chance.

        Parameters
        ----------
        sounds : shape (sounds, frames)

        Returns
        -------
        ndarray, shape (sounds,)
            Infinite where a sound has samples that are no numbers.
        """
        measured = self.measured(sounds)
        scaled = [
            (1 - values if name == "stft_correlation" else values) / UNRELATED[name]
            for name, values in measured.items()
        ]
        found = np.mean(scaled, axis=0)
        return np.asarray(np.where(np.isfinite(found), found, np.inf))

    def parts(self, sound: Array) -> dict[str, float]:
        """Each measure of one sound, shape (frames,), by name; see `measured`."""
        return {name: float(values[0]) for name, values in self.measured(np.asarray(sound)[None]).items()}

    def measured(self, sounds: Array) -> dict[str, NDArray[np.float64]]:
        """Each measure of each sound.

        Parameters
        ----------
        sounds : shape (sounds, frames)

        Returns
        -------
        dict of ndarray, shape (sounds,)
            ``stft_correlation``: Pearson's, of the magnitudes of half-overlapping windows of 512 frames, -1
            to 1, as O. Barkan and D. Tsiris measure reconstructions; ``multi_resolution``: spectral
            convergence and mean difference of log magnitudes (natural logarithm), averaged over three
            windows (R. Yamamoto and others, *Parallel WaveGAN*, ICASSP 2020); ``log_mel``: mean difference
            of 40 bands' levels, in dB; ``mfcc``: of 20 coefficients of their cosine transform; ``envelope``:
            mean difference of the levels of blocks of 128 frames, over their mean.
        """
        parts = [
            self._measured(np.asarray(sounds[first : first + AT_ONCE], np.float32))
            for first in range(0, len(sounds), AT_ONCE)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in UNRELATED}

    def _measured(self, sounds: Array) -> dict[str, NDArray[np.float64]]:
        found: dict[str, NDArray[np.float64]] = {}
        total = np.zeros(len(sounds))
        for resolution in self._resolutions.values():
            power = powers(sounds, resolution.window)
            root, wanted = np.sqrt(power), np.sqrt(resolution.power)
            away = root - wanted
            convergence = np.sqrt(np.einsum("ijk,ijk->i", away, away)) / resolution.norm
            logarithms = _logarithms(power, resolution.floor) - resolution.logarithms
            total += convergence + _mean(np.abs(logarithms))
            if resolution.window == WINDOW:
                found["stft_correlation"] = self._correlations(power)
                mel = _decibels(power @ self._mel, self._mel_floor)
        found["multi_resolution"] = total / len(WINDOWS)
        found["log_mel"] = _mean(np.abs(mel - self._log_mel))
        found["mfcc"] = _mean(np.abs(_cepstrum(mel) - self._cepstrum))
        found["envelope"] = np.abs(_envelope(sounds) - self._envelope).mean(axis=1) / self._level
        return found

    def _correlations(self, power: Array) -> NDArray[np.float64]:
        """Of magnitudes with the heard sound's; where one does not vary, whether both do not."""
        magnitudes = np.sqrt(power).reshape(len(power), -1)
        count = magnitudes.shape[1]
        sums = magnitudes.sum(axis=1, dtype=np.float64)
        squares = power.reshape(len(power), -1).sum(axis=1, dtype=np.float64)
        variations = np.sqrt(np.maximum(squares - sums**2 / count, 0))
        faint = np.sqrt(count * _faint(WINDOW))
        if self._centred_norm <= faint:
            return (variations <= faint).astype(np.float64)
        products = (magnitudes @ self._centred.reshape(-1)).astype(np.float64)
        heard = variations > faint
        found = products / np.where(heard, variations * self._centred_norm, 1)
        return np.where(heard, np.minimum(found, 1.0), 0.0)


def powers(sounds: Array, window: int) -> Array:
    """Squared magnitudes of half-overlapping Hann windows.

    Parameters
    ----------
    sounds : shape (sounds, frames); windows that reach over the end are filled with zeros
    window : in frames

    Returns
    -------
    ndarray, shape (sounds, windows, window // 2 + 1)
        Of the default window: the squares of `spectrogram.magnitudes`.
    """
    count, frames = sounds.shape
    hop = window // 2 if window != WINDOW else HOP
    windows = -(-frames // hop)
    padded = np.zeros((count, (windows - 1) * hop + window), np.float32)
    padded[:, :frames] = sounds
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop]
    spectra = scipy.fft.rfft(views * _hann(window), axis=-1).view(np.float32)
    spectra *= spectra
    return spectra[..., ::2] + spectra[..., 1::2]


@cache
def mel_filters(rate: float) -> Array:
    """Triangles evenly spaced in mel (O'Shaughnessy's 2595 log10(1 + f / 700)), peak 1, up to half the rate.

    Returns
    -------
    ndarray, shape (WINDOW // 2 + 1, BANDS)
    """
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1)
    lines = np.arange(WINDOW // 2 + 1)[:, None] * rate / WINDOW
    rising = (lines - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - lines) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@cache
def _hann(window: int) -> Array:
    return np.asarray(scipy.signal.get_window("hann", window), np.float32)


@cache
def _faint(window: int) -> float:
    """Power of the faintest sine in the middle of a line."""
    return (window / 4 * FAINTEST) ** 2


def _logarithms(power: Array, floor: float) -> Array:
    """Of magnitudes."""
    return np.log(np.maximum(power, np.float32(floor))) * np.float32(0.5)


def _decibels(power: Array, floor: float) -> Array:
    return np.log10(np.maximum(power, np.float32(floor))) * np.float32(10)


def _cepstrum(decibels: Array) -> Array:
    found: Array = scipy.fft.dct(decibels, axis=-1, norm="ortho")[..., :COEFFICIENTS]
    return found


def _envelope(sounds: Array) -> Array:
    """Root mean square of each block, shape (sounds, blocks)."""
    whole = sounds.shape[1] // BLOCK * BLOCK
    blocks = sounds[:, :whole].reshape(len(sounds), -1, BLOCK)
    return np.asarray(np.sqrt(np.einsum("ijk,ijk->ij", blocks, blocks) / BLOCK), np.float32)


def _mean(table: Array) -> NDArray[np.float64]:
    return np.asarray(table.reshape(len(table), -1).mean(axis=1), np.float64)
