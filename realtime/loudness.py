"""Loudness and true peak of a sound heard block by block (ITU-R BS.1770-5)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, sosfilt, upfirdn

SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
PASS_HZ, PASS_Q = 38.13547087602444, 0.5003270373238773
"""The standard's two filters, given for 48 kHz, as analogue ones: after B. De Man, "Evaluation of
Implementations of the EBU R128 Loudness Measurement", AES 145, 2018."""
OVERSAMPLING, TAPS = 4, 12
HOPS = 4  # a gating block of 400 ms moves on by 100 ms
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0


class LoudnessMeter:
    """Hears blocks, then tells the integrated loudness and the true peak of all of them.

    Parameters
    ----------
    rate : in Hz
    channels : 1 or 2
    """

    def __init__(self, rate: float, channels: int) -> None:
        self._filters = k_weighting(rate)
        self._memory = np.zeros((len(self._filters), channels, 2))
        self._hop = round(0.1 * rate)
        self._filtered = np.zeros((channels, 0))
        self._energies: list[float] = []
        self._kernel = OVERSAMPLING * firwin(OVERSAMPLING * TAPS + 1, 0.95 / OVERSAMPLING)
        self._recent = np.zeros((channels, TAPS))
        self._peak = 0.0

    def add(self, block: NDArray[np.float32]) -> None:
        """Hear a block of shape (channels, frames)."""
        weighted, self._memory = sosfilt(self._filters, block.astype(np.float64), zi=self._memory)
        self._filtered = np.concatenate([self._filtered, weighted], axis=1)
        while self._filtered.shape[1] >= self._hop:
            hop, self._filtered = self._filtered[:, : self._hop], self._filtered[:, self._hop :]
            self._energies.append(float(np.sum(np.mean(hop**2, axis=1))))
        heard = np.concatenate([self._recent, block], axis=1)
        between = upfirdn(self._kernel, heard, up=OVERSAMPLING)
        known = between[:, OVERSAMPLING * TAPS : OVERSAMPLING * heard.shape[1]]
        self._peak = max(
            self._peak, float(np.max(np.abs(known), initial=0.0)), float(np.max(np.abs(block), initial=0.0))
        )
        self._recent = heard[:, -TAPS:]

    def integrated(self) -> float:
        """Loudness in LUFS; -inf where all of it is below the absolute gate or it is shorter than 400 ms."""
        hops = np.array(self._energies)
        if len(hops) < HOPS:
            return -math.inf
        blocks = np.convolve(hops, np.ones(HOPS) / HOPS, "valid")
        loud = blocks[_lufs(blocks) > ABSOLUTE_GATE]
        if loud.size == 0:
            return -math.inf
        loud = loud[_lufs(loud) > _lufs(loud.mean(keepdims=True)) + RELATIVE_GATE]
        return float(_lufs(loud.mean(keepdims=True))[0])

    def true_peak_db(self) -> float:
        """The highest value between and at the samples, in dB over full scale."""
        return 20 * math.log10(self._peak) if self._peak > 0 else -math.inf


def k_weighting(rate: float) -> NDArray[np.float64]:
    """The two filters before the mean square, as second-order sections, shape (2, 6)."""
    k = math.tan(math.pi * SHELF_HZ / rate)
    high, middle = 10 ** (SHELF_DB / 20), 10 ** (SHELF_DB / 20 * 0.4996667741545416)
    scale = 1 + k / SHELF_Q + k * k
    shelf = [
        (high + middle * k / SHELF_Q + k * k) / scale,
        2 * (k * k - high) / scale,
        (high - middle * k / SHELF_Q + k * k) / scale,
        1,
        2 * (k * k - 1) / scale,
        (1 - k / SHELF_Q + k * k) / scale,
    ]
    k = math.tan(math.pi * PASS_HZ / rate)
    scale = 1 + k / PASS_Q + k * k
    high_pass = [1, -2, 1, 1, 2 * (k * k - 1) / scale, (1 - k / PASS_Q + k * k) / scale]
    return np.array([shelf, high_pass])


def _lufs(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10 * np.log10(energy))
