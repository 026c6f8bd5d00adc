"""Learning chorus and vibrato from dry and wet sound: a voice whose delay follows an oscillator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, signal

from ...export.model import Modulation, NeuralModel
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
from .oscillation import FRAME_S, delay_course, delay_scores, find_rate

POINTS = 1024
LEAD = 4
"""Frames by which the voice comes early when it gets a filter, so that the filter can be symmetric."""
CUTOFFS = (0.02, 0.06, 0.2)
"""Of the error's low-pass filter while the delay is refined, as parts of the sample rate."""
EARLY_HARMONICS, EARLY_SECONDS = 3, 12.0
"""Of delay, and of sound, so long as there is a low-pass filter."""
CHUNK, WARM_UP = 1 << 16, 1024
HIGHEST_ESR = 0.3
"""What leaves more of the wet sound unexplained is no such effect."""
SETTLED = 1e-8
"""An error not worth another step."""
STATIC_ESR = 1e-5
"""What a fixed filter explains so well does not move."""


@dataclass(frozen=True)
class _Voice:
    """The moving voice: its delay in frames and its gain as Fourier series over the phase, and the rate.

    ``delay`` and ``gain`` hold the constant, then cosine and sine of each harmonic.
    """

    delay: Samples
    gain: Samples
    rate_hz: float


def learn_modulation(
    pairs: Sequence[Pair],
    *,
    taps: int = 16,
    harmonics: int = 8,
    longest_delay_s: float = 0.04,
    seconds: float = 60.0,
    progress: Progress = no_progress,
) -> NeuralModel:
    """The chorus or vibrato that turns the dry sound of the pairs into the wet.

    The delay of the voice in short frames gives the oscillator's rate and the delay's course over its
    phase (`oscillation`). From there Gauss-Newton steps on the waveform's error refine rate, delay and gain,
    first on low frequencies, where the error has no other minimum near, then on all. The filters of
    direct sound and voice are least squares given the delay, longer than one tap only where that helps.

    Parameters
    ----------
    pairs : dry and wet from rest, aligned, and all from the same phase of the oscillator
    taps : of the filters, `LEAD` + 1 or more
    harmonics : of delay and gain over the phase
    longest_delay_s : of the voice
    seconds : of sound to use at most
    progress : called with the part done

    Raises
    ------
    TrainingError
        If the pairs do not fit together, a fixed filter explains the wet sound, or no moving voice does.
    """
    sounds, rate = sounds_of(pairs, seconds)
    wets = [wet for _, wet in sounds]
    fixed = fit_responses([[dry] for dry, _ in sounds], wets, [64])[0]
    still = esr([filtered(fixed, dry) for dry, _ in sounds], wets)
    if still < STATIC_ESR:
        raise TrainingError(
            f"nothing moves in the wet sound of {pairs[0].name}: a fixed filter explains all but {still:.1e} "
            "of its energy; learn it with the network for filters"
        )
    times, scores = delay_scores(sounds, max(round(FRAME_S * rate), 64), round(longest_delay_s * rate))
    progress(0.2)
    rate_hz = find_rate(times / rate, scores)
    course = delay_course(times / rate, scores, rate_hz)
    del scores
    progress(0.3)
    voice, filters, error = _refine(
        sounds, rate, course, rate_hz, harmonics, lambda part: progress(0.3 + 0.5 * part)
    )
    if error > SETTLED and float(np.min(_table(voice.delay))) > LEAD:
        early = replace(voice, delay=voice.delay - LEAD * (np.arange(len(voice.delay)) == 0))
        progress(0.8)
        outcome = _descend(sounds, rate, early, (taps, taps), None)
        if outcome[2] < 0.7 * error - 1e-9:
            voice, filters, error = outcome
    if not error <= min(HIGHEST_ESR, 0.9 * still):
        raise TrainingError(
            f"no voice with a moving delay makes the wet sound of {pairs[0].name} from the dry: "
            f"{100 * error:.0f} % of its energy stays unexplained, with a fixed filter {100 * still:.0f} %; "
            "align the two, let all pairs begin at the same phase, or choose another network for this effect"
        )
    progress(1.0)
    network = Modulation(
        direct=float32(filters[0]),
        wet=float32(filters[1]),
        delay=float32(np.maximum(_table(voice.delay), 0.0)),
        gain=float32(_table(voice.gain)),
        rate_hz=voice.rate_hz,
    )
    return NeuralModel(network, sample_rate=rate)


