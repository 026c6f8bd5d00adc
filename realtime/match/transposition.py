"""Sounds of any pitch for estimators that know one octave: heard, and answered, as if played there.

The windows of the spectrogram are longer by the ratio of the pitches and their hop in time is the same, so
that partials fall into the bins where the estimator expects them. What does not move with the key, the
low-pass, is then told too high or too low by that ratio, and is put right in the answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from .pitch import Pitch
from .sound import Sound, at_rate
from .spectrogram import HOP, magnitudes
from .synths import MatchedSynth

IN_TUNE_CENTS = 8.0
"""A pitch so near to a key is taken for the key's own: the synth's knobs reach it."""
LOWEST_HZ, HIGHEST_HZ = 440.0, 440.0 * 2 ** (15 / 12)
"""What the carriers of ``four`` reach with its own key."""
NEAR = 2 ** (0.6 / 12)
SPREAD = 0.5
"""Levels by which a told cutoff is blurred when it is put right."""


def transposed_magnitudes(sound: Sound, synth: MatchedSynth, semitones: float) -> NDArray[np.float32]:
    """What the synth's estimator hears of a sound whose key lies so many semitones above the synth's own.

    Parameters
    ----------
    sound : whatever its pitch
    semitones : 0: `spectrogram.magnitudes` of the sound as it is

    Returns
    -------
    ndarray, shape (1, windows, bins)
        As many as without transposition.
    """
    if semitones == 0:
        return magnitudes(at_rate(sound, synth.rate, synth.frames)[None], synth.window)
    ratio = 2.0 ** (semitones / 12)
    windows = -(-synth.frames // HOP)
    starts = np.rint(np.arange(windows) * HOP * ratio).astype(int)
    frames = round(synth.frames * ratio)
    heard = np.zeros(int(starts[-1]) + synth.window, np.float32)
    part = at_rate(sound, synth.rate * ratio, frames)
    heard[: min(frames, len(heard))] = part[: len(heard)]
    views = np.lib.stride_tricks.sliding_window_view(heard, synth.window)[starts]
    hann = scipy.signal.get_window("hann", synth.window).astype(np.float32)
    found: NDArray[np.float32] = np.abs(scipy.fft.rfft(views * hann, axis=-1))[None]
    return found


def told_at_pitch(
    synth: MatchedSynth, probabilities: Sequence[NDArray[np.floating]], semitones: float
) -> list[NDArray[np.float64]]:
    """What an estimator told of a transposed sound, for the sound as it is.

    Parameters
    ----------
    probabilities : for each parameter of the synth, shape (levels,)
    """
    told = [np.asarray(part, np.float64) for part in probabilities]
    if semitones == 0:
        return told
    ratio = 2.0 ** (semitones / 12)
    for k, parameter in enumerate(synth.parameters):
        if parameter.name != "cutoff_hz":
            continue
        last = parameter.levels - 1
        values = parameter.grid() * ratio
        places = [last * parameter.to_turn(float(value)) for value in values]
        places = [min(last, max(0.0, place)) for place in places]
        kernel = np.exp(-0.5 * ((np.arange(last + 1) - np.array(places)[:, None]) / SPREAD) ** 2)
        told[k] = told[k] @ (kernel / kernel.sum(axis=1, keepdims=True))
    return told


def key_distances(synth: MatchedSynth, pitch: Pitch | None, octaves: Sequence[int] = (0,)) -> list[float]:
    """By how many semitones the key of a sound may lie above the synth's own, likeliest first.

    Parameters
    ----------
    pitch : of the sound; without, whole octaves from the synth's own key
    octaves : from the likeliest distance, 0 is that itself

    Notes
    -----
    ``two`` sounds at its key, so that its key is the sound's, or that below it by the interval of its second
    oscillator. The carriers of ``four`` reach fifteen semitones: whole octaves bring the pitch there. What a
    pitch is out of tune by is added.
    """
    if pitch is None:
        return [12.0 * octave for octave in octaves]
    cents = pitch.cents / 100 if abs(pitch.cents) > IN_TUNE_CENTS else 0.0
    if synth.name == "four":
        nearest = octaves_to_range(pitch.frequency_hz)
        return [12.0 * (nearest + octave) + cents for octave in octaves]
    away = pitch.key - synth.key + cents
    interval = synth.fixed.get("osc_2_semitones", 0.0)
    return [*(away + 12.0 * octave for octave in octaves), *([away - interval] if interval else ())]


def octaves_to_range(frequency_hz: float) -> int:
    """Octaves by which a frequency lies above the range of the carriers of ``four``; 0 within it."""
    if LOWEST_HZ / NEAR <= frequency_hz <= HIGHEST_HZ * NEAR:
        return 0
    return math.floor(math.log2(frequency_hz / (LOWEST_HZ / NEAR)))
