"""Oscillators found in the waveform itself, where the sound is the synthesizer's own.

A voice of `four` is a weighted sum: amplitudes stand before waves that begin at phase 0, and envelope, filter
and gater act on the sum. So each oscillator's carrier and modulation can be sought alone: of all modulated
sines one correlates with its fundamental, whatever the others play (matching pursuit, S. Mallat and Z. Zhang,
IEEE Transactions on Signal Processing 41, 1993); amplitudes follow from least squares. Sounds of other origin
correlate with none, and are left alone after the first attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ..synths.four_voice import WAVES
from .sines import Sines, passage, sines
from .synths import MatchedSynth
from .trials import Levels, Trials

PICKED = 6
"""Sines taken out of the sound in turn."""
FITTED = 16
"""Of all rows that are compared, so many are fitted exactly."""
REFITTED, MOST_REFITTED = 3, 16
LIKELY = 0.003
"""Of the levels of what acts on the sum the best are fitted wave by wave: those that explain as much, but for
this part of the energy."""
NEARBY = 48
"""Settings that are rendered with an oscillator's own wave, the best of all sines."""
OWN = 0.4
"""Part of the energy that oscillators must explain, or the sound is not the synth's own."""
PROMISING = 0.2
"""Left over, below which it is worth to try what acts on the sum two by two."""
STRANGE = 0.85
"""Left over by the first attempt, it ends a quick search."""
SAME = 1e-6
"""Part of the energy that may be left over where nothing is left to find."""
GAINS = 0.995
"""A round that leaves more of what was left over gains nothing."""

Array = NDArray[np.float32]
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Levels, shape (parameters,), and what part of the sound's energy they leave over."""

    levels: Levels
    left: float


def has_oscillators(synth: MatchedSynth) -> bool:
    """Whether a synth's sound is such a sum."""
    names = {parameter.name for parameter in synth.parameters}
    return all(f"{wave}_depth_hz" in names for wave in WAVES)


def by_waveform(
    tried: Trials, start: Levels, going: Callable[[], bool], *, rounds: int = 6, thorough: bool = True
) -> Found | None:
    """Levels whose waveform is the heard one, as far as they can be found.

    Parameters
    ----------
    start : where the parameters are sought from, shape (parameters,)
    going : asked between steps, whether there is time
    rounds : how often all parameters are gone through
    thorough : go on where the first attempt explains next to nothing, and try what acts on the sum two by two
        where one by one gains nothing

    Returns
    -------
    Found, or None where waveforms tell nothing
    """
    energy = float(np.dot(tried.heard.sound, tried.heard.sound))
    if not has_oscillators(tried.heard.synth) or energy == 0.0:
        return None
    search = _Search(tried, energy)
    found = search.pursued(Found(start, np.inf))
    if not thorough and found.left > STRANGE:
        return None
    for done in range(rounds):
        before = found.left
        for step in search.steps():
            if not going() or found.left < SAME:
                return found
            found = step(found)
        if done == 0 and found.left > 1 - OWN:
            return None
        if thorough and before * GAINS < found.left < PROMISING:
            for first, second in combinations(search.common, 2):
                if not going() or found.left < SAME:
                    return found
                found = search.acting(found, first, second)
        if found.left > before * GAINS:
            break
    return found


