"""Impulse responses from sound files: read and checked, cut to size, brought to a stream's rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio_files import AudioFileError, AudioReader

MAX_SECONDS = 10.0
MAX_PEAK = 1000.0
SILENCE = 1e-4
"""Of the loudest sample: what comes before the first sample over it (-80 dB) counts as silence."""
FADE = 0.1
"""Share of a shortened response that fades out."""
ZERO_CROSSINGS = 40
KAISER_BETA = 8.0
FINEST_RATIO = 1000


class ImpulseFileError(AudioFileError):
    """A file that holds no usable impulse response; the text names it and says why."""


@dataclass(frozen=True)
class ImpulseResponse:
    """What comes out of a linear system for a unit impulse.

    Parameters
    ----------
    samples : shape (channels, taps)
    rate : in Hz
    """

    samples: NDArray[np.float64]
    rate: float

    def trimmed(self) -> ImpulseResponse:
        """Without the silence before its onset, the earliest of all channels."""
        peak = np.abs(self.samples).max(axis=0)
        return replace(self, samples=self.samples[:, int(np.argmax(peak > SILENCE * peak.max())) :])

    def shortened(self, seconds: float) -> ImpulseResponse:
        """Its first ``seconds``; where that cuts something off, the end fades out on half a cosine."""
        count = max(1, round(seconds * self.rate))
        if count >= self.samples.shape[1]:
            return self
        samples = self.samples[:, :count].copy()
        fade = max(1, round(FADE * count))
        samples[:, -fade:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(fade) + 1) / (fade + 1))
        return replace(self, samples=samples)

    def at(self, rate: float) -> ImpulseResponse:
        """The same frequency response at another sample rate.

        Notes
        -----
        Resampling the way of ``scipy.signal.resample_poly``, but with the filter's minimum-phase
        form (``scipy.signal.minimum_phase``): a response that starts at once has no room for the
        ringing that a linear-phase filter puts before the first sample, and cutting that off would change
        its tone by several dB.
        """
        if rate == self.rate:
            return self
        from scipy.signal import firwin, minimum_phase, upfirdn

        ratio = Fraction(rate / self.rate).limit_denominator(FINEST_RATIO)
        up, down = ratio.numerator, ratio.denominator
        length = ZERO_CROSSINGS * max(up, down) + 1
        prototype = firwin(length, 1.0 / max(up, down), window=("kaiser", KAISER_BETA))
        points = 1 << (16 * length).bit_length()
        filter_ = minimum_phase(prototype, n_fft=points, half=False)
        samples = upfirdn(filter_ * (up * self.rate / rate), self.samples, up, down, axis=1)
        return ImpulseResponse(samples, rate)


def read_impulse(path: Path) -> ImpulseResponse:
    """Read an impulse response of one or two channels.

    Raises
    ------
    ImpulseFileError
        If the file cannot be read, is empty, too long, silent, not finite, absurdly loud or has more
        than two channels.
    """
    try:
        with AudioReader(path) as reader:
            seconds = reader.frames / reader.rate
            if seconds > MAX_SECONDS:
                raise ImpulseFileError(
                    f"{path.name}: is {seconds:.1f} s long, expected an impulse response of up to "
                    f"{MAX_SECONDS:.0f} s; cut it"
                )
            samples = np.concatenate(list(reader.blocks()), axis=1).astype(np.float64)
    except AudioFileError as error:
        raise ImpulseFileError(str(error)) from None
    if reader.replaced:
        raise ImpulseFileError(
            f"{path.name}: has {reader.replaced} samples that are NaN or infinite, expected finite ones; "
            "export it anew"
        )
    peak = np.abs(samples).max()
    if peak == 0:
        raise ImpulseFileError(f"{path.name}: is silent, expected an impulse response; choose another file")
    if peak > MAX_PEAK:
        raise ImpulseFileError(
            f"{path.name}: its loudest sample is {peak:g}, expected {MAX_PEAK:g} at most; scale it down"
        )
    return ImpulseResponse(samples, reader.rate)
