"""Learning a pitch shift from dry and wet sound: voices that read a delay line faster or slower."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, signal

from ...export.model import Modulation, NeuralModel
from ..compare.distances import MEL_HIGHEST_HZ, log_mel
from .config import TrainingError
from .data import Pair
from .estimation import Progress, Samples, Sound, filtered, float32, no_progress, sounds_of, start_of
from .modulation import delayed

VOICES = 2
POINTS = 256
LARGEST_SEMITONES, LEAST_SEMITONES = 24.0, 0.02
PITCH_WINDOW_S, CENTS = 0.17, 5.0
"""Window of the spectra that the shift is found in, and the step of their logarithmic frequency."""
PITCH_RANGE_HZ = (40.0, 6000.0)
CERTAIN_SEMITONES = 0.03
"""A shift found in the spectra is taken where the model's own pitch agrees so far; sweeps may pull it off."""
FARTHEST_OFFSET = 0.7
"""In semitones: what the model's pitch may be off at first."""
SHORTEST_S, LONGEST_S = 0.008, 0.12
"""Of a grain's travel through the delay line."""
FIRST_S = 0.03
SECONDS = 20.0
LARGEST_CORRECTION_DB = 24.0
HIGHEST_RATIO = 0.6
"""Of the log-mel distance to that of the dry sound; what stays above is no shift of pitch."""


def learn_octave(
    pairs: Sequence[Pair], *, taps: int = 128, seconds: float = SECONDS, progress: Progress = no_progress
) -> NeuralModel:
    """The shift of pitch that brings the dry sound of the pairs nearest to the wet, heard in mel bands.

    Two voices half a cycle apart read a delay line at another speed than it is written, and start again
    under a window ("harmoniser"; U. Zölzer, *DAFX*, ch. 6). Phases are those of no other pitch shifter, so
    nothing is compared as a waveform. The shift comes from the spectra: how far along a logarithmic
    frequency the wet ones lie from the dry. Length of the grains, the window's shape, latency and level
    of the direct sound are searched by the log-mel distance (`tonerig.training.compare.distances`), and an
    FIR filter evens the levels of the bands out.

    Parameters
    ----------
    pairs : dry and wet from rest
    taps : of the filter
    seconds : of sound to use at most
    progress : called with the part done

    Raises
    ------
    TrainingError
        If the pairs do not fit together, the pitch is not shifted, or no shift comes near the wet sound.
    """
    sounds, rate = sounds_of(pairs)
    sounds = start_of(sounds, seconds * rate)
    targets = [log_mel(float32(wet), rate) for _, wet in sounds]
    dry_distance = _distance([log_mel(float32(dry), rate) for dry, _ in sounds], targets)
    progress(0.1)

    def distance_of(voices: Modulation) -> float:
        return _distance([log_mel(float32(_play(voices, dry, rate)), rate) for dry, _ in sounds], targets)

    peaks = find_shifts(sounds, rate)
    semitones = min(peaks, key=lambda peak: distance_of(_grains(peak, rate, FIRST_S)))
    if abs(semitones) < LEAST_SEMITONES:
        raise TrainingError(
            f"the wet sound of {pairs[0].name} has the pitch of the dry; "
            "choose a network for an effect without shift"
        )
    progress(0.25)
    offset = _offset(_grains(semitones, rate, FIRST_S), sounds, rate)
    if abs(offset) > CERTAIN_SEMITONES:
        semitones += offset
        semitones += _offset(_grains(semitones, rate, FIRST_S), sounds, rate)
    progress(0.3)
    network = _searched(semitones, rate, distance_of, lambda part: progress(0.3 + 0.6 * part))
    evened = _evened(network, sounds, targets, rate, taps)
    network = min((network, evened), key=distance_of)
    reached = distance_of(network) / max(dry_distance, 1e-9)
    if not reached <= HIGHEST_RATIO:
        raise TrainingError(
            f"no shift of pitch makes the wet sound of {pairs[0].name} from the dry: the best one, by "
            f"{semitones:+.2f} semitones, leaves {100 * reached:.0f} % of the log-mel distance, expected "
            f"{100 * HIGHEST_RATIO:.0f} % or less; choose another network for this effect"
        )
    progress(1.0)
    return NeuralModel(network, sample_rate=rate)


