"""Run a model at its own rate inside a stream of another: polyphase resampling there and back.

Both directions are windowed-sinc filters, one set of coefficients for each phase that the reduced
ratio of the two rates has. Which samples a sample is made of follows from its place in
the stream alone, so that block sizes change no bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

HALF = 32
"""Zero crossings of the sinc on each side, at the lower of the two rates."""
BETA = 8.0
"""Of the Kaiser window: images and aliases 80 dB down."""
CUTOFF = 0.46
"""Of the lower rate: the middle of the transition band."""
MOST_PHASES = 4096
CHUNK = 64
"""Samples of the stream between two calls of the model."""

DIRECTION = np.dtype(
    [
        ("table", "i8"),  # coefficients (phases, taps)
        ("taps", "i8"),  # a multiple of 16
        ("phases", "i8"),  # one output step is step / phases input samples
        ("step", "i8"),
        ("base", "i8"),  # input sample just before the next output's place
        ("phase", "i8"),  # … and how far behind it, in 1 / phases
        ("ring", "i8"),  # past input, written twice
        ("length", "i8"),
        ("count", "i8"),  # input samples so far
    ],
    align=True,
)
"""One direction of resampling for one channel."""


class RateError(ValueError):
    """Two sample rates without a ratio that can be resampled."""


@dataclass(frozen=True)
class Plan:
    """Both directions between a stream's rate and a model's.

    ``latency`` is in samples of the stream; ``most`` is the largest number of model samples in a chunk.
    """

    down: NDArray[np.float32]
    up: NDArray[np.float32]
    ratio: Fraction
    latency: int
    most: int


def plan(stream_rate: float, model_rate: float) -> Plan:
    """Coefficients for a pair of rates in Hz.

    Raises
    ------
    RateError
        when the rates are not whole numbers with a manageable ratio.
    """
    ratio = Fraction(round(model_rate), round(stream_rate))
    if max(ratio.numerator, ratio.denominator) > MOST_PHASES or not 1 / 16 <= ratio <= 16:
        raise RateError(f"cannot resample between {stream_rate:g} Hz and {model_rate:g} Hz")
    down, up = _table(ratio), _table(1 / ratio)
    half_in, half_out = down.shape[1] // 2, up.shape[1] // 2
    latency = half_in + math.ceil(half_out / ratio) + 2
    return Plan(down, up, ratio, latency, math.ceil(CHUNK * ratio) + 2)


def _table(ratio: Fraction) -> NDArray[np.float32]:
    """Coefficients (phases, taps) for output rate / input rate = ``ratio``; each phase sums to 1."""
    scale = min(1.0, float(ratio))
    half = 8 * math.ceil(HALF / scale / 8)
    offsets = np.arange(-half + 1, half + 1)[None, :]
    time = offsets - np.arange(ratio.numerator)[:, None] / ratio.numerator
    window = np.i0(BETA * np.sqrt(np.clip(1 - (time / half) ** 2, 0, None))) / np.i0(BETA)
    table = np.sinc(2 * CUTOFF * scale * time) * window
    return (table / table.sum(axis=1, keepdims=True)).astype(np.float32)


def ring_length(table: NDArray[np.float32], most: int) -> int:
    """Samples that a direction's ring must hold."""
    return table.shape[1] + 2 * most + 16