def _refine(
    sounds: Sequence[Sound], rate: float, course: Samples, rate_hz: float, harmonics: int, progress: Progress
) -> tuple[_Voice, list[Samples], float]:
    """Gauss-Newton from low frequencies and few harmonics to all, from a course of the delay."""
    early = start_of(sounds, max(EARLY_SECONDS, 3.0 / rate_hz) * rate)
    voice = _Voice(_series(course, min(EARLY_HARMONICS, harmonics)), np.ones(1), rate_hz)
    for index, cutoff in enumerate(CUTOFFS):
        voice, _, _ = _descend(early, rate, voice, (1, 1), cutoff)
        progress(0.4 * (index + 1) / len(CUTOFFS))
    voice = replace(voice, delay=_resized(voice.delay, harmonics), gain=_resized(voice.gain, harmonics))
    voice, _, _ = _descend(early, rate, voice, (1, 1), None)
    progress(0.6)
    return _descend(sounds, rate, voice, (1, 1), None)


def _descend(
    sounds: Sequence[Sound],
    rate: float,
    voice: _Voice,
    taps: tuple[int, int],
    cutoff: float | None,
    steps: int = 8,
) -> tuple[_Voice, list[Samples], float]:
    """Gauss-Newton steps on the error below ``cutoff`` (of the sample rate), as long as it falls.

    Returns
    -------
    voice, filters of direct sound and voice, error-to-signal ratio
    """
    low_pass = None if cutoff is None else signal.butter(2, 2 * cutoff, output="sos")
    best, filters, error = voice, _filters(sounds, rate, voice, taps), np.inf
    damping = 1e-6
    matrix, right = np.zeros((0, 0)), np.zeros(0)
    for _ in range(steps + 1):
        trial_filters = _filters(sounds, rate, voice, taps)
        trial = _normal_equations(sounds, rate, voice, trial_filters, low_pass)
        if trial[2] < error:
            settled = trial[2] > (0.999 if cutoff is None else 0.98) * error or trial[2] < SETTLED
            best, filters, (matrix, right, error) = voice, trial_filters, trial
            damping = max(damping / 10, 1e-9)
            if settled:
                break
        else:
            damping *= 100
            if damping > 1.0:
                break
        voice = _stepped(best, matrix, right, damping)
    return best, filters, error


def _stepped(voice: _Voice, matrix: Samples, right: Samples, damping: float) -> _Voice:
    """The voice after a step of Levenberg and Marquardt."""
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-30))
    scaled = matrix / np.outer(scale, scale)
    scaled.flat[:: len(scaled) + 1] += damping
    step = linalg.solve(scaled, right / scale, assume_a="pos") / scale
    delays, gains = len(voice.delay), len(voice.gain)
    return _Voice(
        voice.delay + step[:delays],
        voice.gain + np.append(0.0, step[delays : delays + gains - 1]),
        voice.rate_hz + float(step[-1]),
    )


def _normal_equations(
    sounds: Sequence[Sound], rate: float, voice: _Voice, filters: list[Samples], low_pass: Samples | None
) -> tuple[Samples, Samples, float]:
    """Of a step of the delay, of the gain but for its constant (the filter holds it), and of the rate."""
    columns = len(voice.delay) + len(voice.gain)
    matrix, right = np.zeros((columns, columns)), np.zeros(columns)
    error = energy = 0.0
    direct, wet_filter = filters
    for dry, wet in sounds:
        for start in range(0, len(dry), CHUNK):
            begin = max(start - WARM_UP, 0)
            n = np.arange(begin, min(start + CHUNK, len(dry)))
            basis, slope = _phase_basis(n * (voice.rate_hz / rate), len(voice.delay))
            delay, gain = voice.delay @ basis, voice.gain @ basis[: len(voice.gain)]
            shifted, steepness = delayed(dry, n, delay)
            steered = gain * steepness
            rows = np.empty((columns + 2, len(n)))
            np.multiply(steered, basis, out=rows[: len(voice.delay)])
            np.multiply(shifted, basis[1 : len(voice.gain)], out=rows[len(voice.delay) : columns - 1])
            rows[columns - 1] = steered * (voice.delay @ slope) * n / rate
            rows[columns] = gain * shifted
            rows[: columns + 1] = filtered(wet_filter, rows[: columns + 1])
            rows[columns + 1] = wet[n]
            past = dry[max(begin - len(direct), 0) : n[-1] + 1]
            rows[columns] += filtered(direct, past)[-len(n) :]
            rows[columns] = rows[columns + 1] - rows[columns]
            if low_pass is not None:
                rows = np.asarray(signal.sosfilt(low_pass, rows))
            rows = rows[:, start - begin :]
            residual = rows[columns]
            matrix += rows[:columns] @ rows[:columns].T
            right += rows[:columns] @ residual
            error += float(residual @ residual)
            energy += float(rows[columns + 1] @ rows[columns + 1])
    return matrix, right, error / max(energy, 1e-12)