def find_shifts(sounds: Sequence[Sound], rate: float, count: int = 4) -> list[float]:
    """How many semitones the wet sound may lie above the dry, the likeliest first.

    The cross-correlation of the spectra's levels over the logarithm of frequency, of all moments together.
    """
    size = round(PITCH_WINDOW_S * rate)
    low, high = PITCH_RANGE_HZ[0], min(PITCH_RANGE_HZ[1], 0.45 * rate)
    axis = low * 2.0 ** (np.arange(0.0, 1200 * np.log2(high / low), CENTS) / 1200)
    reach = round(100 * LARGEST_SEMITONES / CENTS)
    likeness = np.zeros(2 * reach + 1)
    for dry, wet in sounds:
        levels = [_log_spectra(sound, size, rate, axis) for sound in (dry, wet)]
        spectra = [np.fft.rfft(level, 4 * len(axis), axis=0) for level in levels]
        product = np.fft.irfft((spectra[1] * spectra[0].conj()).sum(axis=1), 4 * len(axis))
        likeness += np.concatenate((product[-reach:], product[: reach + 1]))
    places = signal.argrelmax(np.pad(likeness, 1, mode="minimum"))[0] - 1
    places = places[np.argsort(-likeness[places])][:count]
    return [float(place + _vertex(likeness, int(place)) - reach) * CENTS / 100 for place in places]


def _offset(network: Modulation, sounds: Sequence[Sound], rate: float) -> float:
    """How many semitones the wet sound lies above the model's: grains and latency shift sweeps as well."""
    [nearest] = find_shifts([(_play(network, dry, rate), wet) for dry, wet in sounds], rate, 1)
    return nearest if abs(nearest) < FARTHEST_OFFSET else 0.0


