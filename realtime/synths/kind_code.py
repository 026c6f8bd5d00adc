"""Kinds of synth on the audio thread: what each adds to an instrument, and what they share. Imports numba."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiler import lanes
from ..compiler.memory import record_at
from ..compiler.simd import store
from ..parameters import Parameter
from ..processors.smoothing import GRID
from ..processors.smoothing_code import SHARE, compiled, inline
from .layout import LANES, named
from .oscillators import HALF, f
from .synth import Synth, instrument_state

ROW_OF_LANES = 4 * LANES
"""Bytes."""
LONGER = np.float32(4.0)
"""Octaves of time that controllers 72 and 73 reach each way."""
INAUDIBLE = np.float32(1e-6)
HIGHEST_FREQUENCY = f(0.4999)
"""Of the sample rate: oscillators stay below half of it."""

Gains = named("Gains", ["left", "right", "left_step", "right_step"])
Wanted = named("Wanted", ["pitch", "octaves", "peak"])


@dataclass(frozen=True)
class Kind:
    """What one kind of synth adds to an instrument, see `instrument_code`; all but the class is compiled.

    Attributes
    ----------
    synth : its class, whose ``record`` has `layout.LANE`'s fields
    start : ``(state, lanes, lane, values, channel, key, velocity)``: a note begins, at 0 to 1
    release : ``(state, lanes, lane, values, channel)``: its key is up
    ended : ``(lanes, lane)``: whether it can no longer be heard, its key up or not
    derive : ``(state, address)``: coefficients of sixteen voices from pitches, controllers and parameters
    render : ``(state, address, sums, frames)``: adds up to `GRID` samples of sixteen voices to the sums
    """

    synth: type[Synth]
    start: Any
    release: Any
    ended: Any
    derive: Any
    render: Any

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters, in their order."""
        return self.synth.parameters

    @property
    def index(self) -> dict[str, int]:
        """The place of each parameter by name."""
        return index_of(self.synth)

    @property
    def record(self) -> np.dtype[Any]:
        """The dtype of sixteen voices side by side."""
        return self.synth.record

    @property
    def state(self) -> np.dtype[Any]:
        """The dtype of the instrument's record."""
        return instrument_state(self.synth.parameters)


def index_of(synth: type[Synth]) -> dict[str, int]:
    """The place of each of a synth's parameters, by name."""
    return {parameter.name: k for k, parameter in enumerate(synth.parameters)}


def lanes_at(record: np.dtype[Any]) -> Any:
    """Make a function ``(state, v) -> lanes``: the record of sixteen voices that has voice ``v``."""
    at, group_bytes = record_at(record), record.itemsize

    @inline
    def lanes_of(state: Any, v: Any) -> Any:
        return at(state.lanes + group_bytes * (v // LANES))

    return lanes_of


@inline
def stretched(seconds: Any, controller: Any, rate: Any) -> Any:
    """Samples of a part of an envelope that controller 72 or 73, -1 to 1, makes longer or shorter."""
    return seconds * 2.0 ** (LONGER * controller) * rate


def straight_release(release_s: int) -> Any:
    """The ``release`` of a kind whose level falls in a straight line, in the time of this parameter."""

    @compiled
    def release(state: Any, record: Any, lane: Any, values: Any, channel: Any) -> None:
        record.release_rate[lane] = 1.0 / max(1.0, stretched(values[release_s], channel.release, state.rate))
        record.held[lane] = 0.0

    return release


@inline
def slow_step(frequency: Any, rate: Any) -> Any:
    """A phase's step, in every lane, for a frequency far below the sample rate."""
    return lanes.splat_integer(np.int32(np.int64(np.float64(frequency) / rate * 4294967296.0)))


@inline
def rows_of(at_grid: Any, fresh: Any, row: Any, following: Any, wanted: Any) -> Any:
    """The row that is heard and the one that fades in until the next grid point.

    Where ``fresh`` is 1 a note has just begun, and has the wanted row at once.
    """
    half = lanes.splat(HALF)
    if at_grid != 0:
        return lanes.where_less(half, fresh, wanted, following), wanted
    return lanes.where_less(half, fresh, wanted, row), lanes.where_less(half, fresh, wanted, following)


def left_right(step: Any) -> Any:
    """A voice's step that gives left and right in place of mid and side."""

    @inline
    def stereo_step(table: Any, share: Any, coefficients: Any, memory: Any) -> Any:
        mid, side, memory = step(table, share, coefficients, memory)
        return mid + side, mid - side, memory

    return stereo_step


def loop(record: np.dtype[Any], coefficients: Any, memory: Any, step: Any) -> Any:
    """``run(state, table, address, sums, frames)``: adds a stretch of sixteen voices to the sums.

    Parameters
    ----------
    record : of the voices
    coefficients, memory : named tuples' classes, whose fields the record has
    step : ``(table, share, coefficients, memory) -> (left, right, memory)``: one sample; ``share`` of the way
        from the last grid point to the next one is done
    """
    load_coefficients, _ = lanes.access(coefficients, record)
    load_memory, store_memory = lanes.access(memory, record)
    load_gains, store_gains = lanes.access(Gains, record)

    @compiled
    def run(state: Any, table: Any, address: Any, sums: Any, frames: Any) -> None:
        c, m, gains = load_coefficients(address), load_memory(address), load_gains(address)
        left, right, phase = gains.left, gains.right, state.phase
        for t in range(frames):
            own_left, own_right, m = step(table, lanes.splat(SHARE * f(phase + t + 1)), c, m)
            left, right = left + gains.left_step, right + gains.right_step
            at = sums + ROW_OF_LANES * t
            other = at + ROW_OF_LANES * GRID
            store(at, lanes.row_at(at) + own_left * left)
            store(other, lanes.row_at(other) + own_right * right)
        store_memory(address, m)
        store_gains(address, Gains(left, right, gains.left_step, gains.right_step))

    return run