class _Search:
    def __init__(self, tried: Trials, energy: float) -> None:
        self.tried, self.energy = tried, energy
        self.synth, self.target = tried.heard.synth, tried.heard.sound
        column = {parameter.name: k for k, parameter in enumerate(self.synth.parameters)}
        tuned = ("frequency_hz", "modulation_hz", "depth_hz")
        self.tuned = np.array([[column[f"{wave}_{name}"] for name in tuned] for wave in WAVES])
        self.amplitudes = np.array([column[f"{wave}_amplitude"] for wave in WAVES])
        own = {*self.tuned.reshape(-1).tolist(), *self.amplitudes.tolist()}
        self.common = [k for k in column.values() if k not in own]
        self.grid = self.synth.parameters[self.amplitudes[0]].grid()
        self.waves = np.arange(len(WAVES))
        self.energies: tuple[tuple[int, ...], Array] = ((), np.empty(0, np.float32))
        self.sines: Sines = sines(
            *(self.synth.parameters[k] for k in self.tuned[0]),
            2 ** (tried.heard.semitones / 12),
            self.synth.rate,
            self.synth.frames,
        )

    def explained(self, levels: Levels, residual: Array) -> Array:
        """Energy that each of the sines explains, after what acts on the sum with these levels."""
        values = self.tried.values(levels[None])[0]
        acting = {self.synth.parameters[k].name: float(values[k]) for k in self.common}
        synth = self.synth
        through = passage(**acting, key_up_s=synth.key_up_s, rate=synth.rate, frames=synth.frames)
        key = tuple(int(levels[k]) for k in self.common)
        if key != self.energies[0]:
            self.energies = key, self.sines.energies(through)
        return self.sines.explained(residual, through, self.energies[1])

    def steps(self) -> list[Callable[[Found], Found]]:
        """One round."""
        sweeps = [lambda found, k=k: self.acting(found, k) for k in self.common]
        waves = [lambda found, wave=wave: self.oscillator(found, wave) for wave in self.waves]
        return [*sweeps, self.pursued, *waves]

    def components(self, levels: Levels, waves: NDArray[np.int64]) -> Array:
        """Each row's one wave alone at amplitude 1."""
        values = self.tried.values(levels)
        values[:, self.amplitudes] = 0.0
        values[np.arange(len(values)), self.amplitudes[waves]] = 1.0
        return self.tried.sounds(values)

    def own_components(self, levels: Levels) -> Array:
        """The four waves of one row, shape (waves, frames)."""
        return self.components(np.repeat(levels[None], len(WAVES), axis=0), self.waves)

    def better(self, old: Found, rows: Levels, sounds: Array) -> Found:
        """The row whose waves, shape (rows, waves, frames), leave the least, or the old one."""
        products, squares = sounds @ self.target, sounds @ sounds.transpose(0, 2, 1)
        leading = np.argsort(_left_over(products, squares, self.grid[-1]), kind="stable")[:FITTED]
        fits = [self.on_grid(*(part[k].astype(np.float64) for part in (products, squares))) for k in leading]
        best = int(np.argmin([left for _, left in fits]))
        chosen, left = fits[best]
        if left >= old.left:
            return old
        levels = rows[leading[best]].copy()
        levels[self.amplitudes] = chosen
        return Found(levels, left)

    def on_grid(self, products: Table, squares: Table) -> tuple[NDArray[np.int64], float]:
        """Levels of the waves' amplitudes, and what they leave over."""
        chosen = self.nearest(_fitted(products, squares))
        weights = self.grid[chosen]
        left = self.energy - 2 * float(weights @ products) + float(weights @ squares @ weights)
        return chosen, max(0.0, left) / self.energy

    def nearest(self, weights: Table) -> NDArray[np.int64]:
        return np.searchsorted((self.grid[1:] + self.grid[:-1]) / 2, weights)

    def pursued(self, old: Found) -> Found:
        """Sines that explain most, one after the other, and which of the waves has which of them."""
        size = len(WAVES)
        known = [] if np.isinf(old.left) else [old.levels[columns] for columns in self.tuned]
        settings = list(np.unique(known, axis=0)) if known else []
        atoms = np.empty(((len(settings) + PICKED) * size, len(self.target)), np.float32)
        residual = self.target
        for place in range(len(settings) + PICKED):
            if place == len(settings):
                explained = self.explained(old.levels, residual)
                for setting in settings:
                    explained[(self.sines.settings == setting).all(axis=1)] = 0
                settings.append(self.sines.settings[int(explained.argmax())])
            rows = np.repeat(old.levels[None], size, axis=0)
            rows[self.waves[:, None], self.tuned] = settings[place]
            atoms[place * size : (place + 1) * size] = self.components(rows, self.waves)
            products, squares = _inner(atoms[: (place + 1) * size], self.target)
            weights = _fitted(products, squares).astype(np.float32)
            residual = self.target - weights @ atoms[: (place + 1) * size]
        return self.assigned(old, np.array(settings), atoms, products, squares)

    def assigned(self, old: Found, settings: Levels, atoms: Array, products: Table, squares: Table) -> Found:
        """The best way to give each wave one of the settings."""
        size, count = len(WAVES), len(settings)
        ways = np.stack(np.unravel_index(np.arange(count**size), (count,) * size), axis=1)
        places = ways * size + self.waves
        left = _left_over(products[places], squares[places[:, :, None], places[:, None, :]], self.grid[-1])
        best = np.argsort(left, kind="stable")[:FITTED]
        rows = np.repeat(old.levels[None], len(best), axis=0)
        for wave in self.waves:
            rows[:, self.tuned[wave]] = settings[ways[best, wave]]
        return self.better(old, rows, atoms[places[best]])

    def acting(self, old: Found, *parameters: int) -> Found:
        """All levels of parameters that act on the sum: it is fitted to each, the waves to the nearest."""
        shape = [self.synth.levels[k] for k in parameters]
        rows = np.repeat(old.levels[None], int(np.prod(shape)), axis=0)
        rows[:, parameters] = np.stack(np.unravel_index(np.arange(len(rows)), shape), axis=1)
        sounds = self.tried.sounds(self.tried.values(rows))
        squares = np.einsum("ij,ij->i", sounds, sounds)
        explained = np.maximum(sounds @ self.target, 0) ** 2 / np.maximum(squares, 1e-9)
        near = int((explained >= explained.max() - LIKELY * self.energy).sum())
        best = np.argsort(-explained, kind="stable")[: min(MOST_REFITTED, max(REFITTED, near))]
        together = np.stack([self.own_components(row) for row in rows[best]])
        return self.better(old, rows[best], together)

    def oscillator(self, old: Found, wave: int) -> Found:
        """Those settings of one wave that sines propose, the others fitted anew to each."""
        sounds = self.own_components(old.levels)
        others = np.delete(sounds, wave, axis=0)
        weights = _fitted(*_inner(others, self.target)).astype(np.float32)
        explained = self.explained(old.levels, self.target - weights @ others)
        settings = self.sines.settings[np.argsort(-explained, kind="stable")[:NEARBY]]
        rows = np.repeat(old.levels[None], len(settings), axis=0)
        rows[:, self.tuned[wave]] = settings
        together = np.repeat(sounds[None], len(settings), axis=0)
        together[:, wave] = self.components(rows, np.full(len(settings), wave))
        return self.better(old, rows, together)


