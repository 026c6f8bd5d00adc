"""Kernel for long FIR filters: convolution without latency and with an even load.

The response is cut in three (after W. G. Gardner, *Efficient convolution without input-output delay*,
J. Audio Eng. Soc. 43(3), 1995):

- taps 0 to 63: multiplied out, sample by sample;
- taps 64 to 2047: partitions of 64 taps, one short transform each way for each 64 samples;
- the rest: partitions of 1024 taps. The work for 1024 samples is done during the following
  1024, one sixteenth after each 64 samples.

All happens on a grid of 64 samples counted from the state's own start, so that what a sample's bits
are does not depend on the blocks it comes in.

How to use it
-------------
A model that is one long convolution is played like any other (`takes`, `units`, `make_state`). For
other uses ``filter_state(taps)`` gives the memory of one channel; ``UNIT`` has a ``process`` for
that state, and other compiled code calls ``convolution_code.convolve(filter_at(state), source,
target, frames)`` with addresses of float32.

The record `FILTER` holds addresses into the state's own memory. Spectra stand in groups of sixteen
bins (real parts, then imaginary parts), all partitions of a group one after another:
(groups, partitions, 2, 16).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...export.model import Convolution, NeuralModel, Stack
from ..compiler.layout import State
from ..compiler.unit import Unit
from . import fft
from .feedforward import LONGEST_DIRECT_FIR

UNIT = Unit.of("kernels.convolution")

SHORT = 64
"""Samples of the grid; taps of the head and of a short partition."""
LONG = 1024
SLOTS = LONG // SHORT
SHORT_END = 2 * LONG
"""First tap that long partitions may take: their result is two blocks late."""
BINS = 16
MAX_TAPS = 2**23

LEVEL = np.dtype(
    [
        ("partitions", "i8"),
        ("newest", "i8"),  # its place in the ring of input spectra, which runs backwards
        ("response", "i8"),  # spectra of the partitions
        ("inputs", "i8"),  # spectra of past input
        ("sums", "i8"),  # spectrum of the output, (groups, 2, 16)
        ("work", "i8"),  # the transform's four arrays
        ("twiddles", "i8"),
    ],
    align=True,
)
"""One partition size."""

FILTER = np.dtype(
    [
        *((f"short_{name}", "i8") for name in LEVEL.names or ()),  # a `LEVEL`
        *((f"long_{name}", "i8") for name in LEVEL.names or ()),  # another
        ("head", "i8"),  # the first `SHORT` taps
        ("window", "i8"),  # the last `SHORT` samples, those of the present block, a vector more
        ("tail", "i8"),  # the partitions' share of the present block
        ("spare", "i8"),  # a vector
        ("fill", "i8"),  # samples of the present block that have come
        ("slot", "i8"),  # short blocks of the present long block that have come
        ("history", "i8"),  # the last long block and the present one
        ("playing", "i8"),  # the long partitions' share of the present long block
        ("coming", "i8"),  # … and of the next
        ("bias", "f4"),  # added to what comes out of ``process``
    ],
    align=True,
)
"""One channel."""


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model: a single convolution of one channel, too long for products."""
    network = model.network
    if not isinstance(network, Stack) or network.skip or len(network.layers) != 1:
        return False
    layer = network.layers[0]
    return (
        isinstance(layer, Convolution)
        and (layer.outputs, layer.inputs, layer.dilation) == (1, 1, 1)
        and LONGEST_DIRECT_FIR < layer.kernel <= MAX_TAPS
    )


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code, the same for all models."""
    return (UNIT,)


def make_state(model: NeuralModel) -> State:
    """The model's response as partitions, and silence before it."""
    network = model.network
    assert isinstance(network, Stack)
    layer = network.layers[0]
    assert isinstance(layer, Convolution)
    state = filter_state(layer.weight[0, 0, ::-1] * (network.input_gain * network.output_gain))
    state.record["bias"] = 0.0 if layer.bias is None else layer.bias[0] * network.output_gain
    return state


def filter_state(taps: ArrayLike) -> State:
    """Memory of one channel that convolves with ``taps``, from silence on.

    Parameters
    ----------
    taps : an impulse response: ``taps[0]`` meets the newest sample

    Raises
    ------
    ValueError
        when there are no taps, too many, or some are not finite.
    """
    response = np.asarray(taps, np.float64).ravel()
    if not 1 <= response.size <= MAX_TAPS or not np.isfinite(response).all():
        raise ValueError(f"{response.size} taps; expected 1 to {MAX_TAPS}, all finite")
    response = np.trim_zeros(response, "b")
    short = _partitions(response[SHORT:SHORT_END], SHORT)
    long = _partitions(response[SHORT_END:], LONG)
    arrays: dict[str, Any] = {
        "head": (np.float32, SHORT),
        "window": (np.float32, 2 * SHORT + BINS),
        "tail": (np.float32, SHORT),
        "spare": (np.float32, BINS),
        "history": (np.float32, 2 * LONG),
        "playing": (np.float32, LONG),
        "coming": (np.float32, LONG),
    }
    state = State(FILTER, **arrays, **_level_arrays("short", short), **_level_arrays("long", long))
    state.arrays["head"][: min(SHORT, response.size)] = response[:SHORT]
    for name, spectra in (("short", short), ("long", long)):
        size = spectra.shape[1]
        state.arrays[f"{name}_response"][:] = _grouped(spectra / size)
        state.arrays[f"{name}_twiddles"][:] = fft.twiddles(size)
        state.record[f"{name}_partitions"] = len(spectra)
    return state


def short_spectra(taps: NDArray[Any]) -> NDArray[np.float64]:
    """Spectra of the short partitions of a response of at most `SHORT_END` taps, as they stand in memory."""
    return _grouped(_partitions(np.asarray(taps, np.float64)[SHORT:], SHORT) / SHORT)


def _level_arrays(name: str, spectra: NDArray[np.complex128]) -> dict[str, Any]:
    partitions, size = spectra.shape
    return {
        f"{name}_response": (np.float32, (size // BINS, partitions, 2, BINS)),
        f"{name}_inputs": (np.float32, (size // BINS, partitions, 2, BINS)),
        f"{name}_sums": (np.float32, 2 * size),
        f"{name}_work": (np.float32, 4 * size),
        f"{name}_twiddles": (np.float32, fft.twiddles(size).size),
    }


def _partitions(taps: NDArray[np.float64], size: int) -> NDArray[np.complex128]:
    """Spectra of the partitions, shape (partitions, size)."""
    count = -(-taps.size // size)
    padded = np.zeros((count, size))
    padded.ravel()[: taps.size] = taps
    return fft.spectrum(padded)


def _grouped(spectra: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Spectra as the code reads them, (groups, partitions, 2, 16)."""
    partitions, size = spectra.shape
    groups = spectra.reshape(partitions, size // BINS, BINS).transpose(1, 0, 2)
    return np.stack([groups.real, groups.imag], axis=2)


def compile() -> dict[str, Any]:
    """Compile one channel's ``process``."""
    from numba import carray

    from ..compiler.abi import audio_function
    from ..compiler.memory import float32_at
    from .convolution_code import convolve

    @audio_function(FILTER)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        convolve(state, source, target, frames)
        y = carray(float32_at(target), (frames,))
        for t in range(frames):
            y[t] += state.bias

    return {"process": process}
