"""Kernel for voices whose delay and gain follow an oscillator: chorus, vibrato, octave.

The oscillator's phase is computed anew for each sample from the number of samples since the state's start,
in float64: it is exact to 1e-9 of a turn after a day, and does not depend on the blocks. The filters
are those of `convolution`, of any length and without latency.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...export.model import Modulation, NeuralModel
from ..compiler.layout import State
from ..compiler.unit import Unit, load
from .convolution import MAX_TAPS, UNIT, filter_state

BLOCK = 64
"""Samples that are worked on at a time; longer blocks are cut."""
MOST_DELAY = 2**23
MOST_VOICES = 1024

STATE = np.dtype(
    [
        ("convolve", "i8"),  # address of the filters' process
        ("direct", "i8"),  # addresses of the filters
        ("wet", "i8"),
        ("ring", "i8"),  # x of the past
        ("mask", "i8"),  # its length, a power of two, less one
        ("place", "i8"),  # samples since the state's start
        ("table", "i8"),  # delay and gain at each point, float64
        ("points", "i8"),  # straight lines in the table
        ("offsets", "i8"),  # each voice's share of a turn, float64
        ("voices", "i8"),
        ("sum", "i8"),  # the block's voices together
        ("filtered", "i8"),
        ("step", "f8"),  # turns of the oscillator, each sample
        ("phase", "f8"),
    ],
    align=True,
)


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model: delays that its ring holds, filters within their bound.

    The oscillator makes a turn a sample at most, so that its turns are counted in int64.
    """
    network = model.network
    return (
        isinstance(network, Modulation)
        and network.delay.size == network.gain.size >= 2
        and float(network.delay.max()) <= MOST_DELAY
        and 1 <= network.voices <= MOST_VOICES
        and 0.0 < network.rate_hz <= model.sample_rate < np.inf
        and 0.0 <= network.phase <= 1.0
        and all(1 <= taps.size <= MAX_TAPS for taps in (network.direct, network.wet))
    )


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code, the same for all models."""
    return (Unit.of("kernels.modulation"), UNIT)


def make_state(model: NeuralModel) -> State:
    """The model's tables and filters, and silence before it."""
    network = model.network
    assert isinstance(network, Modulation)
    delay = np.clip(network.delay.astype(np.float64), 0.0, MOST_DELAY)
    length = 1 << (int(delay.max()) + 1 + BLOCK).bit_length()
    state = State(
        STATE,
        ring=(np.float32, length),
        table=(np.float64, (delay.size, 2)),
        offsets=(np.float64, network.voices),
        sum=(np.float32, BLOCK),
        filtered=(np.float32, BLOCK),
    )
    state.arrays["table"][:] = np.stack([delay, network.gain], axis=1)
    state.arrays["offsets"][:] = np.arange(network.voices) / network.voices
    record = state.record
    record["mask"], record["points"], record["voices"] = length - 1, delay.size - 1, network.voices
    record["step"], record["phase"] = network.rate_hz / model.sample_rate, network.phase
    record["convolve"] = load(UNIT)["process"]
    for name, taps in (("direct", network.direct), ("wet", network.wet)):
        state.parts.append(filter_state(taps))
        record[name] = state.parts[-1].address
    return state


def compile() -> dict[str, Any]:
    """Compile ``process``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import address_of, call_process, float32_at, float64_at
    from .delay_line_code import inline

    @inline
    def voice(ring: Any, mask: Any, place: Any, table: Any, points: Any, turns: Any) -> Any:
        """One voice's sample, at so many turns of the oscillator, 0 or more."""
        along = (turns - np.int64(turns)) * points
        k = max(min(np.int64(along), points - 1), 0)
        part = along - k
        delay, gain = table[2 * k], table[2 * k + 1]
        delay += part * (table[2 * k + 2] - delay)
        gain += part * (table[2 * k + 3] - gain)
        whole = np.int64(delay)
        x = np.float64(ring[(place - whole) & mask])
        x += (delay - whole) * (np.float64(ring[(place - whole - 1) & mask]) - x)
        return gain * x

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        ring, mask = float32_at(state.ring), state.mask
        table, points = float64_at(state.table), state.points
        offsets, voices = float64_at(state.offsets), state.voices
        together, filtered = float32_at(state.sum), float32_at(state.filtered)
        own = address_of(context)
        start = 0
        while start < frames:
            count = min(BLOCK, frames - start)
            x = channel(source + 4 * start, 0, 0, count)
            for t in range(count):
                place = state.place + t
                ring[place & mask] = x[t]
                base = state.phase + place * state.step
                total = 0.0
                for v in range(voices):
                    total += voice(ring, mask, place, table, points, base + offsets[v])
                together[t] = np.float32(total)
            call_process(state.convolve, own, state.wet, state.sum, state.filtered, count)
            call_process(state.convolve, own, state.direct, source + 4 * start, target + 4 * start, count)
            y = channel(target + 4 * start, 0, 0, count)
            for t in range(count):
                y[t] += filtered[t]
            state.place += count
            start += count

    return {"process": process}
