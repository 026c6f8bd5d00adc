"""Where a dry sound begins in a recording of what gear made of it, at several places of it.

First the onsets of both sounds, a millisecond at a time, give a rough latency; then at each place the
response of the gear is estimated by regularised deconvolution (as the generalised cross-correlation of
C. Knapp and G. Carter, "The Generalized Correlation Method for Estimation of Time Delay", IEEE ASSP 24,
1976, but weighted by the dry sound alone), and the latency is where that response begins to rise. That
is the right place for a causal model: a filter's peak comes later than its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import hilbert
from scipy.signal.windows import tukey

Array: TypeAlias = NDArray[np.float32]
Samples: TypeAlias = NDArray[np.float64]

ONSET_S, ONSET_HOPS = 0.001, 12
FINE = 4
"""Points of an estimated response to each sample."""
REGULAR = 1e-4
"""Power, against the greatest of the dry sound, below which a frequency says nothing."""
LOWEST_HZ = 12.0
"""Frequency from which on a response is looked at: below it a rectifier adds much."""
RISE, RISE_OF_CLICK = 0.05, 0.01
"""Part of a response's peak at which it counts as begun; before a click there is nothing but noise."""
RISE_OF_SOUND = 0.35
CLEAR_DB = 22.0
"""Least height of a response's peak over its rest."""
EARLY_S, LATE_S = 1.0, 0.3
"""How far from the rough latency the first marker is looked for."""
NEAR_S = 0.15
"""How far from where they should be the others are looked for."""
ABOVE_FLOOR = 10.0
"""Height over the median of the rest that noise does not reach."""
CLICK_S = 0.05
"""How long from the arrival of a chirp that of its click is believed."""
VERY_CLEAR_DB = 60.0
"""Clarity at which a click is believed even after the chirp: noise is below `RISE_OF_CLICK` then."""
WINDOW_S = 4.0
WINDOWS = 9


@dataclass(frozen=True)
class Window:
    """A part of the dry sound whose place in the wet is looked for.

    Attributes
    ----------
    place : its first frame
    frames : how many
    marker : whether it is a marker, with silence around it, or sound among other sound
    """

    place: int
    frames: int
    marker: bool


@dataclass(frozen=True)
class Arrival:
    """What was found of a window.

    Attributes
    ----------
    place : first frame of the window in the dry sound
    latency : samples from there to its place in the wet sound, negative where the wet sound began later
    clarity_db : height of the response's peak over its rest
    gain : of the response's first peak, with its sign
    """

    place: int
    latency: float
    clarity_db: float
    gain: float

    @property
    def clear(self) -> bool:
        return self.clarity_db >= CLEAR_DB


