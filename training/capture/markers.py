"""Markers: short sounds whose place can be found again behind gear that distorts, filters or echoes.

A marker is a pair of clicks and a logarithmic chirp that falls. Deconvolved by itself the chirp becomes a
sharp pulse, and what gear adds by distorting comes as further pulses after it, not before (A. Farina,
"Simultaneous measurement of impulse response and distortion with a swept-sine technique", 108th AES
convention, 2000, whose chirp rises, so that they come before it). So the first pulse is the sound itself.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import oaconvolve

from .alignment import Array, Window

CLICK, CHIRP = 0.8, 0.5
CLICKS_S = 0.017
CHIRP_S = (0.06, 0.31)
LENGTH_S = 0.36
LOWEST_HZ = 40.0
LIKE = 0.9
"""Least correlation with a marker of what is taken for one."""


def marker(rate: float) -> Array:
    """The marker at a sample rate in Hz: clicks, a chirp from near half the rate down to 40 Hz, silence."""
    sound = np.zeros(round(LENGTH_S * rate))
    sound[[0, round(CLICKS_S * rate)]] = CLICK
    first, end = (round(time * rate) for time in CHIRP_S)
    place = np.arange(end - first) / (end - first)
    octaves = np.log(min(0.45 * rate, 20000.0) / LOWEST_HZ)
    cycles = LOWEST_HZ * (CHIRP_S[1] - CHIRP_S[0]) / octaves * np.exp(octaves * (1.0 - place))
    edges = np.minimum(1.0, np.minimum(place, 1.0 - place) / 0.02)
    sound[first:end] = CHIRP * np.sin(0.5 * np.pi * edges) ** 2 * np.sin(2 * np.pi * cycles)
    return sound.astype(np.float32)


def find_markers(dry: Array, rate: float) -> list[Window]:
    """The markers in a dry sound, in their order; whatever its level, and none where it has none.

    Parameters
    ----------
    dry : shape (frames,)
    rate : in Hz
    """
    wanted = marker(rate)
    if len(dry) < len(wanted):
        return []
    likeness = oaconvolve(dry, wanted[::-1], mode="valid")
    power = np.concatenate([[0.0], np.cumsum(dry.astype(np.float64) ** 2)])
    energy = power[len(wanted) :] - power[: -len(wanted)]
    like = likeness / np.sqrt(np.maximum(energy, 1e-9) * float(np.sum(wanted.astype(np.float64) ** 2)))
    found = []
    for place in np.flatnonzero(like > LIKE):
        around = like[max(0, place - len(wanted) // 2) : place + len(wanted) // 2]
        if like[place] == around.max():
            found.append(Window(int(place), len(wanted), True))
    return found
