"""How much a model folds back: what it puts out between the harmonics of the sines that it is fed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import hann

Array: TypeAlias = NDArray[np.float32]
Process: TypeAlias = Callable[[Array], Array]

TONES_HZ = (330.0, 660.0, 1320.0, 2640.0, 5280.0)
LEVEL_DB = -12.0
WINDOW = 1 << 16
NEAR = 2  # lines of the Hann window's main lobe on either side


@dataclass(frozen=True)
class Tone:
    """One sine and what came of it.

    Attributes
    ----------
    frequency_hz : of the sine
    aliasing_db : energy that is at no harmonic, over that at the harmonics; None where there is no sound
    """

    frequency_hz: float
    aliasing_db: float | None


@dataclass(frozen=True)
class Aliasing:
    """The measure over all tones.

    Attributes
    ----------
    aliasing_db : energy between the harmonics of all tones over that at their harmonics; None where the
        output is silent
    tones : each by itself
    """

    aliasing_db: float | None
    tones: tuple[Tone, ...]


def measure_aliasing(process: Process, rate: float) -> Aliasing:
    """Feed sines of 330 to 5280 Hz at -12 dBFS and weigh what comes out beside their harmonics.

    Each sine has an odd number of periods in 65536 samples, of which two stretches are fed: the first lets
    the model settle, the second is measured under a Hann window. What lies on a multiple of the sine's
    frequency, below half the rate, is a harmonic; all else (but 0 Hz) is what folded back at half the rate,
    and hiss. A model that changes by itself (chorus, tremolo) or shifts pitch has sidebands there, which are
    not aliasing: for such a model the figure says nothing.

    Parameters
    ----------
    process : from a sine of shape (frames,) to the output of the same shape, from rest each time
    rate : in Hz

    References
    ----------
    R. Sato and J. O. Smith III, "Aliasing Reduction in Neural Amp Modeling by Adjusting Activations",
    arXiv 2505.04082, 2025, measure the energy of aliases over that of the harmonics of a sine.
    """
    tones, beside, at = [], 0.0, 0.0
    for wanted in TONES_HZ:
        if wanted >= rate / 4:
            continue
        periods = 2 * round((wanted * WINDOW / rate - 1) / 2) + 1
        phase = 2 * np.pi * (periods * np.arange(2 * WINDOW) % WINDOW) / WINDOW
        sine = (10 ** (LEVEL_DB / 20) * np.sin(phase)).astype(np.float32)
        others, harmonics = _energies(process(sine)[WINDOW:], periods)
        tones.append(Tone(periods * rate / WINDOW, _ratio_db(others, harmonics)))
        beside, at = beside + others, at + harmonics
    return Aliasing(_ratio_db(beside, at), tuple(tones))


def _energies(output: Array, periods: int) -> tuple[float, float]:
    """Of what is at no harmonic, and of what is at one."""
    spectrum = np.fft.rfft(np.asarray(output, np.float64) * hann(WINDOW, sym=False))
    power = np.abs(spectrum) ** 2
    line = np.arange(len(power))
    nearest = np.maximum(1, np.rint(line / periods)) * periods
    harmonic = (np.abs(line - nearest) <= NEAR) & (nearest < WINDOW // 2)
    rest = ~harmonic & (line > NEAR)
    return float(power[rest].sum()), float(power[harmonic].sum())


def _ratio_db(beside: float, at: float) -> float | None:
    if at <= 0 or beside <= 0:
        return None
    return 10 * math.log10(beside / at)
