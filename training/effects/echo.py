"""Learning an effect that repeats itself (delay, echo) from dry and wet sound: a line and its filters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ...export.model import Echo, Metadata, NeuralModel
from .config import TrainingError
from .data import Pair
from .evaluate import loudness_db
from .least_squares import lagged_products
from .linear import check_pairs, convolve, fit_response, held_out_start

Samples: TypeAlias = NDArray[np.float64]

FILTER_TAPS = 128
SHORTEST_DELAY = 64
LONGEST_DELAY_S = 2.0
PRE_RING = 8
"""Samples that a filter may answer before the peak of a repeat."""
AUDIBLE_DB = -60.0
"""Energy of all repeats against that of the direct sound below which there are none."""
EXPLAINED_ESR = 0.3
"""Error on the repeats of the estimated response above which they are not those of a loop."""
STABLE = 0.999
ROUGH = (1e-3, 1e-5)
"""Ridges for the first look at the response; the sound itself says the rest."""
DAMPINGS = (1e-10, 1e-7, 1e-4)
"""Of the steps, relative to the energy of what each tap hears."""
ROUNDS = 20


@dataclass(frozen=True)
class Line:
    """The numbers of an `Echo` in float64 while they are sought."""

    direct: Samples
    enter: Samples
    loop: Samples
    delay: int

    @property
    def loop_gain(self) -> float:
        """The largest gain of one round through the loop, over frequency."""
        return float(np.abs(np.fft.rfft(self.loop, 16384)).max())

    def ring(self, entering: NDArray[np.floating]) -> Samples:
        """``w[n] = entering[n] + (loop * w)[n - delay]``, a block of ``delay`` frames at a time."""
        past = len(self.loop) - 1
        output = np.concatenate((np.zeros(past + self.delay), entering))
        for start in range(past + self.delay, len(output), self.delay):
            block = output[start : start + self.delay]
            heard = output[start - self.delay - past : start - self.delay + len(block)]
            block += np.convolve(heard, self.loop, "valid")
        return output[past + self.delay :]

    def repeats(self, dry: NDArray[np.floating]) -> Samples:
        """The wet sound without the direct one, shape (frames,)."""
        return self.ring(_later(convolve(self.enter, dry), self.delay))

    def play(self, dry: NDArray[np.floating]) -> Samples:
        """The wet sound for a dry one, from rest, shape (frames,)."""
        return convolve(self.direct, dry) + self.repeats(dry)


def learn_echo(
    pairs: Sequence[Pair],
    *,
    name: str | None = None,
    gear_type: str | None = None,
    longest_delay_s: float = LONGEST_DELAY_S,
    progress: Callable[[float], None] = lambda _: None,
) -> NeuralModel:
    """A model of an effect whose repeats go round a loop: `Echo`.

    The impulse response, estimated over several repeats, gives the delay and first filters; Gauss-Newton
    steps on the sound itself refine them until the held-back end of the sound gains no more.

    Parameters
    ----------
    pairs : see `linear.check_pairs`
    name, gear_type : for the metadata
    longest_delay_s : the longest delay that is looked for
    progress : called with the part that is done, 0 to 1

    Raises
    ------
    TrainingError
        If no repeats are found, if their loop would not die away, or if the pairs are unfit.
    """
    rate = check_pairs(pairs)
    frames = sum(len(pair.dry) for pair in pairs)
    taps = max(4 * SHORTEST_DELAY, min(round(2.6 * longest_delay_s * rate), frames // 4))
    estimate = fit_response(pairs, taps, ridges=ROUGH, progress=lambda part: progress(0.5 * part))
    line = _from_response(estimate.taps, pairs[0].name, rate)
    line, esr = _refined(line, pairs, rate, lambda part: progress(0.5 + 0.5 * part))
    if esr > EXPLAINED_ESR:
        raise TrainingError(
            f"{pairs[0].name}: repeats every {1000 * (line.delay + PRE_RING) / rate:.1f} ms leave "
            f"{100 * esr:.0f} % of the wet sound unexplained; use --network linear or another kind"
        )
    line = _trimmed(line)
    direct, enter, loop = (part.astype(np.float32) for part in (line.direct, line.enter, line.loop))
    metadata = Metadata(
        name=name,
        gear_type=gear_type,
        loudness_db=loudness_db(lambda dry: line.play(dry).astype(np.float32), rate),
        validation_esr=esr,
        extra={"delay_ms": round(1000 * (line.delay + _peak(line.enter)) / rate, 3)},
    )
    progress(1.0)
    return NeuralModel(Echo(direct, enter, loop, line.delay), rate, metadata)


def _from_response(response: Samples, name: str, rate: float) -> Line:
    """A first line from an impulse response, with the delay that explains most of what comes later."""
    total = float(response @ response)
    later = response[SHORTEST_DELAY:]
    heard_db = 10 * math.log10(max(float(later @ later) / max(total, 1e-30), 1e-30))
    if heard_db < AUDIBLE_DB:
        raise TrainingError(
            f"{name}: nothing is heard later than {1000 * SHORTEST_DELAY / rate:.1f} ms after the direct "
            f"sound ({heard_db:.0f} dB), so there are no repeats; use --network linear"
        )
    tried = [_first_guess(response, delay) for delay in _onsets(response)]
    error, line = min(tried, key=lambda one: one[0])
    if error > EXPLAINED_ESR:
        raise TrainingError(
            f"{name}: no repeats at equal distances were found; the best distance, "
            f"{1000 * (line.delay + PRE_RING) / rate:.1f} ms, explains "
            f"{100 * max(0.0, 1 - error):.0f} % of what is heard after the direct sound; use --network linear"
        )
    return _checked(line, name, rate)


def _onsets(response: Samples) -> list[int]:
    """Delays to try: a little before each of the highest peaks after the direct sound, the first ones too."""
    size = np.abs(response)
    size[: SHORTEST_DELAY + PRE_RING] = 0.0
    loud = 0.03 * size.max()
    peaks = []
    for _ in range(12):
        peak = int(np.argmax(size))
        if size[peak] <= loud:
            break
        peaks.append(peak)
        size[max(0, peak - FILTER_TAPS) : peak + FILTER_TAPS] = 0.0
    return [peak - PRE_RING for peak in peaks]


def _first_guess(response: Samples, delay: int) -> tuple[float, Line]:
    """Filters for a delay, and the share of what comes after the direct sound that they do not explain."""
    width = min(FILTER_TAPS, delay)
    direct, enter = response[:width], response[delay : delay + width]
    repeats = response.copy()
    repeats[:width] = 0.0
    source, target = repeats[: len(repeats) - delay], repeats[delay:].copy()
    target[:width] -= enter[: len(target)]
    own = lagged_products(source, source, width)
    own[0] += 1e-6 * own[0] + 1e-9 * float(repeats @ repeats)
    loop = linalg.solve_toeplitz(own, lagged_products(target, source, width))
    line = Line(direct, enter, loop, delay)
    early, left = repeats[:delay], target - convolve(loop, source)
    return float((early @ early + left @ left) / (repeats @ repeats)), line


def _refined(
    line: Line, pairs: Sequence[Pair], rate: float, progress: Callable[[float], None]
) -> tuple[Line, float]:
    """Gauss-Newton steps on the error of the output, for as long as the held-back sound gains.

    Each step is damped as little as keeps the loop stable and the held-back sound gaining.
    """
    esr = _held_back_esr(line, pairs)
    for index in range(ROUNDS):
        before = esr
        tried = _steps(line, pairs)
        stable = [step for step in tried if step.loop_gain < STABLE]
        if not stable and esr > EXPLAINED_ESR / 10:
            _checked(tried[0], pairs[0].name, rate)
        for step in stable:
            now = _held_back_esr(step, pairs)
            if now < before:
                line, esr = step, now
                break
        progress((index + 1) / ROUNDS)
        if not esr < 0.98 * before:
            break
    return line, esr


def _steps(line: Line, pairs: Sequence[Pair]) -> list[Line]:
    """One Gauss-Newton step, at each of `DAMPINGS`.

    The output is linear in ``direct`` and ``enter``; its derivative by tap k of ``loop`` is the repeats, run
    through the loop once more and k samples later (L. Ljung, *System Identification*, 2nd ed., ch. 10).
    """
    widths = (len(line.direct), len(line.enter), len(line.loop))
    matrix = np.zeros((sum(widths), sum(widths)))
    gradient = np.zeros(sum(widths))
    places = np.split(np.arange(sum(widths)), np.cumsum(widths)[:-1])
    for pair in pairs:
        end = held_out_start(pair)
        dry, wet = pair.dry[:end].astype(np.float64), pair.wet[:end]
        entered = _later(line.ring(dry), line.delay)
        repeats = convolve(line.enter, entered)
        error = wet - convolve(line.direct, dry) - repeats
        sources = (dry, entered, _later(line.ring(repeats), line.delay))
        for a, (rows, source) in enumerate(zip(places, sources, strict=True)):
            gradient[rows] += lagged_products(error, source, widths[a])
            for b in range(a + 1):
                lags = max(widths[a], widths[b])
                forth = lagged_products(source, sources[b], lags)
                back = lagged_products(sources[b], source, lags)
                block = linalg.toeplitz(back[: widths[a]], forth[: widths[b]])
                matrix[np.ix_(rows, places[b])] += block
                if a != b:
                    matrix[np.ix_(places[b], rows)] += block.T
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-30))
    steps = []
    for damping in DAMPINGS:
        scaled = matrix / np.outer(scale, scale) + damping * np.eye(len(scale))
        direct, enter, loop = np.split(
            np.linalg.solve(scaled, gradient / scale) / scale, np.cumsum(widths)[:-1]
        )
        steps.append(Line(line.direct + direct, line.enter + enter, line.loop + loop, line.delay))
    return steps


def _held_back_esr(line: Line, pairs: Sequence[Pair]) -> float:
    error = signal = 0.0
    for pair in pairs:
        start = held_out_start(pair)
        wet = pair.wet[start:].astype(np.float64)
        error += float(((line.play(pair.dry)[start:] - wet) ** 2).sum())
        signal += float((wet**2).sum())
    return error / max(signal, 1e-30)


def _checked(line: Line, name: str, rate: float) -> Line:
    """The line, if its loop dies away."""
    if line.loop_gain >= STABLE:
        raise TrainingError(
            f"{name}: repeats were found every {1000 * (line.delay + PRE_RING) / rate:.1f} ms, but they do "
            f"not die away (the loop's gain is {line.loop_gain:.3f}); turn the feedback down, "
            "or use --network linear"
        )
    return line


def _trimmed(line: Line, share: float = 1e-14) -> Line:
    """Filters without the ends that hold less than ``share`` of their energy, and the delay to match."""
    first = min(_lead(line.enter, share), _lead(line.loop, share))
    direct, enter, loop = (
        part[: max(1, len(part) - _lead(part[::-1], share))]
        for part in (line.direct, line.enter[first:], line.loop[first:])
    )
    return Line(direct, enter, loop, line.delay + first)


def _lead(taps: Samples, share: float) -> int:
    """Taps at the start that together hold less than ``share`` of the energy."""
    energy = np.cumsum(taps**2)
    return int(np.searchsorted(energy, share * energy[-1])) if energy[-1] > 0 else len(taps)


def _later(signal: Samples, frames: int) -> Samples:
    return np.concatenate((np.zeros(frames), signal))[: len(signal)]


def _peak(taps: Samples) -> int:
    return int(np.argmax(np.abs(taps)))
