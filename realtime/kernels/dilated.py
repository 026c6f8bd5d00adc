"""Causal dilated convolutions over a block, for kernels: tiles, packed weights, rings of past samples.

A ring keeps a channel's past twice, ``length`` samples apart, so that every window of it is in one
piece: a block is written at ``position`` and at ``position + length``, and read behind the second.
Writing costs the same in every block, unlike rewinding.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

LANES = 16
BLOCK = 64
"""Samples that a kernel works on at a time: longer blocks are cut, the last part is padded."""


@cache
def registers() -> int:
    """Vectors of `LANES` that fit the registers beside a tile's inputs."""
    return 16 if llvm.get_host_cpu_features().get("avx512f", False) else 4


def tile_shape(outputs: int) -> tuple[int, int, int]:
    """How many output channels and vectors one tile holds, and how many tiles cover all channels."""
    tiles = -(-outputs // min(outputs, registers()))
    rows = -(-outputs // tiles)
    vectors = next(v for v in (4, 2, 1) if v * rows <= registers() or v == 1)
    return rows, vectors, tiles


def pack_convolution(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights (outputs, inputs, kernel) in the order the tiles read them: (tiles, kernel, inputs, rows)."""
    outputs, inputs, kernel = weight.shape
    rows, _, tiles = tile_shape(outputs)
    padded = np.zeros((tiles * rows, inputs, kernel), np.float32)
    padded[:outputs] = weight
    return padded.reshape(tiles, rows, inputs, kernel).transpose(0, 3, 2, 1).ravel()


def pack_rows(values: NDArray[np.float32] | None, outputs: int) -> NDArray[np.float32]:
    """One value per output channel, padded to whole tiles; zeros for None."""
    rows, _, tiles = tile_shape(outputs)
    padded = np.zeros(tiles * rows, np.float32)
    if values is not None:
        padded[:outputs] = values.ravel()
    return padded


def padded_channels(channels: int) -> int:
    """Channels that buffers hold for ``channels`` outputs: whole tiles."""
    rows, _, tiles = tile_shape(channels)
    return rows * tiles


BUFFER = np.dtype(
    [
        ("memory", "i8"),  # address of channel 0
        ("stride", "i8"),  # bytes from one channel to the next
        ("length", "i8"),  # samples of past before it repeats; 0: holds the present block only
        ("position", "i8"),  # where the present block starts, 0 to length - 1
    ],
    align=True,
)
"""Several channels of samples, with or without their past."""


def ring_length(memory: int) -> int:
    """Length of a ring that serves a convolution with ``memory`` past samples."""
    return -(-(memory + BLOCK) // LANES) * LANES if memory else 0


def ring_samples(memory: int) -> int:
    """Floats that one channel of a buffer with ``memory`` past samples takes."""
    return 2 * ring_length(memory) + BLOCK


def accumulator(inputs: int, outputs: int, kernel: int) -> Any:
    """Compile ``(tile, weights, source, stride, dilation) -> tile``, which adds a convolution's products.

    ``source`` is the address of the newest sample of channel 0, ``weights`` that of one tile's
    packed weights. Wide and narrow tiles get the same arithmetic in every lane.
    """
    from numba import njit

    from ..compiler.simd import tile_fma

    rows, _, _ = tile_shape(outputs)

    @njit(forceinline=True, error_model="numpy")
    def accumulate(tile: Any, weights: Any, source: Any, stride: Any, dilation: Any) -> Any:
        for k in range(kernel):
            samples = source - 4 * (kernel - 1 - k) * dilation
            for _ in range(inputs):
                tile = tile_fma(tile, rows, weights, samples)
                weights += 4 * rows
                samples += stride
        return tile

    return accumulate
