"""A sampler's recordings: read and checked, brought to a stream's rate, laid out for its voices.

They are kept at twice the stream's rate. Every second place is a sample of the recording itself, the others
come from a half-band filter: voices that read between places with `sampler_voice`'s polynomial then
have images below -79 dB up to 10 kHz, and one that plays a recording as it is gives its very samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio_files import AudioFileError, AudioReader, Samples

MAX_SECONDS = 60.0
MAX_BYTES = 256 * 2**20
"""Of all recordings together, as they are laid out for `USUAL_RATE` or for their own, if that is higher."""
USUAL_RATE = 48000.0
MAX_PEAK = 1000.0
OVERSAMPLING = 2
HALF_BAND_SPAN = 32
"""Samples on each side that a place between two of them is computed from."""
HALF_BAND_BETA = 10.0
MARGIN = 40
"""Samples of nothing before and behind each recording; its filter rings out in them."""
END = OVERSAMPLING * HALF_BAND_SPAN
"""Places from a recording's end to where it has rung out."""
ZERO_CROSSINGS = 64
KAISER_BETA = 10.0
CUTOFF = 0.95
"""Of the lower one of two rates: the middle of the transition band, over half the rate."""
LARGEST_DENOMINATOR = 1000


@dataclass(frozen=True)
class Recording:
    """A sound file's contents.

    Parameters
    ----------
    samples : shape (channels, frames); one or two channels
    rate : in Hz
    """

    samples: Samples
    rate: float

    def at(self, rate: float) -> NDArray[np.float64]:
        """Its samples at another rate, shape (channels, frames); the first one stays at the start.

        Notes
        -----
        Resampling the way of ``scipy.signal.resample_poly``, with a filter of 128 zero crossings: flat to
        0.9 of half the lower rate, 100 dB down from half of it on. A ratio of great numbers becomes the
        nearest one with a denominator of 1000 at most.
        """
        samples = self.samples.astype(np.float64)
        if rate == self.rate:
            return samples
        from scipy.signal import firwin, upfirdn

        ratio = Fraction(rate / self.rate).limit_denominator(LARGEST_DENOMINATOR)
        up, down = ratio.numerator, ratio.denominator
        delay = ZERO_CROSSINGS * max(up, down)
        filter_ = firwin(2 * delay + 1, CUTOFF / max(up, down), window=("kaiser", KAISER_BETA))
        ahead = -delay % down  # so that the delay is a whole number of samples
        resampled = upfirdn(up * np.pad(filter_, (ahead, 0)), samples, up, down, axis=1)
        first, count = (delay + ahead) // down, -(-samples.shape[1] * up // down)
        return np.asarray(resampled[:, first : first + count], np.float64)


def read_recordings(files: Iterable[Path]) -> dict[Path, Recording]:
    """Read sound files, each once.

    Raises
    ------
    AudioFileError
        If one cannot be read, is longer than `MAX_SECONDS`, not finite or absurdly loud, or if all of
        them together would take more than `MAX_BYTES`.
    """
    recordings: dict[Path, Recording] = {}
    total = 0.0
    for path in dict.fromkeys(files):
        with AudioReader(path) as reader:
            seconds = reader.frames / reader.rate
            if seconds > MAX_SECONDS:
                raise AudioFileError(
                    f"{path.name}: is {seconds:.0f} s long, expected a sample of up to {MAX_SECONDS:.0f} s; "
                    "cut it"
                )
            total += 4 * OVERSAMPLING * reader.channels * seconds * max(reader.rate, USUAL_RATE)
            if total > MAX_BYTES:
                raise AudioFileError(
                    f"{path.name}: is one sample too many: with it they take {total / 2**20:.0f} MB, "
                    f"expected {MAX_BYTES // 2**20} MB at most; leave some out, or make stereo ones mono"
                )
            recordings[path] = Recording(np.concatenate(list(reader.blocks()), axis=1), reader.rate)
            _check(path, recordings[path].samples, reader.replaced)
    return recordings


def _check(path: Path, samples: Samples, replaced: int) -> None:
    if replaced:
        raise AudioFileError(
            f"{path.name}: has {replaced} samples that are NaN or infinite, expected finite ones; "
            "export it anew"
        )
    peak = np.abs(samples).max()
    if peak > MAX_PEAK:
        raise AudioFileError(
            f"{path.name}: its loudest sample is {peak:g}, expected {MAX_PEAK:g} at most; scale it down"
        )


def laid_out(samples: NDArray[np.float64]) -> Samples:
    """Samples at twice their rate, silence before and behind them.

    Parameters
    ----------
    samples : shape (channels, frames)

    Returns
    -------
    Samples of shape (channels, `OVERSAMPLING` × (frames + 2 `MARGIN`)).
    """
    from scipy.signal import oaconvolve

    padded = np.pad(samples, ((0, 0), (MARGIN, MARGIN)))
    between = oaconvolve(padded, _half_band()[None], axes=1)[:, HALF_BAND_SPAN:]
    result = np.empty((len(samples), OVERSAMPLING * padded.shape[1]), np.float32)
    result[:, 0::2] = padded
    result[:, 1::2] = between[:, : padded.shape[1]]
    # convolution by FFT leaves rounding errors where the filter does not reach
    result[:, : OVERSAMPLING * MARGIN - END] = result[:, END - OVERSAMPLING * MARGIN :] = 0.0
    return result


def _half_band() -> NDArray[np.float64]:
    """The half-band filter's coefficients at the places between samples; they sum to 1."""
    time = np.arange(-HALF_BAND_SPAN, HALF_BAND_SPAN) + 0.5
    window = np.i0(HALF_BAND_BETA * np.sqrt(1 - (time / HALF_BAND_SPAN) ** 2))
    filter_ = np.sinc(time) * window
    return np.asarray(filter_ / filter_.sum())