def _inner(parts: Array, target: Array) -> tuple[Table, Table]:
    """Products of parts, shape (parts, frames), with the target and with each other."""
    return (parts @ target).astype(np.float64), (parts @ parts.T).astype(np.float64)


def _left_over(products: NDArray[Any], squares: NDArray[Any], most: float) -> Table:
    """About what each row leaves over, but for the energy: weights outside of 0 to ``most`` are clipped."""
    size = products.shape[1]
    ridge = 1e-6 * max(float(np.einsum("nii->n", squares).mean()) / size, 1e-12)
    solved = np.linalg.solve(squares.astype(np.float64) + ridge * np.eye(size), products[..., None])
    weights = solved[..., 0].clip(0, most)
    both = np.einsum("ni,nij,nj->n", weights, squares, weights, optimize=True)
    return np.asarray(both - 2 * np.einsum("ni,ni->n", weights, products))


def _fitted(products: Table, squares: Table) -> Table:
    """Weights from 0 on that leave the least."""
    ridge = 1e-7 * max(float(np.trace(squares)), 1e-9)
    try:
        factor = np.linalg.cholesky(squares + ridge * np.eye(len(squares)))
        told = np.linalg.solve(factor, products)
    except np.linalg.LinAlgError:  # single precision tells waves that are alike apart by less than nothing
        values, vectors = np.linalg.eigh(squares)
        roots = np.sqrt(np.maximum(values, ridge))
        factor, told = vectors * roots, vectors.T @ products / roots
    return np.asarray(scipy.optimize.nnls(factor.T, told)[0])
