"""Kernel for a gain that follows the level: compressor, limiter, expander.

Envelope and gain are computed in float64, sample by sample, with the C library's logarithm and exponential:
the envelope needs what float32 lacks where attack or release are long. The filter behind is one
of `convolution`, of any length and without latency.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...export.model import Compression, NeuralModel
from ..compiler.layout import State
from ..compiler.unit import Unit, load
from .convolution import MAX_TAPS, UNIT, filter_state

BLOCK = 64
"""Samples that are worked on at a time; longer blocks are cut."""
SILENT = 1e-60
"""An envelope below (-1200 dB) is set to 0, long before it gets denormal."""
MOST_DB = 5000.0
"""Levels and gains are bounded to what float64 holds as factors."""

STATE = np.dtype(
    [
        ("convolve", "i8"),  # address of the filter's process
        ("response", "i8"),  # address of the filter
        ("points", "i8"),
        ("thresholds", "i8"),  # the points' levels as factors, float64
        ("levels", "i8"),  # their natural logarithms
        ("gains", "i8"),  # the natural logarithms of the points' gains
        ("slopes", "i8"),  # of the line from each point to the next
        ("turned", "i8"),  # the block, gained
        ("rise", "f8"),  # share of the way to the level that the envelope goes, each sample
        ("fall", "f8"),
        ("envelope", "f8"),
    ],
    align=True,
)


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model: a curve with points, a filter within its bound."""
    network = model.network
    return (
        isinstance(network, Compression)
        and network.levels_db.size == network.gains_db.size >= 1
        and 1 <= network.response.size <= MAX_TAPS
    )


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code, the same for all models."""
    return (Unit.of("kernels.compression"), UNIT)


def make_state(model: NeuralModel) -> State:
    """The model's curve and filter, and silence before it."""
    network = model.network
    assert isinstance(network, Compression)
    count = network.levels_db.size
    curve = dict.fromkeys(("thresholds", "levels", "gains", "slopes"), (np.float64, count))
    state = State(STATE, **curve, turned=(np.float32, BLOCK))
    arrays, record = state.arrays, state.record
    of_db = math.log(10.0) / 20.0
    arrays["levels"][:] = of_db * np.clip(network.levels_db.astype(np.float64), -MOST_DB, MOST_DB)
    arrays["gains"][:] = of_db * np.clip(network.gains_db.astype(np.float64), -MOST_DB, MOST_DB)
    arrays["thresholds"][:] = np.exp(arrays["levels"])
    run = np.diff(arrays["levels"])
    arrays["slopes"][:-1] = np.diff(arrays["gains"]) / np.where(run > 0.0, run, 1.0)
    record["points"], record["convolve"] = count, load(UNIT)["process"]
    record["rise"], record["fall"] = 1.0 - network.attack, 1.0 - network.release
    state.parts.append(filter_state(network.response))
    record["response"] = state.parts[0].address
    return state


def compile() -> dict[str, Any]:
    """Compile ``process``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import address_of, call_process, float32_at, float64_at
    from .delay_line_code import inline

    @inline
    def curve(thresholds: Any, levels: Any, gains: Any, slopes: Any, points: Any, envelope: Any) -> Any:
        """The natural logarithm of the gain at an envelope."""
        low, high = 0, points - 1
        if envelope <= thresholds[low]:
            return gains[low]
        if envelope >= thresholds[high]:
            return gains[high]
        while high - low > 1:
            middle = (low + high) >> 1
            if envelope < thresholds[middle]:
                high = middle
            else:
                low = middle
        return gains[low] + slopes[low] * (math.log(envelope) - levels[low])

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        thresholds, levels = float64_at(state.thresholds), float64_at(state.levels)
        gains, slopes = float64_at(state.gains), float64_at(state.slopes)
        points, turned = state.points, float32_at(state.turned)
        own = address_of(context)
        start = 0
        while start < frames:
            count = min(BLOCK, frames - start)
            x = channel(source + 4 * start, 0, 0, count)
            envelope = state.envelope
            for t in range(count):
                way = abs(np.float64(x[t])) - envelope
                envelope += (state.rise if way > 0.0 else state.fall) * way
                envelope = envelope if envelope > SILENT else 0.0
                gain = math.exp(curve(thresholds, levels, gains, slopes, points, envelope))
                turned[t] = np.float32(x[t] * gain)
            state.envelope = envelope
            call_process(state.convolve, own, state.response, state.turned, target + 4 * start, count)
            start += count

    return {"process": process}