def windows_of_sound(dry: Array, rate: float) -> list[Window]:
    """Windows spread over a sound, where it is loud; none where it is silent or shorter than 0.25 s."""
    frames = min(round(WINDOW_S * rate), len(dry) // 2)
    if frames < 0.125 * rate:
        return []
    power = np.concatenate([[0.0], np.cumsum(dry.astype(np.float64) ** 2)])
    places = np.unique(np.linspace(0, len(dry) - frames, 4 * WINDOWS).astype(int))
    energy = power[places + frames] - power[places]
    chosen = []
    for part in np.array_split(np.arange(len(places)), min(WINDOWS, len(places))):
        best = part[np.argmax(energy[part])]
        if energy[best] > 1e-3 * energy.max():
            chosen.append(Window(int(places[best]), frames, False))
    return chosen


def rough_latency(dry: Array, wet: Array, rate: float) -> float:
    """Samples by which the onsets of ``wet`` come after those of ``dry``, to some milliseconds."""
    hop = max(1, round(ONSET_S * rate))
    left, right = _onsets(dry, hop), _onsets(wet, hop)
    points = next_fast_len(len(left) + len(right))
    likeness = irfft(rfft(right, points) * np.conj(rfft(left, points)), points)
    lag = int(np.argmax(likeness))
    return float(hop * (lag if lag < len(right) else lag - points))


def _onsets(sound: Array, hop: int) -> Samples:
    """Rises of the level at each ``hop`` frames, in powers of ten, without their mean.

    The level is that over `ONSET_HOPS` hops before and after; what is far below the loudest, or near the
    quietest tenth (noise), does not count.
    """
    whole = len(sound) // hop * hop
    power = (sound[:whole].astype(np.float64) - sound.mean(dtype=np.float64)).reshape(-1, hop) ** 2
    edge = np.zeros(ONSET_HOPS)
    level = np.convolve(np.concatenate([edge, power.sum(axis=1), edge]), np.ones(ONSET_HOPS), "valid")
    quiet = float(np.quantile(level, 0.1)) if len(level) else 0.0
    level = np.log10(level + 3.0 * quiet + 1e-5 * max(float(level.max(initial=0.0)), 1e-20))
    rises = np.maximum(level[ONSET_HOPS:] - level[:-ONSET_HOPS], 0.0)
    return np.asarray(rises - rises.mean())


def find_arrivals(dry: Array, wet: Array, rate: float, windows: Sequence[Window]) -> list[Arrival]:
    """Where each window of the dry sound comes in the wet one.

    The first marker is looked for in the wide range that the rough latency leaves; the wet sound of each
    other marker is then compared with the wet sound of the first, which is alike however the gear distorts.
    Windows without markers are compared with the dry sound, twice, so that they lie on each other at last.

    Parameters
    ----------
    dry, wet : shape (frames,), of any lengths
    rate : of both, in Hz
    windows : as `markers.find_markers` or `windows_of_sound` give them

    Returns
    -------
    list of Arrival
        One for each window that is whole in the wet sound.
    """
    start = round(rough_latency(dry, wet, rate))
    if windows and windows[0].marker:
        return _of_markers(dry, wet, rate, windows, start)
    for early_s in (EARLY_S, NEAR_S):
        tried = [_of_sound(dry, wet, window, start, rate, early_s) for window in windows]
        found = [arrival for arrival in tried if arrival is not None]
        start = round(float(np.median([a.latency for a in found if a.clear] or [start])))
    return found


def _of_markers(dry: Array, wet: Array, rate: float, windows: Sequence[Window], start: int) -> list[Arrival]:
    whole = [w for w in windows if w.place + start >= 0 and w.place + start + w.frames <= len(wet)]
    if not whole:
        return []
    early, late, near = (round(seconds * rate) for seconds in (EARLY_S, LATE_S, NEAR_S))
    first = whole[0]
    sound = _cut(dry, first.place, first.frames)
    heard = _cut(wet, first.place + start - early, early + first.frames + late)
    response = _deconvolve(sound, heard, 0, early + late, rate)
    begun = _beginning(response, RISE)
    click = sound.copy()
    click[1:] = 0.0
    clarity = response.clarity_db
    clicked = _deconvolve(click, heard, 0, early + late, rate)
    if clicked.clarity_db >= CLEAR_DB:
        # Gear that doubles every frequency answers the chirp too late, but not the click.
        earlier = _beginning(clicked, RISE_OF_CLICK)
        later = CLICK_S * rate if clicked.clarity_db > VERY_CLEAR_DB else 0.0
        if clarity < CLEAR_DB or -CLICK_S * rate < earlier - begun < later:
            begun = earlier
        clarity = max(clarity, clicked.clarity_db)
    latency = start - early + begun
    arrivals = [Arrival(first.place, latency, clarity, response.gain_at(begun))]
    base = int(np.floor(latency))
    template = _cut(wet, first.place + base, first.frames)
    for window in whole[1:]:
        heard = _cut(wet, window.place + base - near, 2 * near + window.frames)
        other = _deconvolve(template, heard, 0, 2 * near, rate)
        arrivals.append(
            Arrival(
                window.place, latency - near + other.peak, min(clarity, other.clarity_db), arrivals[0].gain
            )
        )
    return arrivals


def _of_sound(
    dry: Array, wet: Array, window: Window, start: int, rate: float, early_s: float
) -> Arrival | None:
    place = window.place + start
    if place < 0 or place + window.frames > len(wet):
        return None
    taper = tukey(window.frames, 0.5)
    early, near = (min(round(seconds * rate), window.frames // 4) for seconds in (early_s, NEAR_S))
    sound = _cut(dry, window.place, window.frames) * taper
    heard = _cut(wet, place, window.frames) * taper
    if not sound.any():
        return None
    response = _deconvolve(sound, heard, -early, near, rate, band_limited=True)
    begun = _beginning(response, RISE_OF_SOUND)
    return Arrival(window.place, start - early + begun, response.clarity_db, response.gain_at(begun))


@dataclass(frozen=True)
class _Response:
    """A response with `FINE` points to a sample, and the one that a sound would give with itself."""

    values: Samples
    pulse: Samples
    band_limited: bool
    around: int

    @property
    def own_height(self) -> Samples:
        return _envelope(self.pulse) if self.band_limited else np.abs(self.pulse)

    @cached_property
    def height(self) -> Samples:
        return _envelope(self.values) if self.band_limited else np.abs(self.values)

    @cached_property
    def peak(self) -> float:
        """Place of the peak in samples."""
        k = int(np.argmax(self.height))
        if not 0 < k < len(self.height) - 1:
            return k / FINE
        left, middle, right = self.height[k - 1 : k + 2]
        return float(k + 0.5 * (left - right) / min(left - 2 * middle + right, -1e-15)) / FINE

    @cached_property
    def floor(self) -> float:
        """Height of what lies around the peak, but not beside it."""
        k, beside, around = int(np.argmax(self.height)), FINE * 64, FINE * self.around
        rest = np.concatenate(
            [self.height[max(0, k - around) : max(0, k - beside)], self.height[k + beside : k + around]]
        )
        return float(np.median(rest)) if len(rest) else 0.0

    @property
    def clarity_db(self) -> float:
        return float(20 * np.log10(max(self.height.max(), 1e-15) / max(self.floor, 1e-15)))

    def gain_at(self, place: float) -> float:
        """The strongest value soon after ``place``, with its sign; 1 for a sound with itself."""
        there = self.values[max(0, round(FINE * place) - 1) :][: FINE * 32]
        return float(there[np.argmax(np.abs(there))]) / float(self.pulse.max()) if len(there) else 0.0


def _deconvolve(
    sound: Samples, heard: Samples, first: int, last: int, rate: float, band_limited: bool = False
) -> _Response:
    """What would have to be done to ``sound`` to be heard so, at lags from ``first`` to ``last``."""
    points = next_fast_len(len(heard) + len(sound), real=True)
    spectrum = rfft(sound, points)
    power = np.abs(spectrum) ** 2
    smooth = np.cos(np.linspace(0.0, np.pi / 2, len(power))) ** 2  # no ringing from an edge at rate / 2
    smooth *= -np.expm1(
        -((np.arange(len(power)) * rate / points / LOWEST_HZ) ** 2)
    )  # nor what rectifiers add
    weight = smooth / (power + REGULAR * max(float(power.max()), 1e-20))
    response = FINE * irfft(np.conj(spectrum) * rfft(heard, points) * weight, FINE * points)
    pulse = FINE * irfft(power * weight, FINE * points)
    reach = min(FINE * 512, len(pulse) // 2 - 1)
    return _Response(
        np.roll(response, -FINE * first)[: FINE * (last - first) + 1],
        np.roll(pulse, reach)[: 2 * reach + 1],
        band_limited,
        len(sound) // 2,
    )


def _beginning(response: _Response, part: float) -> float:
    """Samples after which a response rises over a part of its peak, less what a pulse needs for that."""
    peak = float(response.height.max())
    level = max(part * peak, min(ABOVE_FLOOR * response.floor, 0.5 * peak))
    own = response.own_height
    middle = len(own) // 2
    width = middle - _first_above(own[: middle + 1], level / max(peak, 1e-15) * float(own[middle]))
    return (_first_above(response.height, level) + width) / FINE


def _envelope(values: Samples) -> Samples:
    return np.asarray(np.abs(np.asarray(hilbert(values, next_fast_len(len(values)))))[: len(values)])


def _cut(sound: Array, first: int, frames: int) -> Samples:
    """Frames from ``first`` on, zeros where there are none."""
    part = np.zeros(frames)
    begin, end = max(first, 0), min(first + frames, len(sound))
    if end > begin:
        part[begin - first : end - first] = sound[begin:end]
    return part


def _first_above(values: Samples, level: float) -> float:
    """Where ``values`` first reach ``level``, between points as well."""
    k = int(np.argmax(values >= level))
    if k == 0 or values[k] < level:
        return float(k)
    return k - 1 + float((level - values[k - 1]) / (values[k] - values[k - 1]))
