"""The compiled Fourier transform against NumPy's."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from numba import cfunc, types
from numpy.typing import NDArray
from tonerig.realtime.kernels.fft import bin_order, spans, spectrum, twiddles
from tonerig.realtime.kernels.fft_code import transform, twist, untwist

SIZES = (64, 256, 1024)


class Compiled:
    """A transform and the four arrays that it works in."""

    def __init__(self, size: int) -> None:
        made = transform(size)
        steps, forward, inverse = made.steps, made.forward, made.inverse

        def run(way: Any, real: Any, re: Any, im: Any, re2: Any, im2: Any, table: Any) -> None:
            if way == 0 and real != 0:
                twist(real, re, im, size, table)
            for step in range(steps):
                if way == 0:
                    forward(step, re, im, re2, im2, table)
                else:
                    inverse(step, re, im, re2, im2, table)
            if way == 1 and real != 0:
                untwist(re, im, real, size, table)

        self._code = cfunc(types.void(*[types.int64] * 7), error_model="numpy")(run)
        self._call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 7)(self._code.address)
        self.arrays = np.zeros((4, size), np.float32)
        self.table = twiddles(size)

    def forward(self, block: NDArray[np.float32] | None = None) -> None:
        """Transform a real block, or what stands in the first two arrays."""
        self._run(0, block)

    def inverse(self, target: NDArray[np.float32] | None = None) -> None:
        """Transform the last two arrays back; write real samples to ``target``."""
        self._run(1, target)

    def _run(self, way: int, real: NDArray[np.float32] | None) -> None:
        address = 0 if real is None else real.ctypes.data
        self._call(way, address, *(row.ctypes.data for row in self.arrays), self.table.ctypes.data)


@pytest.fixture(scope="module", params=SIZES)
def compiled(request: pytest.FixtureRequest) -> Compiled:
    return Compiled(request.param)


def test_the_forward_transform_is_numpys(compiled: Compiled) -> None:
    """Random complex data, in the order that `bin_order` tells, within float32's rounding."""
    size = compiled.arrays.shape[1]
    rng = np.random.default_rng(3)
    data = rng.normal(size=size) + 1j * rng.normal(size=size)
    compiled.arrays[0], compiled.arrays[1] = data.real, data.imag
    compiled.forward()
    expected = np.fft.fft(data)[bin_order(size)]
    np.testing.assert_allclose(compiled.arrays[2] + 1j * compiled.arrays[3], expected, atol=1e-6 * size)


def test_there_and_back_is_the_size_times_the_data(compiled: Compiled) -> None:
    """The inverse undoes the forward transform, but for the factor."""
    size = compiled.arrays.shape[1]
    data = np.random.default_rng(4).normal(size=(2, size)).astype(np.float32)
    compiled.arrays[:2] = data
    compiled.forward()
    compiled.inverse()
    np.testing.assert_allclose(compiled.arrays[:2] / size, data, atol=2e-6)


def test_products_of_spectra_are_overlap_save_convolution(compiled: Compiled) -> None:
    """Twisted spectra of a block and of taps, multiplied, give the block's second half of the convolution."""
    size = compiled.arrays.shape[1]
    rng = np.random.default_rng(5)
    block, taps = rng.normal(size=2 * size).astype(np.float32), rng.normal(size=size)
    compiled.forward(block)
    product = (compiled.arrays[2] + 1j * compiled.arrays[3]) * spectrum(taps) / size
    compiled.arrays[2], compiled.arrays[3] = product.real, product.imag
    out = np.zeros(size, np.float32)
    compiled.inverse(out)
    expected = np.convolve(block.astype(np.float64), taps)[size : 2 * size]
    np.testing.assert_allclose(out, expected, atol=1e-5 * np.sqrt(size))


@pytest.mark.parametrize("size", [0, 16, 63, 128, 512, -64])
def test_other_sizes_are_refused(size: int) -> None:
    """Only powers of four from 64 on have a transform."""
    with pytest.raises(ValueError, match=f"{size} points"):
        spans(size)
