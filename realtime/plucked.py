"""A plucked guitar as it comes from its pickup, made here: where there is no recording.

After K. Karplus and A. Strong, "Digital synthesis of plucked-string and drum timbres", Computer Music
Journal 7 (1983), with the pick's place and the fractional length of D. Jaffe and J. Smith's
extensions in the same issue.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

Samples = NDArray[np.float64]

RIFF = (
    (0.00, (40, 47, 52), 1.2),
    (1.00, (40,), 0.5),
    (1.50, (43, 50), 0.9),
    (2.25, (45, 52), 0.9),
    (3.00, (40, 47, 52, 55, 59, 64), 3.0),
)
"""Onset in seconds, MIDI notes, and seconds that they ring: power chords on E, G and A, then E minor."""
PICK, PICKUP = 0.13, 0.24
"""Places along the string, from the bridge."""


def pluck(note: float, seconds: float, rate: float, seed: int = 0) -> Samples:
    """One string.

    Parameters
    ----------
    note : MIDI note number, fractions allowed; 28 to 90
    seconds : that it rings
    rate : in Hz
    seed : of the noise that plucks it

    Returns
    -------
    ndarray, shape (frames,), peak about 1
    """
    frequency = 440.0 * 2 ** ((note - 69) / 12)
    period = rate / frequency
    loss = 10 ** (-3 / (4.0 * (110.0 / frequency) ** 0.4 * frequency))  # 60 dB in 4 s for A2
    damping = 0.35  # of the averaging filter in the loop, whose delay is the same
    whole = int(period - damping)
    fraction = period - damping - whole
    loop = np.zeros(whole + 3)
    loop[0] = 1.0
    loop[whole : whole + 3] -= loss * np.convolve([1 - damping, damping], [1 - fraction, fraction])
    burst = np.zeros(round(seconds * rate))
    noise = np.random.default_rng(seed).uniform(-1, 1, max(2, whole))
    burst[: len(noise)] = lfilter([0.3], [1, -0.7], noise)
    for place in (PICK, PICKUP):
        delay = max(1, round(place * period))
        burst[delay:] -= burst[:-delay].copy()
    string = lfilter([1.0], loop, burst)
    fade = min(len(string), round(0.01 * rate))
    string[-fade:] *= np.linspace(1, 0, fade)
    return np.asarray(string / np.max(np.abs(string)))


def riff(rate: float = 48000.0) -> NDArray[np.float32]:
    """Six seconds of power chords and one open chord, shape (frames,), peak -6 dBFS."""
    sound = np.zeros(math.ceil(max(start + ring for start, _, ring in RIFF) * rate))
    for number, (start, notes, ring) in enumerate(RIFF):
        for place, note in enumerate(notes):
            onset = round((start + 0.012 * place) * rate)
            string = pluck(note, ring - 0.012 * place, rate, seed=100 * number + place)
            count = min(len(string), len(sound) - onset)
            sound[onset : onset + count] += string[:count] / len(notes) ** 0.5
    pickup = butter(2, 4500.0, fs=rate)
    sound = lfilter(*pickup, sound)
    return np.asarray(0.5 * sound / np.max(np.abs(sound)), np.float32)
