"""Oscillators found in the waveform itself, where the sound is the synthesizer's own.

A voice of `four` is a weighted sum: amplitudes stand before waves that begin at phase 0, and envelope, filter
and gater act on the sum. So each oscillator's carrier and modulation can be sought alone: among all of them
rendered as sines one correlates with the sound, whatever the others play (matching pursuit, S. Mallat and
Z. Zhang, IEEE Transactions on Signal Processing 41, 1993). Sounds of other origin correlate with none, and
are left alone after the first attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ..synths.four_voice import WAVES
from .synths import MatchedSynth
from .trials import Levels, Trials

STEP = 2
"""Of every so many samples one is compared with the table of sines."""
PICKED = 10
"""Sines taken out of the sound in turn."""
NEARBY = 48
"""Settings of an oscillator that are rendered with its own wave, the best of all sines."""
ROUNDS = 6
OWN = 0.3
"""Part of the energy that oscillators must explain, or the sound is not the synth's own."""
SAME = 1e-7
"""Part of the energy that may be left over where nothing is left to find."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class _Layout:
    """Columns of the parameters: each wave's carrier, modulator, depth; its amplitude; all others."""

    tuned: NDArray[np.int64]
    amplitudes: NDArray[np.int64]
    common: list[int]


def has_oscillators(synth: MatchedSynth) -> bool:
    """Whether a synth's sound is such a sum."""
    names = {parameter.name for parameter in synth.parameters}
    return all(f"{wave}_depth_hz" in names for wave in WAVES)


def by_waveform(tried: Trials, start: Levels, going: Callable[[], bool]) -> Levels | None:
    """Levels whose waveform is the heard one, as far as they can be found.

    Parameters
    ----------
    start : where the parameters are sought from, shape (parameters,)
    going : asked between steps, whether there is time

    Returns
    -------
    ndarray, shape (parameters,), or None where waveforms tell nothing
    """
    synth = tried.heard.synth
    energy = float(np.dot(tried.heard.sound, tried.heard.sound))
    if not has_oscillators(synth) or energy == 0.0:
        return None
    search = _Search(tried, _layout(synth), energy)
    table = search.sines(start)
    levels, left = search.pursued(start, table)
    if left > 1 - OWN:
        return None
    for _ in range(ROUNDS):
        before = left
        for k in search.layout.common:
            if not going():
                return levels
            levels, left = search.common(levels, left, k)
        for wave in range(len(WAVES)):
            if not going():
                return levels
            levels, left = search.oscillator(levels, left, wave, table)
        if left < SAME or left > before * 0.999:
            break
    return levels


