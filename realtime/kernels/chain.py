"""Kernel for models one after another: each part's own kernel, called by address, 64 samples at a time.

The state's ``parts`` are those of the models, in their order; a chain among them has parts of its own. What
stands between two models lies in the chain's memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...export.model import Chain, NeuralModel
from ..compiler.layout import State
from ..compiler.unit import Unit, load

if TYPE_CHECKING:
    from . import Kernel

BLOCK = 64

PART = np.dtype([("process", "i8"), ("state", "i8")], align=True)
"""Addresses of a part's code and memory."""

STATE = np.dtype(
    [
        ("table", "i8"),  # a `PART` for each model
        ("count", "i8"),
        ("between", "i8"),  # two blocks, used in turn
    ],
    align=True,
)


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model: there are parts, and a kernel for each."""
    network = model.network
    return isinstance(network, Chain) and bool(network.models) and all(map(_kernel, _parts(model)))


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The chain's compiled code and that of its parts."""
    needed = [unit for part in _parts(model) for unit in _found(part).units(part)]
    return tuple(dict.fromkeys([Unit.of("kernels.chain"), *needed]))


def make_state(model: NeuralModel) -> State:
    """The parts' states, not yet prewarmed."""
    parts = _parts(model)
    state = State(STATE, table=(PART, len(parts)), between=(np.float32, 2 * BLOCK))
    state.record["count"] = len(parts)
    for row, part in zip(state.arrays["table"], parts, strict=True):
        kernel = _found(part)
        state.parts.append(kernel.make_state(part))
        row["process"], row["state"] = load(kernel.units(part)[0])["process"], state.parts[-1].address
    return state


def _parts(model: NeuralModel) -> list[NeuralModel]:
    """The models that sound, at the rate of the whole."""
    assert isinstance(model.network, Chain)
    return [replace(part.playable(), sample_rate=model.sample_rate) for part in model.network.models]


def _kernel(model: NeuralModel) -> Kernel | None:
    from . import kernel_for  # which lists this module

    return kernel_for(model)


def _found(model: NeuralModel) -> Kernel:
    kernel = _kernel(model)
    assert kernel is not None
    return kernel


def compile() -> dict[str, Any]:
    """Compile the walk over the parts."""
    from ..compiler.abi import audio_function
    from ..compiler.memory import address_of, call_process, record_at

    part_at, part_bytes = record_at(PART), PART.itemsize

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        own, last = address_of(context), state.count - 1
        start = 0
        while start < frames:
            count = min(BLOCK, frames - start)
            here = source + 4 * start
            for k in range(state.count):
                there = target + 4 * start if k == last else state.between + 4 * BLOCK * (k & 1)
                part = part_at(state.table + part_bytes * k)
                call_process(part.process, own, part.state, here, there, count)
                here = there
            start += count

    return {"process": process}
