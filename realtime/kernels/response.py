"""Kernel for a filter that knobs move: convolution without latency, whose taps are folded anew as they turn.

It is `convolution` with the head and the short partitions, whose taps and spectra are sums of those of each
feature. New ones are taken once in 64 samples at most, at a multiple of 64 after the state's start; the
following 64 samples fade from what the old ones give to what the new ones give, the head at once, the
partitions a block later.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...export.model import NeuralModel, Response
from ..compiler.layout import State
from ..compiler.unit import Unit
from . import convolution
from .convolution import SHORT, SHORT_END
from .folding import Folding

LONGEST = SHORT_END
"""Taps; longer ones would need partitions whose blocks are too long to fade."""

RESPONSE = np.dtype(
    [
        ("filter", "i8"),  # address of a `convolution.FILTER`
        ("rows", "i8"),  # (1 + features, size): the head's taps, then the spectra, of each feature
        ("size", "i8"),
        ("features", "i8"),
        ("before", "i8"),  # spectra that are faded from
        ("before_head", "i8"),
        ("before_tail", "i8"),
        ("fades", "i8"),  # blocks that still fade
        ("started", "i8"),  # whether there was a fold, after which others fade
    ],
    align=True,
)
"""One channel."""


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model."""
    network = model.network
    return isinstance(network, Response) and network.taps.shape[1] <= LONGEST


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code, the same for all models."""
    return (Unit.of("kernels.response"),)


def make_state(model: NeuralModel) -> State:
    """The response at features of 0, and silence before it."""
    network = model.network
    assert isinstance(network, Response)
    features = network.taps.shape[0] - 1
    filter_ = convolution.filter_state(np.ones(network.taps.shape[1]))
    spectra = filter_.arrays["short_response"]
    rows = [_row(taps) for taps in network.taps]
    state = State(
        RESPONSE,
        rows=(np.float32, (1 + features, rows[0].size)),
        before=(np.float32, spectra.size),
        before_head=(np.float32, SHORT),
        before_tail=(np.float32, SHORT),
    )
    state.arrays["rows"][:] = rows
    filter_.arrays["head"][:] = rows[0][:SHORT]
    spectra.ravel()[:] = rows[0][SHORT:]
    record = state.record
    record["filter"], record["size"], record["features"] = filter_.address, rows[0].size, features
    state.parts.append(filter_)
    return state


def fold(model: NeuralModel, state: State, folding: Folding) -> None:
    """Say what the features move."""
    if state.record["features"]:
        folding.responses.append(state.address)


def _row(taps: Any) -> Any:
    """A response's head and spectra, one behind the other."""
    padded = np.zeros(SHORT, np.float32)
    padded[: taps.size] = taps[:SHORT]
    return np.concatenate([padded, convolution.short_spectra(taps).ravel()])


def compile() -> dict[str, Any]:
    """Compile one channel's ``process``."""
    from . import response_code

    return {"process": response_code.process()}