class _Search:
    def __init__(self, tried: Trials, layout: _Layout, energy: float) -> None:
        self.tried, self.layout, self.energy = tried, layout, energy
        self.synth, self.target = tried.heard.synth, tried.heard.sound
        shape = [self.synth.levels[k] for k in layout.tuned[0]]
        self.settings = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), axis=1)
        self.grids = [self.synth.parameters[k].grid() for k in layout.amplitudes]

    def components(self, levels: Levels, waves: NDArray[np.int64], step: int = 1) -> Array:
        """Each row's one wave alone at amplitude 1."""
        values = self.synth.values(levels)
        values[:, self.layout.amplitudes] = 0.0
        values[np.arange(len(values)), self.layout.amplitudes[waves]] = 1.0
        return self.tried.sounds(values, step)

    def sines(self, start: Levels) -> Array:
        """Sines of all settings under the start's envelope, filter and gater, each of energy 1."""
        rows = np.repeat(start[None], len(self.settings), axis=0)
        rows[:, self.layout.tuned[0]] = self.settings
        table = self.components(rows, np.zeros(len(rows), np.int64), STEP)
        norms = np.sqrt(np.einsum("ij,ij->i", table, table))
        table /= np.maximum(norms, 1e-9)[:, None]
        return table

    def pursued(self, start: Levels, table: Array) -> tuple[Levels, float]:
        """Settings from the sines that explain most; which wave has which, from a fit of all waves."""
        waves = np.arange(len(WAVES))
        picked: list[int] = []
        atoms = np.empty((0, len(self.target)), np.float32)
        weights = np.empty(0)
        residual = self.target
        for _ in range(PICKED):
            correlations = np.abs(table @ residual[::STEP])
            correlations[picked] = 0
            picked.append(int(correlations.argmax()))
            rows = np.repeat(start[None], len(WAVES), axis=0)
            for wave in waves:
                rows[wave, self.layout.tuned[wave]] = self.settings[picked[-1]]
            atoms = np.concatenate([atoms, self.components(rows, waves)])
            weights = _fitted(atoms, self.target)[0]
            residual = self.target - (weights @ atoms).astype(np.float32)
        loud = weights * np.sqrt(np.einsum("ij,ij->i", atoms, atoms))
        levels = start.copy()
        for wave in waves:
            of_wave = loud.reshape(-1, len(WAVES))[:, wave]
            if of_wave.max() > 0:
                levels[self.layout.tuned[wave]] = self.settings[picked[int(of_wave.argmax())]]
        return self._best(levels[None], self.components(np.repeat(levels[None], 4, 0), waves)[None])

    def common(self, levels: Levels, left: float, k: int) -> tuple[Levels, float]:
        """All levels of a parameter that acts on the sum, amplitudes fitted to each."""
        count = self.synth.levels[k]
        rows = np.repeat(levels[None], count, axis=0)
        rows[:, k] = np.arange(count)
        waves = np.tile(np.arange(len(WAVES)), count)
        sounds = self.components(np.repeat(rows, len(WAVES), axis=0), waves)
        found, less = self._best(rows, sounds.reshape(count, len(WAVES), -1))
        return (found, less) if less < left else (levels, left)

    def oscillator(self, levels: Levels, left: float, wave: int, table: Array) -> tuple[Levels, float]:
        """Those settings of one wave that its sines propose, the others fitted anew to each."""
        waves = np.arange(len(WAVES))
        sounds = self.components(np.repeat(levels[None], len(WAVES), axis=0), waves)
        others = np.delete(sounds, wave, axis=0)
        residual = self.target - (_fitted(others, self.target)[0] @ others).astype(np.float32)
        nearest = np.argsort(-np.abs(table @ residual[::STEP]), kind="stable")[:NEARBY]
        rows = np.repeat(levels[None], NEARBY, axis=0)
        rows[:, self.layout.tuned[wave]] = self.settings[nearest]
        own = self.components(rows, np.full(NEARBY, wave))
        together = np.repeat(sounds[None], NEARBY, axis=0)
        together[:, wave] = own
        found, less = self._best(rows, together)
        return (found, less) if less < left else (levels, left)

    def _best(self, rows: Levels, sounds: Array) -> tuple[Levels, float]:
        """The row whose waves, shape (rows, waves, frames), leave the least, with amplitudes on the grid."""
        fits = [_fitted(parts, self.target) for parts in sounds]
        best = int(np.argmin([left for _, left in fits]))
        levels, weights = rows[best].copy(), fits[best][0]
        for column, grid, weight in zip(self.layout.amplitudes, self.grids, weights, strict=True):
            levels[column] = int(np.abs(grid - weight).argmin())
        return levels, fits[best][1] / self.energy


def _fitted(parts: Array, target: Array) -> tuple[NDArray[np.float64], float]:
    """Weights from 0 on that fit parts, shape (parts, frames), best; and the energy left over."""
    products = (parts @ target).astype(np.float64)
    squares = (parts @ parts.T).astype(np.float64)
    size = len(parts)
    ridge = 1e-9 * max(float(np.trace(squares)), 1e-12)
    factor = np.linalg.cholesky(squares + ridge * np.eye(size))
    weights, _ = scipy.optimize.nnls(factor.T, np.linalg.solve(factor, products))
    energy = float(target @ target)
    return weights, max(0.0, energy - 2 * float(weights @ products) + float(weights @ squares @ weights))


def _layout(synth: MatchedSynth) -> _Layout:
    column = {parameter.name: k for k, parameter in enumerate(synth.parameters)}
    tuned = [
        [column[f"{wave}_{name}"] for name in ("frequency_hz", "modulation_hz", "depth_hz")] for wave in WAVES
    ]
    amplitudes = [column[f"{wave}_amplitude"] for wave in WAVES]
    taken = {k for row in tuned for k in row} | set(amplitudes)
    return _Layout(np.array(tuned), np.array(amplitudes), [k for k in column.values() if k not in taken])
