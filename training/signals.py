"""Dry guitar-like test signals, made from a seed: what a network hears while it learns an effect."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import signal

Array: TypeAlias = NDArray[np.float32]
Samples: TypeAlias = NDArray[np.float64]
Generator: TypeAlias = np.random.Generator

LOWEST_HZ, HIGHEST_HZ = 80.0, 1200.0
SECTION_S = 10.0
CHORD_STRINGS_HZ = (82.41, 110.0, 146.83)


def dry_signal(seconds: float, rate: float, seed: int) -> Array:
    """A seeded mix of test tones, plucked strings, chords, bends, noise and silence: `dry_sections` in a row.

    Parameters
    ----------
    seconds : length, more than 0
    rate : sample rate in Hz, at least 8000
    seed : the same seed gives the same samples

    Returns
    -------
    ndarray, shape (round(seconds * rate),)
        Within ±1.

    Raises
    ------
    ValueError
        For a length or rate outside these ranges.
    """
    if not seconds > 0 or not rate >= 8000:
        raise ValueError(
            f"a signal of {seconds} s at {rate} Hz was asked for; it needs more than 0 s and at least 8000 Hz"
        )
    frames = round(seconds * rate)
    count = -(-frames // round(SECTION_S * rate))
    sections = list(itertools.islice(dry_sections(rate, seed), count))
    return np.concatenate(sections)[:frames] if sections else np.zeros(0, np.float32)


def dry_sections(rate: float, seed: int) -> Iterator[Array]:
    """Endless sections of `SECTION_S` seconds, each with its own density, level, gaps and kinds of sound.

    So an effect with memory is heard from rest, in slow playing, and under a dense wash. Sweeps, sines,
    squares and sawtooths lie between `LOWEST_HZ` and `HIGHEST_HZ`, the range of a guitar's notes.

    Parameters
    ----------
    rate : sample rate in Hz, at least 8000
    seed : the same seed gives the same samples

    Yields
    ------
    ndarray, shape (round(SECTION_S * rate),)
        Within ±1.
    """
    for index in itertools.count():
        section = _section(np.random.default_rng((seed, index)), round(SECTION_S * rate), rate)
        yield section.astype(np.float32)


def _add(output: Samples, start_s: float, sound: Samples, rate: float) -> None:
    """Mix ``sound`` into ``output`` from a time on, cut at the end."""
    start = round(start_s * rate)
    room = max(0, min(len(sound), len(output) - start))
    output[start : start + room] += sound[:room]


def _section(rng: Generator, frames: int, rate: float) -> Samples:
    """Sounds of one density with gaps between them, some of them overlapping."""
    output = np.zeros(frames)
    names = list(_WEIGHTS)
    weights = np.array([_WEIGHTS[name] for name in names])
    density = rng.uniform(0.3, 2.0)
    gap_share, longest_gap_s = rng.uniform(0.05, 0.35), rng.uniform(0.2, 1.2)
    level_db = rng.uniform(-18.0, 0.0)
    position = rng.uniform(0.0, 0.3)
    while position * rate < frames:
        kind = _KINDS[names[rng.choice(len(names), p=weights / weights.sum())]]
        seconds = rng.uniform(0.15, 1.5) / density
        sound = kind(rng, seconds, rate)
        peak = 10.0 ** ((level_db + rng.uniform(-12.0, 0.0)) / 20)
        sound *= peak / max(float(np.abs(sound).max()), 1e-9)
        _add(output, position, _fade(sound, rate), rate)
        gap = rng.random() < gap_share
        position += seconds + rng.uniform(0.1, longest_gap_s) if gap else seconds * rng.uniform(0.4, 1.0)
    return np.clip(output, -1.0, 1.0)


def _fade(sound: Samples, rate: float, seconds: float = 0.002) -> Samples:
    """Ends of a sound brought to zero in ``seconds``; the start keeps most of its attack."""
    edge = min(round(seconds * rate), len(sound) // 2)
    if edge:
        sound[: edge // 8] *= np.linspace(0, 1, edge // 8)
        sound[-edge:] *= np.linspace(1, 0, edge)
    return sound


def _pitch(rng: Generator) -> float:
    return float(LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** rng.random())


def _phase(frequency_hz: float, seconds: float, rate: float) -> Samples:
    time: Samples = np.arange(round(seconds * rate)) / rate
    return 2 * np.pi * frequency_hz * time


def _sweep(rng: Generator, seconds: float, rate: float) -> Samples:
    """A linear sweep between two pitches, upwards or downwards."""
    time: Samples = np.arange(round(seconds * rate)) / rate
    return np.asarray(signal.chirp(time, _pitch(rng), max(seconds, 1e-3), _pitch(rng)))


def _sine(rng: Generator, seconds: float, rate: float) -> Samples:
    return np.sin(_phase(_pitch(rng), seconds, rate))


def _square(rng: Generator, seconds: float, rate: float) -> Samples:
    return np.asarray(signal.square(_phase(_pitch(rng), seconds, rate), rng.uniform(0.2, 0.8)))


def _saw(rng: Generator, seconds: float, rate: float) -> Samples:
    return np.asarray(signal.sawtooth(_phase(_pitch(rng), seconds, rate), float(rng.random() < 0.5)))


def _level_ramp(rng: Generator, seconds: float, rate: float) -> Samples:
    """Two tones whose level rises or falls by 60 dB."""
    tone = _sine(rng, seconds, rate) + _sine(rng, seconds, rate)
    ramp = 10.0 ** np.linspace(-3, 0, len(tone))
    return tone * (ramp if rng.random() < 0.5 else ramp[::-1])


def _noise(rng: Generator, seconds: float, rate: float) -> Samples:
    """A burst of noise, coloured by a low-pass filter and decaying."""
    frames = round(min(seconds, 0.4) * rate)
    cutoff = min(1000.0 * 10.0 ** rng.random(), 0.45 * rate)
    colour = signal.butter(1, cutoff, fs=rate, output="sos")
    burst = np.asarray(signal.sosfilt(colour, rng.standard_normal(frames)))
    return burst * np.exp(-np.arange(frames) / (rng.uniform(0.02, 0.3) * rate))


def _silence(rng: Generator, seconds: float, rate: float) -> Samples:
    return np.zeros(round(seconds * rate))


def _note(rng: Generator, seconds: float, rate: float) -> Samples:
    return _string(rng, _pitch(rng), seconds, rate)


def _bend(rng: Generator, seconds: float, rate: float) -> Samples:
    """A note bent by up to two semitones, or with a vibrato."""
    time = np.arange(round(seconds * rate)) / rate
    if rng.random() < 0.5:
        curve = rng.choice((-1, 1)) * rng.uniform(0.5, 2.0) * np.clip(time / (0.6 * seconds), 0, 1)
    else:
        curve = 0.4 * np.sin(2 * np.pi * rng.uniform(4.0, 7.0) * time)
    return _string(rng, _pitch(rng), seconds, rate, semitones=curve)


def _chord(rng: Generator, seconds: float, rate: float) -> Samples:
    """Two to six strings struck one after another: fifths, or a barre chord."""
    root = float(rng.choice(CHORD_STRINGS_HZ)) * 2.0 ** (rng.integers(0, 13) / 12)
    steps = ((0, 7), (0, 7, 12), (0, 7, 12, 16, 19, 24), (0, 7, 12, 15, 19, 24), (0, 4, 7), (0, 5))
    chosen = steps[rng.integers(len(steps))]
    return _strum(rng, [root * 2.0 ** (step / 12) for step in chosen], max(seconds, 0.3), rate)


def _strum(rng: Generator, pitches_hz: list[float], seconds: float, rate: float) -> Samples:
    output = np.zeros(round(seconds * rate))
    delay = rng.uniform(0.003, 0.025)
    for index, pitch in enumerate(pitches_hz):
        string = _string(rng, pitch, seconds - index * delay, rate) if seconds > index * delay else output[:0]
        _add(output, index * delay, string, rate)
    return output


def _string(
    rng: Generator, pitch_hz: float, seconds: float, rate: float, semitones: Samples | None = None
) -> Samples:
    """A plucked string heard through a magnetic pickup.

    The string is K. Karplus and A. Strong's ("Digital Synthesis of Plucked-String and Drum Timbres",
    Computer Music Journal 7(2), 1983); the places of pick and pickup are comb filters, and the pickup's
    coil and cable a resonant low-pass filter, as in D. Jaffe and J. O. Smith, "Extensions of the
    Karplus-Strong Plucked-String Algorithm", same issue.
    """
    frames = max(round(seconds * rate), 2)
    period = rate / pitch_hz
    loop = np.full(frames, period) if semitones is None else period * 2.0 ** (-semitones[:frames] / 12)
    burst = np.zeros(frames)
    width = min(int(period), frames)
    burst[:width] = rng.uniform(-1, 1, width)
    softness = np.exp(-2 * np.pi * 400.0 * 15.0 ** rng.random() / rate)
    burst = np.asarray(signal.lfilter([1 - softness], [1, -softness], burst))
    for place in (rng.uniform(0.08, 0.4), rng.uniform(0.05, 0.3)):
        shift = max(int(place * period), 1)
        burst[shift:] -= 0.9 * burst[:-shift].copy() if shift < frames else 0.0
    decay_s = rng.uniform(0.15, 0.4) if rng.random() < 0.25 else rng.uniform(1.0, 6.0)
    string = _karplus_strong(burst, loop, float(0.001 ** (1 / (decay_s * pitch_hz))), rng.uniform(0.1, 0.45))
    string /= max(float(np.abs(string).max()), 1e-9)
    thump = np.sin(_phase(rng.uniform(45.0, 110.0), seconds, rate))[:frames]
    string[: len(thump)] += rng.uniform(0.0, 0.3) * thump * np.exp(-np.arange(len(thump)) / (0.15 * rate))
    resonance = min(rng.uniform(2500.0, 5000.0), 0.4 * rate)
    b, a = _resonant_lowpass(resonance, rng.uniform(0.8, 2.0), rate)
    return np.asarray(signal.lfilter(b, a, string))


@njit(cache=True)
def _karplus_strong(burst: Samples, period: Samples, gain: float, damping: float) -> Samples:
    """Feed ``burst`` through a loop of ``period`` frames (which may move) with a two-point low-pass."""
    output = np.zeros(len(burst))
    for n in range(len(burst)):
        delay = period[n] - damping  # the low-pass itself delays by `damping` frames
        whole = int(delay)
        part = delay - whole
        value = burst[n]
        for offset, weight in ((0, 1.0 - part), (1, part)):
            at = n - whole - offset
            if at >= 1:
                value += gain * weight * ((1.0 - damping) * output[at] + damping * output[at - 1])
        output[n] = value
    return output


def _resonant_lowpass(frequency_hz: float, q: float, rate: float) -> tuple[Samples, Samples]:
    """Second-order low-pass coefficients, from R. Bristow-Johnson's Audio EQ Cookbook."""
    w = 2 * np.pi * frequency_hz / rate
    alpha, cosine = np.sin(w) / (2 * q), np.cos(w)
    b = np.array((1 - cosine, 2 * (1 - cosine), 1 - cosine)) / 2
    a = np.array((1 + alpha, -2 * cosine, 1 - alpha))
    return b / a[0], a / a[0]


_KINDS: dict[str, Callable[[Generator, float, float], Samples]] = {
    "sweep": _sweep,
    "sine": _sine,
    "square": _square,
    "saw": _saw,
    "level ramp": _level_ramp,
    "noise": _noise,
    "silence": _silence,
    "note": _note,
    "bend": _bend,
    "chord": _chord,
}
_WEIGHTS = {
    "sweep": 1.0,
    "sine": 1.0,
    "square": 0.5,
    "saw": 0.5,
    "level ramp": 1.0,
    "noise": 0.7,
    "silence": 0.5,
    "note": 4.0,
    "bend": 2.0,
    "chord": 5.0,
}
