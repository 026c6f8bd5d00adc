"""Learning a compressor, limiter or expander from dry and wet sound: two times, a curve and a filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numba import njit
from scipy import linalg, optimize

from ...export.model import Compression, NeuralModel
from .config import TrainingError
from .data import Pair
from .estimation import (
    Progress,
    Samples,
    Sound,
    esr,
    filtered,
    fit_responses,
    float32,
    no_progress,
    sounds_of,
    start_of,
)

Times: TypeAlias = tuple[float, float]
"""Time constants of attack and release in seconds."""

LOWEST_DB, STEP_DB, POINTS = -80.0, 0.5, 161
"""The levels at which the gain is estimated, up to 0 dB; below them it stays."""
HIGHEST_DB = 24.0
"""To where the curve goes on as it ended, for sound louder than what was learnt from."""
KINK = 0.1
"""How far the gain may bend from one level to the next: the standard deviation of its second difference."""
ATTACKS_S, RELEASES_S = (2e-5, 3e-4, 2e-3, 1e-2, 5e-2), (1e-3, 5e-3, 2e-2, 8e-2, 3e-1, 1.0)
"""Where the search begins."""
SHORTEST_S, LONGEST_S = 1e-6, 10.0
SEARCH_SECONDS = 20.0
EQUALISER_TAPS = 128
HIGHEST_ESR = 0.2
"""What leaves more of the wet sound unexplained is no compressor."""


def learn_compression(
    pairs: Sequence[Pair], *, taps: int = 32, seconds: float = 120.0, progress: Progress = no_progress
) -> NeuralModel:
    """The compressor that turns the dry sound of the pairs into the wet.

    For given attack and release the gain at each level is a linear least-squares problem on the waveform,
    with as many unknowns as levels. The two times are searched around it, first on a grid, then by Nelder
    and Mead's simplex. The response is an FIR filter from the dry sound times its gain to the wet; where it
    is more than a gain, all is estimated again from the wet sound with the response taken out. The
    model is that of D. Giannoulis, M. Massberg and J. Reiss, "Digital Dynamic Range Compressor Design",
    J. Audio Eng. Soc. 60(6), 2012, with the curve as measured in place of threshold, ratio and knee.

    Parameters
    ----------
    pairs : dry and wet from rest, aligned
    taps : length of the response, 1 or more
    seconds : of sound to use at most
    progress : called with the part done

    Raises
    ------
    TrainingError
        If the pairs do not fit together, or no compressor comes near the wet sound.
    """
    sounds, rate = sounds_of(pairs, seconds)
    wets = [wet for _, wet in sounds]
    flat, times = sounds, _begin(start_of(sounds, SEARCH_SECONDS * rate), rate)
    rounds = 3
    for turn in range(rounds):
        progress(0.4 + 0.6 * turn / rounds)
        times = _refine(flat, rate, times)
        levels, gains = _complete(*_gains(flat, rate, times)[:2])
        driven = [_compressed(dry, levels, gains, rate, times) for dry, _ in sounds]
        [response] = fit_responses([[x] for x in driven], wets, [taps])
        outputs = [filtered(response, x) for x in driven]
        error, plain = esr(outputs, wets), esr([response[0] * x for x in driven], wets)
        if plain <= max(1.2 * error, 1e-9):
            gains, response = gains + 20 * np.log10(max(abs(response[0]), 1e-6)), np.sign(response[:1])
            break
        flat = _equalised(sounds, driven, response)
    if not error <= HIGHEST_ESR:
        raise TrainingError(
            f"no compressor makes the wet sound of {pairs[0].name} from the dry: {100 * error:.0f} % of its "
            f"energy stays unexplained, expected {100 * HIGHEST_ESR:.0f} % or less; align the two, or choose "
            "another network for this effect"
        )
    progress(1.0)
    attack, release = _coefficients(times, rate)
    network = Compression(attack, release, float32(levels), float32(gains), float32(response))
    return NeuralModel(network, sample_rate=rate)


def _coefficients(times: Times, rate: float) -> tuple[float, float]:
    attack, release = (float(np.exp(-1.0 / (rate * time))) for time in times)
    return attack, release


def _begin(sounds: Sequence[Sound], rate: float) -> Times:
    """The best times of the grid."""
    grid = [(attack, release) for attack in ATTACKS_S for release in RELEASES_S]
    return min(grid, key=lambda times: _gains(sounds, rate, times)[2])


def _refine(sounds: Sequence[Sound], rate: float, times: Times) -> Times:
    """The times around ``times`` that leave the least error."""
    low, high = np.log(SHORTEST_S), np.log(LONGEST_S)

    def error(logarithms: Samples) -> float:
        beyond = float(np.sum(np.maximum(low - logarithms, 0.0) + np.maximum(logarithms - high, 0.0)))
        attack, release = np.exp(np.clip(logarithms, low, high))
        return float(np.log(max(_gains(sounds, rate, (attack, release))[2], 1e-14))) + beyond

    start: Samples = np.log(np.array(times))
    simplex = start + np.array(((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)))
    found = optimize.minimize(
        error,
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 1e-5, "fatol": 1e-4, "maxfev": 90},
    )
    attack, release = np.exp(np.clip(found.x, low, high))
    return float(attack), float(release)


def _gains(sounds: Sequence[Sound], rate: float, times: Times) -> tuple[Samples, Samples, float]:
    """The gain at each level (linear), the energy of dry sound there, and the error-to-signal ratio.

    The gain between levels is a sum of hat functions. Where little sound was, a prior on its bends
    (normal, with `KINK`) weighs as much as the noise that is left calls for.
    """
    diagonal, beside, right = np.zeros(POINTS), np.zeros(POINTS), np.zeros(POINTS)
    attack, release = _coefficients(times, rate)
    for dry, wet in sounds:
        _accumulate(dry, wet, attack, release, diagonal, beside, right)
    energy = sum(float(np.sum(wet**2)) for _, wet in sounds)
    frames = sum(len(wet) for _, wet in sounds)
    bends = np.zeros((3, POINTS))  # the upper bands of the second difference's square, for solveh_banded
    for row in range(POINTS - 2):
        for i, a in enumerate((1.0, -2.0, 1.0)):
            for j, b in enumerate((1.0, -2.0, 1.0)[i:], start=i):
                bends[2 - (j - i), row + j] += a * b
    gains, error = np.ones(POINTS), energy
    for _ in range(3):
        bands = max(error, 1e-12 * energy) / frames / KINK**2 * bends
        bands[2] += diagonal + 1e-15 * energy
        bands[1, 1:] += beside[:-1]
        gains = np.asarray(linalg.solveh_banded(bands, right))
        modelled = gains @ (diagonal * gains) + 2 * (gains[:-1] * beside[:-1]) @ gains[1:]
        error = max(energy - 2 * float(gains @ right) + float(modelled), 0.0)
    return gains, diagonal, error / energy


@njit(cache=True)
def _accumulate(
    dry: Samples,
    wet: Samples,
    attack: float,
    release: float,
    diagonal: Samples,
    beside: Samples,
    right: Samples,
) -> None:
    """Add to the normal equations of the gains at the levels, for one sound."""
    envelope = 0.0
    for n in range(len(dry)):
        size = abs(dry[n])
        envelope += (1.0 - (attack if size > envelope else release)) * (size - envelope)
        place = (20.0 * np.log10(max(envelope, 1e-12)) - LOWEST_DB) / STEP_DB
        place = min(max(place, 0.0), POINTS - 1.001)
        low = int(place)
        upper = place - low
        first, second = (1.0 - upper) * dry[n], upper * dry[n]
        diagonal[low] += first * first
        diagonal[low + 1] += second * second
        beside[low] += first * second
        right[low] += first * wet[n]
        right[low + 1] += second * wet[n]


def _complete(gains: Samples, energy: Samples) -> tuple[Samples, Samples]:
    """Levels and gains in dB, from where sound was heard, and beyond it as the curve ended."""
    levels = LOWEST_DB + STEP_DB * np.arange(POINTS)
    heard = np.flatnonzero((energy > 1e-9 * energy.sum()) & (gains > 1e-4))
    if len(heard) == 0:
        heard = np.array([int(np.argmax(energy))])
    first, last = heard[0], heard[-1]
    kept = slice(first, last + 1)
    gains_db = 20 * np.log10(np.maximum(gains[kept], 1e-4))
    top = slice(max(len(gains_db) - 13, 0), None)
    slope = np.polyfit(levels[kept][top], gains_db[top], 1)[0] if len(gains_db) > 3 else 0.0
    beyond = gains_db[-1] + slope * (HIGHEST_DB - levels[last])
    return np.append(levels[kept], HIGHEST_DB), np.append(gains_db, beyond)


def _compressed(dry: Samples, levels: Samples, gains: Samples, rate: float, times: Times) -> Samples:
    """Dry sound times its gain, before the response."""
    envelope = _envelope(dry, *_coefficients(times, rate))
    gain = np.interp(20 * np.log10(np.maximum(envelope, 1e-12)), levels, gains)
    return np.asarray(dry * 10.0 ** (gain / 20))


@njit(cache=True)
def _envelope(dry: Samples, attack: float, release: float) -> Samples:
    """The recursion of `tonerig.export.model.Compression`."""
    output = np.empty(len(dry))
    envelope = 0.0
    for n in range(len(dry)):
        size = abs(dry[n])
        envelope += (1.0 - (attack if size > envelope else release)) * (size - envelope)
        output[n] = envelope
    return output


def _equalised(sounds: Sequence[Sound], driven: Sequence[Samples], response: Samples) -> list[Sound]:
    """Dry sound and the wet with the response taken out, by the filter that brings it back to ``driven``.

    That filter also looks ahead, for the inverse of a response need not be causal.
    """
    ahead = EQUALISER_TAPS // 2
    early = [np.append(wet[ahead:], np.zeros(ahead)) for _, wet in sounds]
    [inverse] = fit_responses([[wet] for wet in early], driven, [EQUALISER_TAPS])
    wets = [filtered(inverse, wet) for wet in early]
    return [(dry, wet) for (dry, _), wet in zip(sounds, wets, strict=True)]
