"""Recordings of any kind as estimators hear them: one channel, from where the sound starts, at their rate.

Only as much of a file is read as is heard. What cannot be matched is refused in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ..audio_files import AudioFileError, AudioReader
from ..documents import printable

Samples = NDArray[np.float32]

READ_S = 4.0
"""Of a file, from where it becomes loud; more than any estimator hears."""
SILENT = 1e-6
"""Highest sample of what counts as silence, -120 dBFS."""
FAINT = 1e-3
"""Highest sample, -60 dBFS, of a beginning after which something louder is looked for."""
LEAST_S = 0.01
ONSET = 10 ** (-50 / 20)
"""Of the highest sample: where a sound starts."""
LEAD_S = 0.002
"""Kept before it."""
AT_ONCE_S = 0.02
"""A sound that starts within so long of its file's beginning is heard from there: slow attacks stay whole."""
RISING = 1.2
"""How much louder the second quarter of a slow beginning is than the first; noise is as loud."""
OFFSET_WINDOW_S = 0.025
STEADY = 0.1
"""How far the means of windows lie from a constant offset, as a part of it: the median distance."""
MOST_REPLACED = 0.5
MOST_PHASES = 1024
HALF, BETA, PASSED = 32, 8.0, 0.92
"""Of the resampler: zero crossings of its sinc on each side, its Kaiser window, and the middle of its
transition over half of the lower rate."""


class SoundError(ValueError):
    """A recording that cannot be matched; the text names it and says why."""


@dataclass(frozen=True)
class Sound:
    """A recording's sound.

    Attributes
    ----------
    name : of the file
    samples : shape (frames,), from where the sound starts
    rate : in Hz
    start_s : where that is in the recording
    offset : constant that was subtracted
    replaced : samples that were no numbers and count as 0
    """

    name: str
    samples: Samples
    rate: float
    start_s: float = 0.0
    offset: float = 0.0
    replaced: int = 0

    @property
    def seconds(self) -> float:
        """Of what was kept."""
        return len(self.samples) / self.rate


def read_sound(path: Path) -> Sound:
    """The sound at the beginning of a file, or after its silence.

    Raises
    ------
    AudioFileError
        If the file cannot be read.
    SoundError
        If it is silent, too short, a constant, or mostly no numbers.
    """
    with AudioReader(path) as reader:
        parts = _parts(reader)
        chosen, first, frames = _loud_part(parts, reader)
        if reader.replaced > MOST_REPLACED * frames * reader.channels:
            raise SoundError(
                f"{printable(path.name)}: {reader.replaced} of its samples are no numbers (NaN or infinite); "
                "export it again"
            )
        return sound_of(chosen, reader.rate, path.name, first / reader.rate, reader.replaced)


def sound_of(
    channels: NDArray[np.floating], rate: float, name: str = "sound", start_s: float = 0.0, replaced: int = 0
) -> Sound:
    """The sound in samples of shape (frames,) or (channels, frames).

    Parameters
    ----------
    start_s, replaced : what was cut off and replaced before

    Raises
    ------
    SoundError
        If it is silent, too short, a constant, or has samples that are no numbers.
    """
    shown = printable(name)
    samples = np.atleast_2d(np.asarray(channels, np.float32))
    if not np.isfinite(samples).all():
        raise SoundError(f"{shown}: has samples that are no numbers (NaN or infinite); export it again")
    seconds = samples.shape[1] / rate
    if seconds < LEAST_S:
        raise SoundError(
            f"{shown}: is {1000 * seconds:.1f} ms long, expected {1000 * LEAST_S:.0f} ms or more; "
            "give a longer recording"
        )
    mono = _mono(samples)
    if not _peak(mono) > SILENT:
        raise SoundError(f"{shown}: is silent; give a recording with a sound in it")
    offset = constant_offset(mono, rate)
    if offset:
        mono = mono - np.float32(offset)
    if not _peak(mono) > max(SILENT, 1e-5 * abs(offset)):
        raise SoundError(
            f"{shown}: is a constant of {offset:.3g} and no sound; check how it was recorded or exported"
        )
    start = onset(mono, rate)
    return Sound(name, mono[start:], rate, start_s + start / rate, offset, replaced)


