"""The sound to play through real gear: silence, markers, a dry sound with markers between, level ramps."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..effects.music import Notify, mix_music
from ..signals import dry_signal
from .alignment import Array
from .markers import marker

PEAK = 10.0 ** (-1.0 / 20)
SILENCE_S, GAP_S, APART_S = 3.0, 0.25, 1.0
"""Before the first sound and after the last; around a marker; between markers at the beginning and end."""
BETWEEN_S = 15.0
"""Of dry sound from a marker to the next one."""
RAMP_S = 4.0
ENDS = 3
"""Markers at the beginning, and at the end."""


def test_signal(
    minutes: float,
    rate: float,
    seed: int = 0,
    music: Path | None = None,
    notify: Notify = warnings.warn,
) -> Array:
    """The test signal, the same for the same arguments.

    Parameters
    ----------
    minutes : of dry sound, 0.25 to 60; the whole is some seconds longer
    rate : in Hz, at least 8000
    seed : of the dry sound
    music : a folder of sound files that make up half of the dry sound
    notify : is told which of them are left out, and why

    Returns
    -------
    ndarray, shape (frames,)
        Peaks at -1 dBFS.

    Raises
    ------
    ValueError
        For arguments outside these ranges, or a folder without sound.
    """
    if not 0.25 <= minutes <= 60.0:
        raise ValueError(f"a test signal of {minutes:g} minutes was asked for; it has 0.25 to 60 minutes")
    seconds = 60.0 * minutes
    dry = dry_signal(seconds, rate, seed)
    if music is not None:
        dry = mix_music(dry, music, rate, seed, notify=notify)
    mark, gap, apart = marker(rate), _silence(GAP_S, rate), _silence(APART_S, rate)
    ends = [part for _ in range(ENDS) for part in (mark, apart)]
    parts = [_silence(SILENCE_S, rate), *ends]
    sections = np.array_split(dry, max(1, round(seconds / BETWEEN_S)))
    for index, section in enumerate(sections):
        parts += [gap, mark, gap] * (index > 0) + [_faded(section, rate)]
    parts += [apart, _level_ramp(rate), apart, *ends, _silence(SILENCE_S - APART_S, rate)]
    sound = np.concatenate(parts)
    return np.asarray(sound * (PEAK / np.abs(sound).max()), np.float32)


def _silence(seconds: float, rate: float) -> Array:
    return np.zeros(round(seconds * rate), np.float32)


def _faded(sound: Array, rate: float) -> Array:
    """Its ends brought to zero in five milliseconds."""
    edge = round(0.005 * rate)
    faded = sound.copy()
    faded[:edge] *= np.linspace(0, 1, edge, dtype=np.float32)
    faded[-edge:] *= np.linspace(1, 0, edge, dtype=np.float32)
    return faded


def _level_ramp(rate: float) -> Array:
    """A fifth of two tones whose level rises by 60 dB and falls again, for compressors and gates."""
    time = np.arange(round(RAMP_S * rate)) / rate
    tones = np.sin(2 * np.pi * 110.0 * time) + np.sin(2 * np.pi * 164.81 * time)
    rise = 10.0 ** np.linspace(-3, 0, len(time))
    ramp = np.concatenate([tones * rise, tones[::-1] * rise[::-1]]) / 2
    return _faded(ramp.astype(np.float32), rate)