def _filters(sounds: Sequence[Sound], rate: float, voice: _Voice, taps: tuple[int, int]) -> list[Samples]:
    """The filters of direct sound and voice, by least squares."""
    voices = [_voice_sound(dry, rate, voice) for dry, _ in sounds]
    inputs = [[dry, moved] for (dry, _), moved in zip(sounds, voices, strict=True)]
    return fit_responses(inputs, [wet for _, wet in sounds], taps)


def _voice_sound(dry: Samples, rate: float, voice: _Voice) -> Samples:
    output = np.empty(len(dry))
    for start in range(0, len(dry), CHUNK):
        n = np.arange(start, min(start + CHUNK, len(dry)))
        basis, _ = _phase_basis(n * (voice.rate_hz / rate), max(len(voice.delay), len(voice.gain)))
        shifted, _ = delayed(dry, n, voice.delay @ basis[: len(voice.delay)])
        output[n] = shifted * (voice.gain @ basis[: len(voice.gain)])
    return output


def delayed(dry: Samples, n: NDArray[np.int64], delay: Samples) -> tuple[Samples, Samples]:
    """``dry(n - delay)`` on straight lines between samples, and its derivative by the delay."""
    delay = np.maximum(delay, 0.0)
    whole = delay.astype(np.int64)
    newer, older = n - whole, n - whole - 1
    first = np.where(newer >= 0, dry[np.maximum(newer, 0)], 0.0)
    second = np.where(older >= 0, dry[np.maximum(older, 0)], 0.0)
    return first + (delay - whole) * (second - first), second - first


def _phase_basis(phase: NDArray[np.floating], terms: int) -> tuple[Samples, Samples]:
    """The constant, and cosine and sine of each harmonic, shape (terms, frames); and their derivatives."""
    basis, slope = np.empty((terms, len(phase))), np.zeros((terms, len(phase)))
    basis[0] = 1.0
    turn = np.exp(2j * np.pi * (phase % 1.0))
    power = np.ones(len(phase), np.complex128)
    for k in range(1, (terms + 1) // 2):
        power = power * turn
        basis[2 * k - 1], basis[2 * k] = power.real, power.imag
        slope[2 * k - 1], slope[2 * k] = -2 * np.pi * k * power.imag, 2 * np.pi * k * power.real
    return basis, slope


def _series(course: Samples, harmonics: int) -> Samples:
    """The Fourier series of a course over the phase, against outliers (Tukey's biweight)."""
    basis, _ = _phase_basis(np.arange(len(course)) / len(course), 2 * harmonics + 1)
    weights = np.ones(len(course))
    series = np.zeros(len(basis))
    for _ in range(10):
        series = linalg.lstsq((basis * weights).T, weights * course)[0]
        off = np.abs(course - series @ basis)
        weights = np.sqrt(np.maximum(1 - (off / max(6 * float(np.median(off)), 4.0)) ** 2, 0.0) ** 2)
    return np.asarray(series)


def _resized(series: Samples, harmonics: int) -> Samples:
    return np.append(series, np.zeros(max(2 * harmonics + 1 - len(series), 0)))


def _table(series: Samples) -> Samples:
    """The series at the phases 0, 1/POINTS, …, 1."""
    basis, _ = _phase_basis(np.arange(POINTS + 1) / POINTS, len(series))
    return np.asarray(series @ basis)