def onset(sound: Samples, rate: float) -> int:
    """The frame where a sound starts: shortly before it first comes within 50 dB of its highest sample.

    0 where that is within 20 ms of the beginning, or the sound rises from the first sample on.
    """
    loud = np.abs(sound) >= ONSET * _peak(sound)
    first = int(np.argmax(loud))
    if first < AT_ONCE_S * rate:
        return 0
    before, after = (_level(part) for part in np.array_split(sound[:first], 4)[:2])
    if 0 < RISING * before < after:
        return 0
    return first - round(LEAD_S * rate)


def constant_offset(sound: Samples, rate: float) -> float:
    """The constant that was added to a recording; 0 for a mean that comes and goes with the sound.

    Saw and triangle of the synth ``four`` have means of their own, which follow its envelope.
    """
    window = max(1, round(OFFSET_WINDOW_S * rate))
    count = len(sound) // window
    if count < 2:
        means = np.array([part.mean() for part in np.array_split(sound.astype(np.float64), 4)])
    else:
        means = sound[: count * window].reshape(count, window).mean(axis=1, dtype=np.float64)
    middle = float(np.median(means))
    distance = float(np.median(np.abs(means - middle)))
    steady = distance <= STEADY * abs(middle) and abs(sound[0]) > 0
    return middle if steady else 0.0


def at_rate(sound: Sound, rate: float, frames: int) -> Samples:
    """So many frames at another rate, zeros where the sound has ended; unchanged at its own rate.

    Returns
    -------
    ndarray, shape (frames,)
    """
    found = np.zeros(frames, np.float32)
    heard = sound.samples
    if rate != sound.rate:
        ratio = Fraction(rate / sound.rate).limit_denominator(MOST_PHASES)
        needed = int((frames + 64) / ratio) + 64
        part = heard[:needed].astype(np.float64)
        taps = _low_pass(max(ratio.numerator, ratio.denominator))
        resample: Any = scipy.signal.resample_poly  # its stubs know no filter of one's own
        heard = resample(part, ratio.numerator, ratio.denominator, window=taps).astype(np.float32)
    count = min(frames, len(heard))
    found[:count] = heard[:count]
    return found


@cache
def _low_pass(phases: int) -> NDArray[np.float64]:
    taps: NDArray[np.float64] = scipy.signal.firwin(
        2 * HALF * phases + 1, PASSED / phases, window=("kaiser", BETA)
    )
    return taps


def _mono(samples: Samples) -> Samples:
    """The mean of the channels; the louder one where they cancel each other."""
    if len(samples) == 1:
        return samples[0]
    mean = samples.mean(axis=0, dtype=np.float64).astype(np.float32)
    energies = np.square(samples, dtype=np.float64).sum(axis=1)
    if float(np.square(mean, dtype=np.float64).sum()) < 0.1 * float(energies.max()):
        return samples[int(np.argmax(energies))]
    return mean


def _parts(reader: AudioReader) -> Iterator[Samples]:
    """What is left of the file, in pieces of `READ_S`."""
    try:
        yield from reader.blocks(max(1, round(READ_S * reader.rate)))
    except MemoryError:
        raise AudioFileError(f"{reader.path.name}: is too large to be read") from None


def _loud_part(parts: Iterator[Samples], reader: AudioReader) -> tuple[Samples, int, int]:
    """The first part of a file that is not faint, or else its loudest, with what follows it.

    Returns
    -------
    samples : shape (channels, frames)
    first : their place in the file, in frames
    read : frames read to find them
    """
    best, place, tallest, read = next(parts), 0, 0.0, 0
    tallest, read = _peak(best), best.shape[1]
    while tallest < FAINT:
        following = next(parts, None)
        if following is None:
            return best, place, read
        if _peak(following) > max(tallest, SILENT):
            best, place, tallest = following, read, _peak(following)
        read += following.shape[1]
    following = next(parts, None)
    if following is not None:
        best, read = np.concatenate([best, following], axis=1), read + following.shape[1]
    return best, place, read


def _level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _peak(samples: Samples) -> float:
    return float(np.max(np.abs(samples), initial=0.0))
