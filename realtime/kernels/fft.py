"""Tables for the fast Fourier transform of `fft_code`: twiddle factors and the order of its bins.

A complex transform of ``size`` = 4^n points, radix 4, decimation in frequency forwards and in time
backwards, so that neither needs its data reordered: spectra stay in the order that `bin_order` tells.
That is all that convolution asks for.

Notes
-----
Two real halves ``a`` and ``b`` of a block of ``2 size`` samples are transformed as one complex block
``(a + i b) ω^k`` with ``ω = exp(iπ / (2 size))``: the product of two such spectra is the *negacyclic*
convolution of the two blocks, whose wrapped part overlap-save throws away. It has exactly
``size`` bins and none that is special (the "right-angle" convolution of Nussbaumer, *Fast Fourier
Transform and Convolution Algorithms*, 1982; D. J. Bernstein, *Multidigit multiplication for
mathematicians*, 2001).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RADIX = 4
ROWS = 16
"""Points of the transforms that finish the work, across vectors of independent ones."""


def spans(size: int) -> list[int]:
    """Distances between the points of a butterfly, stage after stage.

    Raises
    ------
    ValueError
        when the size is not a power of four from 64 on.
    """
    if size < 64 or size & (size - 1) or size.bit_length() % 2 == 0:
        raise ValueError(f"a transform of {size} points; expected a power of four from 64 on")
    found = [size // RADIX]
    while found[-1] > 1:
        found.append(found[-1] // RADIX)
    return found


def twiddles(size: int) -> NDArray[np.float32]:
    """Everything that the code reads, one piece after another.

    For each stage of span s: cos and sin of −2π j k / (4 s) for j = 1, 2, 3 and k < s, each a row of
    s values; then cos and sin of the twist πk / (2 size) for k < size.
    """
    rows: list[NDArray[np.float64]] = []
    for span in spans(size):
        for j in (1, 2, 3):
            angle = -2 * np.pi * j * np.arange(span) / (RADIX * span)
            rows += [np.cos(angle), np.sin(angle)]
    angle = np.pi * np.arange(size) / (2 * size)
    return np.concatenate([*rows, np.cos(angle), np.sin(angle)]).astype(np.float32)


def bin_order(size: int) -> NDArray[np.int64]:
    """Frequency index at each place of a spectrum.

    Decimation in frequency leaves a bin where its index's digits, reversed, point to; the last stages
    work on the transposed data.
    """
    spectrum = np.arange(size)
    place = spectrum % (size // ROWS) * ROWS + spectrum // (size // ROWS)
    frequency = np.zeros(size, np.int64)
    for _ in spans(size):
        frequency = RADIX * frequency + place % RADIX
        place //= RADIX
    return frequency


def spectrum(taps: NDArray[np.float64]) -> NDArray[np.complex128]:
    """What the code makes of a block whose first half is ``taps`` and whose second half is silence.

    Parameters
    ----------
    taps : shape (…, size)
    """
    size = taps.shape[-1]
    twisted = taps * np.exp(1j * np.pi * np.arange(size) / (2 * size))
    transformed: NDArray[np.complex128] = np.fft.fft(twisted)[..., bin_order(size)]
    return transformed
