"""Finding a delay that moves with a low-frequency oscillator: its rate, and its course over the phase."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft, ndimage, sparse

from .estimation import Samples, Sound

FRAME_S = 0.0054
"""Of sound in which the delay is taken to stand still."""
LOWEST_HZ, HIGHEST_HZ = 0.05, 12.0
LEAST_UNEXPLAINED = 3e-3
"""What the delayed sound may leave of a frame for the highest score: a tone fits many delays by chance."""
CYCLES = 3.0
"""An oscillation must be heard so often to be told from chance."""
COARSE_SECONDS = 12.0
COARSE_PHASES, PHASES = 24, 64
SAME = 0.8
"""A multiple of a rate explains as much when it explains this part of it, beyond what chance does."""
UNRELATED = (1.1377, 1.2713, 1.4219, 1.5893, 1.7771)
"""Factors to rates that explain by chance alone."""


def delay_scores(sounds: Sequence[Sound], frame: int, longest: int) -> tuple[Samples, Samples]:
    """How well each delay of the dry sound explains the wet, in short frames.

    A frame's score at a delay is the gain in likelihood by the delayed dry sound beside the dry sound
    itself: minus the logarithm of the part of energy that both leave, less its mean over the delays. Both
    sounds are differentiated, which sharpens the peaks.

    Parameters
    ----------
    sounds : dry and wet, all from the same phase
    frame : frames in each
    longest : delay in frames

    Returns
    -------
    times : ndarray, shape (count,), float64
        The middle of each frame that sounds, in frames from its sound's start.
    scores : ndarray, shape (count, longest + 1), float64
    """
    times, rows = [], []
    size = fft.next_fast_len(longest + 2 * frame, real=True)
    for dry, wet in sounds:
        steep, target = np.diff(dry, prepend=0.0), np.diff(wet, prepend=0.0)
        padded = np.concatenate((np.zeros(longest), steep))
        starts = np.arange(0, len(dry) - frame + 1, frame)
        floor = 1e-4 * float(np.mean(target**2)) * frame
        squares = np.concatenate(([0.0], np.cumsum(padded**2)))
        for start in starts:
            heard, direct = target[start : start + frame], steep[start : start + frame]
            if float(heard @ heard) < floor:
                continue
            past = fft.rfft(padded[start : start + longest + frame], size)
            spectra = fft.rfft(np.stack((heard, direct)), size)
            match, alike = fft.irfft(past * spectra.conj(), size)[:, longest::-1]
            begins = start + longest - np.arange(longest + 1)
            energy = squares[begins + frame] - squares[begins]
            own = float(direct @ direct) + 1e-9 * floor
            share = float(heard @ direct) / own
            left = float(heard @ heard) - share * float(heard @ direct)
            explained = (match - share * alike) ** 2
            explained /= np.maximum(energy - alike**2 / own, 1e-2 * energy + 1e-2 * floor)
            times.append(start + 0.5 * frame)
            unexplained = 1.0 - explained / max(left, 1e-2 * float(heard @ heard))
            score = -np.log(np.maximum(unexplained, LEAST_UNEXPLAINED))
            rows.append(score - score.mean())
    return np.array(times), np.array(rows, np.float32, ndmin=2).astype(np.float64)


def find_rate(times_s: Samples, scores: Samples) -> float:
    """The rate in Hz at which the best delays repeat.

    Scores of frames at the same phase are averaged; the right rate leaves the sharpest peaks over the
    delays ("epoch folding", D. Leahy et al., Astrophysical Journal 266, 1983). A rate at half or a third
    explains as much, and the highest that does is taken.
    """
    coarse = _pooled(scores, 8)
    coarse = coarse - coarse.mean(axis=0)
    span = float(times_s.max())
    early = times_s < COARSE_SECONDS
    candidates = []
    for part, low, high in (
        (early, CYCLES / min(span, COARSE_SECONDS), HIGHEST_HZ),
        (times_s >= 0.0, None, None),
    ):
        seconds = float(times_s[part].max())
        bottom = max(LOWEST_HZ, CYCLES / seconds) if low is None else low
        top = CYCLES / COARSE_SECONDS if high is None else high
        if bottom < top:
            rates = np.arange(bottom, top, 1 / (8 * seconds))
            sharpness = [_sharpness(times_s[part], coarse[part], rate) for rate in rates]
            for peak in np.argsort(sharpness)[::-1][:3]:
                candidates.append(_sharpened(times_s, coarse, float(rates[peak]), 1 / (8 * seconds)))
    best = max(candidates, key=lambda rate: _sharpness(times_s, coarse, rate))
    chance = float(np.median([_sharpness(times_s, coarse, best * factor) for factor in UNRELATED]))
    reached = _sharpness(times_s, coarse, best) - chance
    for multiple in (5, 4, 3, 2):
        if multiple * best <= HIGHEST_HZ:
            rate = _sharpened(times_s, coarse, multiple * best, 1 / (8 * span))
            if _sharpness(times_s, coarse, rate) - chance > SAME * reached:
                return rate
    return best


def delay_course(times_s: Samples, scores: Samples, rate_hz: float) -> Samples:
    """The delay at `PHASES` phases from 0 on, in frames: the smooth closed path along the best scores.

    Dynamic programming over twice around the phase, of which the middle lap is closed.
    """
    folded = _pooled(_fold(times_s, scores, rate_hz, PHASES), 2)
    folded = ndimage.gaussian_filter(folded - np.median(folded, axis=0), (1.0, 1.0), mode=("wrap", "nearest"))
    folded /= max(float(folded.max()), 1e-12)
    laps = np.concatenate((folded, folded, folded))
    reach = max(folded.shape[1] // 16, 4)
    steps = np.arange(-reach, reach + 1)
    penalty = 0.5 * (steps / reach) ** 2
    total, origins = laps[0], np.zeros(laps.shape, np.int64)
    for row in range(1, len(laps)):
        padded = np.pad(total, reach, constant_values=-np.inf)
        options = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1) - penalty
        best = np.argmax(options, axis=1)
        origins[row] = np.arange(len(total)) + steps[best]
        total = options[np.arange(len(total)), best] + laps[row]
    path = np.empty(len(laps), np.int64)
    path[-1] = int(np.argmax(total))
    for row in range(len(laps) - 1, 0, -1):
        path[row - 1] = origins[row, path[row]]
    return np.asarray(2.0 * path[PHASES : 2 * PHASES] + 0.5, np.float64)


def _pooled(scores: Samples, width: int) -> Samples:
    """The best of each ``width`` neighbouring delays."""
    length = -(-scores.shape[1] // width) * width
    padded = np.pad(scores, ((0, 0), (0, length - scores.shape[1])), mode="edge")
    return np.asarray(padded.reshape(len(scores), -1, width).max(axis=2))


def _fold(times_s: Samples, scores: Samples, rate_hz: float, phases: int) -> Samples:
    """The mean score of the frames around each phase, shape (phases, delays)."""
    bins = np.rint(times_s * rate_hz * phases).astype(np.int64) % phases
    counts = np.maximum(np.bincount(bins, minlength=phases), 1)
    weights = 1.0 / counts[bins]
    matrix = sparse.csr_matrix((weights, (bins, np.arange(len(bins)))), shape=(phases, len(bins)))
    return np.asarray(matrix @ scores)


def _sharpness(times_s: Samples, scores: Samples, rate_hz: float) -> float:
    return float(_fold(times_s, scores, rate_hz, COARSE_PHASES).max(axis=1).mean())


def _sharpened(times_s: Samples, scores: Samples, rate_hz: float, reach_hz: float) -> float:
    """The rate with the sharpest peaks within ``reach_hz`` of ``rate_hz``."""
    finest = 1 / (32 * float(times_s.max()))
    rates = [
        rate_hz + step * finest for step in range(-int(reach_hz / finest) - 1, int(reach_hz / finest) + 2)
    ]
    return max((r for r in rates if r > 0), key=lambda rate: _sharpness(times_s, scores, rate))