def _log_spectra(sound: Samples, size: int, rate: float, axis_hz: Samples) -> Samples:
    """Levels over the logarithm of frequency, shape (len(axis), moments), without their broad shape."""
    padded = 4 * size
    _, _, spectra = signal.stft(sound, rate, "hann", size, size // 2, padded, boundary=None)
    magnitude = np.abs(spectra)
    places = axis_hz * padded / rate
    at = np.stack([ndimage.map_coordinates(column, [places], order=1) for column in magnitude.T], axis=1)
    levels = np.log(at + 1e-3 * float(magnitude.max()))
    return np.asarray(levels - ndimage.uniform_filter1d(levels, round(700 / CENTS), axis=0))


def _vertex(values: Samples, place: int) -> float:
    """Where the parabola through a peak and its neighbours has its vertex, from the peak."""
    if not 0 < place < len(values) - 1:
        return 0.0
    before, peak, after = values[place - 1 : place + 2]
    return 0.5 * float(before - after) / min(float(before - 2 * peak + after), -1e-12)


def _grains(
    semitones: float,
    rate: float,
    length_s: float,
    sharpness: float = 2.0,
    latency_s: float = 0.0,
    direct: float = 0.0,
) -> Modulation:
    """Two voices of sawtooth delay under a power of a sine, together as loud as the sound."""
    ratio = 2.0 ** (semitones / 12)
    phase = np.arange(POINTS + 1) / POINTS
    way = phase if ratio < 1 else 1 - phase
    window = np.maximum(np.sin(np.pi * phase), 0.0) ** sharpness
    window /= np.sqrt(VOICES * np.mean(window[:-1] ** 2))
    return Modulation(
        direct=float32(np.array([direct])),
        wet=np.ones(1, np.float32),
        delay=float32(rate * (latency_s + length_s * way)),
        gain=float32(window),
        rate_hz=abs(1 - ratio) / length_s,
        voices=VOICES,
    )


def _searched(
    semitones: float, rate: float, distance_of: Callable[[Modulation], float], progress: Progress
) -> Modulation:
    """The grains with the least distance: length, sharpness, latency, direct level, in turn, twice."""
    ranges = {
        "length_s": (SHORTEST_S, LONGEST_S),
        "sharpness": (0.5, 6.0),
        "latency_s": (0.0, 0.05),
        "direct": (0.0, 1.0),
    }
    chosen = {"length_s": FIRST_S, "sharpness": 2.0, "latency_s": 0.0, "direct": 0.0}
    best = distance_of(_grains(semitones, rate, **chosen))
    for turn in range(2):
        for index, (name, (low, high)) in enumerate(ranges.items()):
            middle = np.log(chosen[name]) if name == "length_s" else chosen[name]
            bounds = (np.log(low), np.log(high)) if name == "length_s" else (low, high)
            reach = (bounds[1] - bounds[0]) * (0.5 if turn == 0 else 0.15)
            bounds = max(bounds[0], middle - reach), min(bounds[1], middle + reach)

            def distance(value: float, name: str = name) -> float:
                given = float(np.exp(value)) if name == "length_s" else float(value)
                return distance_of(_grains(semitones, rate, **{**chosen, name: given}))

            found = optimize.minimize_scalar(
                distance, bounds=bounds, method="bounded", options={"maxiter": 9}
            )
            if found.fun < best:
                best = float(found.fun)
                chosen[name] = float(np.exp(found.x)) if name == "length_s" else float(found.x)
            progress((turn * len(ranges) + index + 1) / (2 * len(ranges)))
    return _grains(semitones, rate, **chosen)


def _evened(
    network: Modulation, sounds: Sequence[Sound], targets: Sequence[Samples], rate: float, taps: int
) -> Modulation:
    """The same with a filter of minimum phase that takes the median difference out of each mel band."""
    import librosa

    played = [_play(network, dry, rate) for dry, _ in sounds]
    levels = np.concatenate([log_mel(float32(sound), rate) for sound in played], axis=1)
    goal = np.concatenate(list(targets), axis=1)
    floor = float(min(levels.min(), goal.min())) + 3.0
    heard = (levels > floor) & (goal > floor)
    bands = len(levels)
    correction = np.zeros(bands)
    for band in range(bands):
        if heard[band].sum() > 20:
            correction[band] = np.median((goal - levels)[band, heard[band]])
    correction = np.clip(correction, -LARGEST_CORRECTION_DB, LARGEST_CORRECTION_DB)
    centres = librosa.mel_frequencies(bands + 2, fmin=0.0, fmax=min(rate / 2, MEL_HIGHEST_HZ))[1:-1]
    size = 8192
    curve = np.interp(np.fft.rfftfreq(size, 1 / rate), centres, correction) / 20 * np.log(10)
    cepstrum = np.fft.irfft(curve)
    cepstrum[1 : size // 2] *= 2.0
    cepstrum[size // 2 + 1 :] = 0.0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:taps]
    response[taps // 2 :] *= signal.windows.hann(2 * (taps - taps // 2))[taps - taps // 2 :]
    return Modulation(
        direct=network.direct,
        wet=float32(response),
        delay=network.delay,
        gain=network.gain,
        rate_hz=network.rate_hz,
        voices=network.voices,
    )


def _play(network: Modulation, dry: Samples, rate: float) -> Samples:
    """What the model makes of a sound, by the formula of `Modulation`."""
    n: NDArray[np.int64] = np.arange(len(dry))
    points = np.arange(len(network.delay)) / (len(network.delay) - 1)
    moved = np.zeros(len(dry))
    for voice in range(network.voices):
        phase = (n * (network.rate_hz / rate) + voice / network.voices + network.phase) % 1.0
        shifted, _ = delayed(dry, n, np.interp(phase, points, network.delay))
        moved += np.interp(phase, points, network.gain) * shifted
    return np.asarray(network.direct[0] * dry + filtered(network.wet.astype(np.float64), moved))


def _distance(outputs: Sequence[Samples], targets: Sequence[Samples]) -> float:
    """The mean difference in dB over all bands and moments of all sounds."""
    total = sum(float(np.abs(output - target).sum()) for output, target in zip(outputs, targets, strict=True))
    return total / sum(target.size for target in targets)
