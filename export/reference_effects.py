"""What gains, responses, echoes, modulations and compressions compute, in NumPy and float64.

Signals have the shape (frames,) here. Every function continues from what `state` holds under its names, and
leaves there what the next block goes on from.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .model import Compression, Echo, Gain, Modulation, Response

Signal: TypeAlias = NDArray[np.float64]
State: TypeAlias = dict[str, Signal]
LONG = 128
"""Taps from which a filter is computed with the Fourier transform."""
QUIET = 1e-30
"""The least level that is told from silence, -600 dB."""


class EndlessSilence(State):
    """The state of a network without recurrence after so much silence that every signal in it is constant."""


def filter_block(signal: Signal, taps: ArrayLike, frames: int) -> Signal:
    """The newest ``frames`` outputs of an FIR filter; tap 0 meets the newest sample.

    ``signal`` has ``frames`` samples and before them the past ones that the filter needs, or more.
    """
    kernel = np.asarray(taps, np.float64)
    heard = signal[len(signal) - frames - len(kernel) + 1 :]
    if len(kernel) < LONG or frames < LONG:
        return np.convolve(heard, kernel, "valid")
    size = 2 ** int(np.ceil(np.log2(len(heard))))
    product = np.fft.rfft(heard, size) * np.fft.rfft(kernel, size)
    result: Signal = np.fft.irfft(product, size)[len(kernel) - 1 : len(heard)]
    return result


def gain_of(network: Gain, features: Signal) -> float:
    """The linear gain for these features, shape (features,)."""
    exponent = network.exponent.astype(np.float64)
    return float(np.exp(exponent[0] + exponent[1:] @ features))


def taps_of(network: Response, features: Signal) -> Signal:
    """The filter for these features, tap 0 for the newest sample."""
    taps = network.taps.astype(np.float64)
    result: Signal = taps[0] + features @ taps[1:]
    return result


def run_gain(network: Gain, signal: Signal, features: Signal) -> Signal:
    """``x · exp(exponent[0] + exponent[1:] @ features)``"""
    return gain_of(network, features) * signal


def run_response(network: Response, signal: Signal, state: State, prefix: str, features: Signal) -> Signal:
    """The filter that the features make of the taps."""
    extended = _remember(signal, network.taps.shape[1] - 1, state, f"{prefix}past")
    return filter_block(extended, taps_of(network, features), len(signal))


def run_echo(network: Echo, signal: Signal, state: State, prefix: str) -> Signal:
    """``y = direct * x + w`` with ``w[n] = (enter * x + loop * w)[n - delay]``, a delay at a time."""
    frames, delay = len(signal), network.delay
    sounding = max(delay + len(network.enter), len(network.direct)) - 1
    extended = _remember(signal, sounding, state, f"{prefix}past")
    entering = filter_block(extended[: len(extended) - delay], network.enter, frames)
    memory = delay + len(network.loop) - 1
    looped = np.concatenate([state.get(f"{prefix}looped", np.zeros(memory)), np.empty(frames)])
    for start in range(0, frames, delay):
        count = min(delay, frames - start)
        heard = looped[: memory + start + count - delay]
        looped[memory + start : memory + start + count] = entering[start : start + count] + filter_block(
            heard, network.loop, count
        )
    state[f"{prefix}looped"] = looped[frames:]
    return filter_block(extended, network.direct, frames) + looped[memory:]


def run_modulation(
    network: Modulation, signal: Signal, state: State, prefix: str, sample_rate: float
) -> Signal:
    """Delayed and gained voices on the phase of an oscillator, filtered, beside the filtered sound."""
    frames = len(signal)
    moved = int(np.floor(network.delay.max())) + 1
    memory = max(moved, len(network.direct) - 1)
    extended = _remember(signal, memory, state, f"{prefix}past")
    phase = float(state.get(f"{prefix}phase", np.array([network.phase]))[0])
    step = network.rate_hz / sample_rate
    time = np.arange(frames)
    voices = np.zeros(frames)
    points = np.linspace(0.0, 1.0, len(network.delay))
    for v in range(network.voices):
        turn = phase + time * step + v / network.voices
        turn -= np.floor(turn)
        delay = np.interp(turn, points, network.delay.astype(np.float64))
        whole = np.floor(delay).astype(np.int64)
        part = delay - whole
        newer = memory + time - whole
        moving = (1.0 - part) * extended[newer] + part * extended[newer - 1]
        voices += np.interp(turn, points, network.gain.astype(np.float64)) * moving
    end = phase + frames * step
    state[f"{prefix}phase"] = np.array([end - np.floor(end)])
    wet = _remember(voices, len(network.wet) - 1, state, f"{prefix}voiced")
    return filter_block(extended, network.direct, frames) + filter_block(wet, network.wet, frames)


def run_compression(network: Compression, signal: Signal, state: State, prefix: str) -> Signal:
    """An envelope, its level on a curve, and the sound with that gain through a filter."""
    level = float(state.get(f"{prefix}envelope", np.zeros(1))[0])
    rising, falling = 1.0 - network.attack, 1.0 - network.release
    envelope = []
    for magnitude in np.abs(signal).tolist():
        difference = magnitude - level
        level += (rising if difference > 0.0 else falling) * difference
        envelope.append(level)
    state[f"{prefix}envelope"] = np.array([level])
    levels = 20.0 * np.log10(np.maximum(np.array(envelope), QUIET))
    gains = np.interp(levels, network.levels_db.astype(np.float64), network.gains_db.astype(np.float64))
    extended = _remember(signal * 10.0 ** (gains / 20.0), len(network.response) - 1, state, f"{prefix}past")
    return filter_block(extended, network.response, len(signal))


def _remember(signal: Signal, memory: int, state: State, name: str) -> Signal:
    """The signal after ``memory`` past samples, of which the newest are kept for the next block."""
    past = state.get(name)
    if past is None and isinstance(state, EndlessSilence):
        past = np.full(memory, signal[0])
    extended = np.concatenate([np.zeros(memory) if past is None else past, signal])
    if memory:
        state[name] = extended[-memory:]
    return extended
