"""Kernel for echoes: a delay line that feeds itself through a filter.

With ``u = enter * x + loop * w`` the echoes are ``w[n] = u[n - delay]``: what comes out within the next
``delay`` samples, 64 at least, is already in the ring, so that up to 64 samples are computed side by side.
The three filters are those of `convolution`, of any length and without latency.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...export.model import Echo, NeuralModel
from ..compiler.layout import State
from ..compiler.unit import Unit, load
from .convolution import MAX_TAPS, UNIT, filter_state

BLOCK = 64
"""Samples side by side; the shortest delay."""
MOST_DELAY = 2**23

STATE = np.dtype(
    [
        ("convolve", "i8"),  # address of the filters' process
        ("direct", "i8"),  # addresses of the filters
        ("enter", "i8"),
        ("loop", "i8"),
        ("ring", "i8"),  # u of the past
        ("mask", "i8"),  # its length, a power of two, less one
        ("place", "i8"),  # samples since the state's start
        ("delay", "i8"),
        ("echoes", "i8"),  # the block's w
        ("entering", "i8"),  # … and the terms of its u
        ("returning", "i8"),
    ],
    align=True,
)


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model: a delay that its ring holds, filters within their bound."""
    network = model.network
    return (
        isinstance(network, Echo)
        and BLOCK <= network.delay <= MOST_DELAY
        and all(1 <= taps.size <= MAX_TAPS for taps in (network.direct, network.enter, network.loop))
    )


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code, the same for all models."""
    return (Unit.of("kernels.echo"), UNIT)


def make_state(model: NeuralModel) -> State:
    """The model's filters and its delay line, empty."""
    network = model.network
    assert isinstance(network, Echo)
    length = 1 << (network.delay + BLOCK - 1).bit_length()
    state = State(
        STATE,
        ring=(np.float32, length),
        echoes=(np.float32, BLOCK),
        entering=(np.float32, BLOCK),
        returning=(np.float32, BLOCK),
    )
    record = state.record
    record["mask"], record["delay"], record["convolve"] = length - 1, network.delay, load(UNIT)["process"]
    for name, taps in (("direct", network.direct), ("enter", network.enter), ("loop", network.loop)):
        state.parts.append(filter_state(taps))
        record[name] = state.parts[-1].address
    return state


def compile() -> dict[str, Any]:
    """Compile ``process``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import address_of, call_process, float32_at
    from .delay_line_code import quiet

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        ring, mask, delay = float32_at(state.ring), state.mask, state.delay
        echoes = float32_at(state.echoes)
        entering, returning = float32_at(state.entering), float32_at(state.returning)
        own = address_of(context)
        start = 0
        while start < frames:
            count = min(BLOCK, frames - start)
            place, x = state.place, source + 4 * start
            for t in range(count):
                echoes[t] = ring[(place + t - delay) & mask]
            call_process(state.convolve, own, state.enter, x, state.entering, count)
            call_process(state.convolve, own, state.loop, state.echoes, state.returning, count)
            for t in range(count):
                ring[(place + t) & mask] = quiet(entering[t] + returning[t])
            call_process(state.convolve, own, state.direct, x, target + 4 * start, count)
            y = channel(target + 4 * start, 0, 0, count)
            for t in range(count):
                y[t] += echoes[t]
            state.place = place + count
            start += count

    return {"process": process}
