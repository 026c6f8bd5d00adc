"""The filter after a network, solved for: the least-squares taps for what the network now puts out."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from .cascade import CascadeNetwork
from .data import Pair, levels_of
from .evaluate import esr_of
from .least_squares import NormalEquations
from .networks import EffectNetwork

Samples: TypeAlias = NDArray[np.float64]

SECONDS, LAST_SECONDS = 100.0, 1000.0
"""Sound that is heard at most."""
ITERATIONS, LAST_ITERATIONS = 15, 40
FEWEST = 8
RIDGE, LAST_RIDGE = 1e-3, 1e-4


def finish_response(network: EffectNetwork, pairs: Sequence[Pair], held_back: Sequence[Pair]) -> None:
    """Solve for all taps once more after the last batch, closely; taken if sound that was held back gains."""
    before, present = esr_of(network, held_back), copy.deepcopy(network.state_dict())
    solve_response(network, pairs, last=True)
    if not esr_of(network, held_back) < before:
        network.load_state_dict(present)


@torch.no_grad()
def solve_response(network: EffectNetwork, pairs: Sequence[Pair], last: bool = False) -> None:
    """Set the taps of a network's response to those that come nearest to the wet sounds.

    Descent moves two thousand taps slowly, while the nonlinear core before them learns quickly; given the
    core's output, the taps are a linear problem, also where knobs move them (the idea of variable
    projection: G. Golub and V. Pereyra, SIAM J. Numer. Anal. 10(2), 1973). Conjugate gradients go on from
    the present taps, so that what the sound does not tell stays as it is.

    Parameters
    ----------
    network : with a response
    pairs : with the turns of its knobs; only a part of them is heard
    last : solve closely, and for the taps of the knobs' bent features too, which are settled by then
    """
    response = network.response
    if response is None:
        raise ValueError("this network has no response to solve for")
    count = response.memory + 1
    frames = (LAST_SECONDS if last else SECONDS) * pairs[0].rate
    longest = round(frames / min(len(pairs), FEWEST))
    heard = pairs[:: max(1, round(sum(len(pair.dry[:longest]) for pair in pairs) / frames))]
    equations, weights = [], []
    for pair, level in zip(heard, levels_of(heard), strict=True):
        played, features = network.play_core(pair.dry[:longest], pair.turns)
        equations.append(NormalEquations.of([(played / level, pair.wet[:longest] / level)], count))
        weights.append(np.concatenate(([1.0], features)))
    start = response.taps.double().cpu().numpy()
    solved = len(start) if last else 1 + len(network.knobs)
    taps = _solve(equations, np.array(weights), start, solved, last)
    response.taps[:solved] = torch.from_numpy(taps).to(response.taps)
    if isinstance(network.core, CascadeNetwork):  # else each solution makes up for a core that falls silent
        loudness = max(float(response.taps[0].norm()), 1e-6)
        network.core.amplify(loudness)
        response.taps.div_(loudness)


def _solve(
    equations: Sequence[NormalEquations], weights: Samples, start: Samples, solved: int, last: bool
) -> Samples:
    """Taps, shape (solved, count), that fit all pairs, by preconditioned conjugate gradients.

    What is regularised is the change from ``start``.

    Parameters
    ----------
    equations : of each pair's filter
    weights : of the rows of taps in each pair's filter, shape (pairs, rows)
    start : where to begin, shape (rows, count)
    solved : the first so many rows are solved for; those of the knobs' bent features stay
    """
    count, size = start.shape[1], equations[0].size
    ridge = (LAST_RIDGE if last else RIDGE) * sum(own.power for own in equations)
    smooth = np.mean([own.smooth for own in equations], axis=0) + ridge / len(equations)
    filters = weights @ start
    weights = weights[:, :solved]
    rows = weights.T @ weights
    unmix = np.linalg.inv(rows + 1e-3 * np.trace(rows) / len(rows) * np.eye(len(rows)))

    def heard(filters: Samples) -> Samples:
        return np.array([own.multiply(filter_) for own, filter_ in zip(equations, filters, strict=True)])

    def products(taps: Samples) -> Samples:
        return np.asarray(weights.T @ heard(weights @ taps))

    def preconditioned(residual: Samples) -> Samples:
        """As if all pairs had the same spectrum, and the filter wrapped around."""
        return np.asarray(unmix @ irfft(rfft(residual, size) / smooth, size)[:, :count])

    taps = start[:solved].copy()
    residual = weights.T @ (np.array([own.right for own in equations]) - heard(filters))
    step = preconditioned(residual)
    direction, energy = step.copy(), float((residual * step).sum())
    for _ in range(LAST_ITERATIONS if last else ITERATIONS):
        moved = products(direction) + ridge * direction
        length = energy / max(float((direction * moved).sum()), 1e-30)
        taps += length * direction
        residual -= length * moved
        step = preconditioned(residual)
        before, energy = energy, float((residual * step).sum())
        direction = step + energy / max(before, 1e-30) * direction
    return taps
