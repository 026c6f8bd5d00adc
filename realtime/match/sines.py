"""All modulated sines of a grid at once, and how much of a sound each explains.

A sine of carrier f, moved by B Hz at the rate v, has the phase 2πft + (B/v)(1 - cos 2πvt). Its correlation
with a sound, whatever their phases, is a product of two tables: carriers, and modulations. What acts on the
sine before it is heard (`Passage`) acts on the sound instead, backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ..parameters import Parameter

STEP = 3
"""Of so many samples one is compared: the synth's sines lie below a sixth of the sample rate."""
MOMENTS = 512
"""At which a sine's frequency is looked up, to tell how much of it passes a filter."""
FAINTEST = 1e-3
"""Energy, of the loudest sine's, below which a sine is not believed."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Passage:
    """A level over time, then a low-pass of two poles, then a gate.

    Attributes
    ----------
    level, gate : shape (frames,)
    forward, backward : the low-pass' coefficients
    """

    level: Array
    gate: Array
    forward: NDArray[np.float64]
    backward: NDArray[np.float64]

    def adjoint(self, sound: Array) -> Array:
        """What has with a sine the product that the sound has with the sine that went through."""
        reversed_filter = scipy.signal.lfilter(self.forward, self.backward, (sound * self.gate)[::-1])[::-1]
        return np.asarray(reversed_filter * self.level, np.float32)


def passage(
    *,
    attack_s: float,
    decay_s: float,
    sustain: float,
    release_s: float,
    cutoff_hz: float,
    resonance: float,
    gate_hz: float,
    key_up_s: float,
    rate: float,
    frames: int,
) -> Passage:
    """The passage of `four_voice`: envelope, low-pass, gater."""
    seconds = np.arange(frames) / rate
    held = np.minimum(seconds, key_up_s)
    level = np.minimum(held / attack_s, np.maximum(sustain, 1 - (held - attack_s) * (1 - sustain) / decay_s))
    level = level * np.maximum(0, 1 - np.maximum(0, seconds - key_up_s) / release_s)
    g = np.tan(np.pi * cutoff_hz / rate)
    return Passage(
        level.astype(np.float32),
        ((seconds * gate_hz) % 1 < 0.5).astype(np.float32),
        g * g * np.array([1.0, 2.0, 1.0]),
        np.array([1 + g / resonance + g * g, 2 * (g * g - 1), 1 - g / resonance + g * g]),
    )


@dataclass(frozen=True)
class Sines:
    """Sines of every carrier, rate and depth of a grid.

    Attributes
    ----------
    settings : levels of carrier, rate and depth, shape (sines, 3)
    """

    settings: NDArray[np.int64]
    rate: float
    _carriers: NDArray[np.complex64]
    _modulations: NDArray[np.complex64]
    _frequencies: NDArray[np.int16]

    def energies(self, through: Passage) -> Array:
        """About what energy each has after the passage; those of the faintest are raised."""
        highest = int(self._frequencies.max())
        _, response = scipy.signal.freqz(
            through.forward, through.backward, np.arange(highest + 1), fs=self.rate
        )
        passes = (np.abs(response) ** 2).astype(np.float32)
        loud = (through.level * through.gate) ** 2
        moments = loud[: len(loud) // MOMENTS * MOMENTS].reshape(MOMENTS, -1).sum(axis=1)
        found = passes[self._frequencies] @ moments.astype(np.float32) / 2
        return np.asarray(found + FAINTEST * found.max() + 1e-9, np.float32)

    def explained(self, sound: Array, through: Passage, energies: Array) -> Array:
        """Energy of a sound, shape (frames,), that each explains; in order of ``settings``."""
        turned = through.adjoint(sound)[::STEP] * self._carriers
        correlations = np.abs(turned @ self._modulations).reshape(-1) * STEP
        return np.asarray(correlations**2 / energies, np.float32)


@lru_cache(maxsize=4)
def sines(
    carrier: Parameter, modulation: Parameter, depth: Parameter, ratio: float, rate: float, frames: int
) -> Sines:
    """The table for three parameters' grids.

    Parameters
    ----------
    carrier, modulation, depth : in Hz
    ratio : what carriers and depths are multiplied by, for another key
    rate : sample rate in Hz
    frames : of the sounds
    """
    seconds = np.arange(0, frames, STEP) / rate
    f, v, b = carrier.grid() * ratio, modulation.grid(), depth.grid() * ratio
    cycles = (1 - np.cos(2 * np.pi * v[:, None] * seconds)) / (2 * np.pi * v[:, None])
    moved = cycles[:, None, :] * b[None, :, None]
    moved -= np.rint(moved)  # or single precision would not do
    phases = (-2 * np.pi * moved).astype(np.float32).reshape(len(v) * len(b), -1)
    modulations = np.empty((phases.shape[1], phases.shape[0]), np.complex64)
    modulations.real, modulations.imag = np.cos(phases).T, np.sin(phases).T
    carriers = np.exp(-2j * np.pi * f[:, None] * seconds).astype(np.complex64)
    moments = (np.arange(MOMENTS) + 0.5) * (frames // MOMENTS) / rate
    swing = b[None, :, None] * np.sin(2 * np.pi * v[:, None] * moments)[:, None, :]
    frequencies = np.minimum(np.abs(np.rint(f[:, None, None, None] + swing[None])), rate / 2).astype(np.int16)
    shape = (len(f), len(v), len(b))
    settings = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), axis=1)
    return Sines(settings, rate, carriers, modulations, frequencies.reshape(len(settings), MOMENTS))
