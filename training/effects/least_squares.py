"""The taps of a filter from what went in and what came out: least squares over any sound, by FFT."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Samples: TypeAlias = NDArray[np.float64]
Spectrum: TypeAlias = NDArray[np.complex128]

SHORTEST_BLOCK = 2**17


def lagged_products(target: NDArray[np.floating], source: NDArray[np.floating], lags: int) -> Samples:
    """``Σ_n target[n] · source[n - k]`` for k = 0 … lags - 1, in blocks to save memory.

    Parameters
    ----------
    target, source : shape (frames,); what is before the source is silence
    """
    block = max(lags, SHORTEST_BLOCK)
    size = fft.next_fast_len(block + lags - 1, real=True)
    products = np.zeros(size // 2 + 1, np.complex128)
    for start in range(0, len(target), block):
        end = min(start + block, len(target))
        heard = np.zeros(end - start + lags - 1)
        first = max(0, start - lags + 1)
        heard[len(heard) - (end - first) :] = source[first:end]
        products += np.conj(_rfft(target[start:end], size)) * _rfft(heard, size)
    return fft.irfft(products, size)[:lags][::-1].copy()


@dataclass(frozen=True)
class NormalEquations:
    """``A'A h = A'y`` for the FIR filter h that makes sounds y of sounds x, both heard from rest.

    A row of A is what the filter remembers at one frame. So A'A is a Toeplitz matrix of x's
    autocorrelation, less what x would ring on after the last row; with h it is multiplied by transforms twice
    as long as h, however long the sound.

    Attributes
    ----------
    taps : the length of h
    size : of the transforms, 2 taps or more
    right : A'y, shape (taps,)
    power : the energy of x, which is the diagonal of the Toeplitz matrix
    toeplitz : its spectrum, as a circulant matrix of ``size``
    smooth : the spectrum of x's power with the taper of Bartlett's window, 0 or more
    edges : spectra of the last taps - 1 samples of each x
    """

    taps: int
    size: int
    right: Samples
    power: float
    toeplitz: Samples
    smooth: Samples
    edges: tuple[Spectrum, ...]

    @classmethod
    def of(
        cls, sounds: Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]], taps: int
    ) -> NormalEquations:
        """The equations for sounds (x, y), each of shape (frames,)."""
        size = fft.next_fast_len(2 * taps, real=True)
        own, right = np.zeros(taps), np.zeros(taps)
        edges = []
        for dry, wet in sounds:
            own += lagged_products(dry, dry, taps)
            right += lagged_products(wet, dry, taps)
            last = np.zeros(taps - 1)
            known = min(taps - 1, len(dry))
            last[taps - 1 - known :] = dry[len(dry) - known :]
            if last.any():
                edges.append(_rfft(last, size))
        return cls(
            taps,
            size,
            right,
            float(own[0]),
            _rfft(_circulant(own, size), size).real,
            np.maximum(_rfft(_circulant(own * (1 - np.arange(taps) / taps), size), size).real, 0.0),
            tuple(edges),
        )

    def multiply(self, vector: Samples) -> Samples:
        """A'A times a vector of shape (taps,)."""
        spectrum = _rfft(vector, self.size)
        product = fft.irfft(spectrum * self.toeplitz, self.size)[: self.taps]
        for edge in self.edges:
            ringing = fft.irfft(spectrum * edge, self.size)
            ringing[: self.taps - 1] = 0.0
            ringing[2 * self.taps - 2 :] = 0.0
            product -= fft.irfft(_rfft(ringing, self.size) * np.conj(edge), self.size)[: self.taps]
        return np.asarray(product)

    def solve(
        self, ridge: float, start: Samples | None = None, *, tolerance: float = 1e-9, iterations: int = 60
    ) -> Samples:
        """The h that solves ``(A'A + ridge · power) h = A'y``, by preconditioned conjugate gradients.

        The preconditioner is the circulant matrix of the smoothed spectrum: T. Chan, "An Optimal Circulant
        Preconditioner for Toeplitz Systems", SIAM J. Sci. Stat. Comput. 9(4), 1988.

        Parameters
        ----------
        ridge : more than 0; against noise, and for what x does not contain
        start : where to begin, shape (taps,); None is silence
        tolerance : of the residual, relative to the right side
        iterations : at most
        """
        weight = ridge * self.power
        inverse = 1.0 / (self.smooth + weight)
        taps = np.zeros(self.taps) if start is None else start.copy()
        residual = self.right - self.multiply(taps) - weight * taps
        enough = tolerance * float(np.linalg.norm(self.right))
        direction, last = np.zeros(self.taps), 1.0
        for _ in range(iterations):
            if float(np.linalg.norm(residual)) <= enough:
                break
            step = fft.irfft(_rfft(residual, self.size) * inverse, self.size)[: self.taps]
            now = float(residual @ step)
            direction = step + (now / last) * direction
            last = now
            product = self.multiply(direction) + weight * direction
            length = now / float(direction @ product)
            taps += length * direction
            residual -= length * product
        return taps


def _circulant(own: Samples, size: int) -> Samples:
    """A symmetric function of the lag, wrapped around a transform of ``size``."""
    wrapped = np.zeros(size)
    wrapped[: len(own)] = own
    wrapped[size - len(own) + 1 :] = own[:0:-1]
    return wrapped


def _rfft(signal: NDArray[np.floating], size: int) -> Spectrum:
    return np.asarray(fft.rfft(np.asarray(signal, np.float64), size))
