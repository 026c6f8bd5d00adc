"""Two chains side by side over the same input, mixed.

The state holds a table of rows for each chain, which the compiled code walks as a program's table is
walked, and a ring that delays the chain with less latency, so that both arrive together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..compiler.layout import CONTEXT, ROW, State
from ..compiler.unit import Unit
from ..parameters import Parameter
from .processor import Processor
from .smoothing import GRID, fields

PARAMETERS = (Parameter("mix", 0.0, 100.0, 50.0, "%", description="0 is chain a alone, 100 chain b alone"),)

PATH = np.dtype(
    [
        ("rows", "i8"),  # address of its ROWs
        ("count", "i8"),
        ("outputs", "i8"),
        ("delay", "i8"),  # samples, so that it arrives with the other path
        ("ring", "i8"),  # float32, shape (2, delay)
        ("place", "i8"),  # in the ring
        ("first", "i8"),  # two buffers for `walk`
        ("second", "i8"),
        ("result", "i8"),  # which of them holds the block
    ],
    align=True,
)
"""One of the two chains."""

STATE = np.dtype(
    [
        *fields(PARAMETERS),
        ("paths", PATH, (2,)),
        ("context", CONTEXT),
        ("muted", "i8"),  # processors that were silenced for a NaN or Inf, see `compiler.table.walk`
        ("rows_a", "i8"),
        ("rows_b", "i8"),
        ("ring_a", "i8"),
        ("ring_b", "i8"),
        ("buffers", "i8"),
    ],
    align=True,
)
BUFFERS = 2 * 2
CHANNELS = 2


class Parallel(Processor):
    """Two chains, mixed with gains that add up to 1.

    Parameters
    ----------
    values : parameter values by name
    a, b : processors in order; an empty chain is a wire

    Notes
    -----
    Its latency is the larger of both. It puts out as many channels as the wider chain; a mono one is
    on both sides then. A processor in a chain that fails is silent, as anywhere; `muted` lists it.
    """

    name = "parallel"
    description = "two chains side by side, mixed"
    parameters = PARAMETERS
    chains: ClassVar[tuple[str, ...]] = ("a", "b")

    def __init__(
        self,
        values: Mapping[str, object] | None = None,
        *,
        a: Sequence[Processor] = (),
        b: Sequence[Processor] = (),
    ) -> None:
        super().__init__(values)
        self.a, self.b = list(a), list(b)

    def units(self) -> tuple[Unit, ...]:
        inner = [unit for processor in (*self.a, *self.b) for unit in processor.units()]
        return (*super().units(), *inner)

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        widths = [_prepare(chain, rate, max_block, channels) for chain in (self.a, self.b)]
        latencies = [sum(processor.latency for processor in chain) for chain in (self.a, self.b)]
        self.outputs, self.latency = max(width[-1] for width in widths), max(latencies)
        delays = [self.latency - latency for latency in latencies]
        stride = -(-max_block // 16) * 16
        state = State(
            STATE,
            rows_a=(ROW, max(1, len(self.a))),
            rows_b=(ROW, max(1, len(self.b))),
            ring_a=(np.float32, (CHANNELS, max(1, delays[0]))),
            ring_b=(np.float32, (CHANNELS, max(1, delays[1]))),
            buffers=(np.float32, (BUFFERS, CHANNELS, stride)),
        )
        record = state.record
        record["context"]["rate"], record["context"]["stride"] = rate, stride
        size = 4 * CHANNELS * stride
        for k, (name, chain) in enumerate((("a", self.a), ("b", self.b))):
            path, rows = record["paths"][k], state.arrays[f"rows_{name}"]
            path["rows"], path["ring"] = record[f"rows_{name}"], record[f"ring_{name}"]
            path["count"], path["outputs"], path["delay"] = len(chain), widths[k][-1], delays[k]
            path["first"] = record["buffers"] + 2 * k * size
            path["second"] = path["first"] + size
            for row, processor, inputs in zip(rows, chain, widths[k], strict=False):
                row["process"], row["state"] = processor.code, processor.state.address
                row["inputs"], row["outputs"] = inputs, processor.outputs
        return state

    def muted(self) -> list[tuple[str, int]]:
        """Chain and index of the processors that were silenced because they put out a NaN or Inf."""
        return [
            (name, int(k))
            for name in self.chains
            for k in np.flatnonzero(self.state.arrays[f"rows_{name}"]["muted"])
        ]

    def states(self) -> list[State]:
        return [self.state, *(state for processor in (*self.a, *self.b) for state in processor.states())]

    def reset(self) -> None:
        for processor in (*self.a, *self.b):
            processor.reset()
        super().reset()


def _prepare(chain: Sequence[Processor], rate: float, max_block: int, channels: int) -> list[int]:
    """Prepare a chain; returns the channels before each processor and after the last."""
    widths = [channels]
    for processor in chain:
        processor.prepare(rate, max_block, widths[-1])
        widths.append(processor.outputs)
    return widths


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import address_of, copy_bytes, float32_at, record_at
    from ..compiler.table import ROW_BYTES, row_at, walk
    from .smoothing_code import advance, compiled, goals, ramp, step_over

    path_at = record_at(PATH)
    fields_of = STATE.fields
    assert fields_of is not None
    paths_offset, context_offset = int(fields_of["paths"][1]), int(fields_of["context"][1])
    path_bytes = PATH.itemsize

    @compiled
    def delay(path: Any, stride: Any, frames: Any) -> None:
        """Let a path's block through its ring."""
        if path.delay == 0:
            return
        place = path.place
        for c in range(path.outputs):
            y = channel(path.result, stride, c, frames)
            ring = float32_at(path.ring + 4 * path.delay * c)
            place = path.place
            for t in range(frames):
                kept = ring[place]
                ring[place] = y[t]
                y[t] = kept
                place += 1
                if place == path.delay:
                    place = 0
        path.place = place

    @compiled
    def run(outer: Any, inner: Any, inner_address: Any, path: Any, source: Any, frames: Any) -> Any:
        """Walk one chain over the input; returns how many of its processors are muted."""
        for c in range(outer.channels):
            copy_bytes(path.first + 4 * inner.stride * c, source + 4 * outer.stride * c, 4 * frames)
        inner.channels = outer.channels
        path.result = walk(path.rows, path.count, inner_address, path.first, path.second, frames)
        delay(path, inner.stride, frames)
        muted = 0
        for k in range(path.count):
            muted += row_at(path.rows + k * ROW_BYTES).muted
        return muted

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        address = address_of(state)
        inner, inner_address = state.context, address + context_offset
        inner.position = context.position
        inner.scratch, inner.scratch_bytes = context.scratch, context.scratch_bytes
        inner.events, inner.event_count = context.events, context.event_count
        inner.event_origin = context.event_origin
        a, b = path_at(address + paths_offset), path_at(address + paths_offset + path_bytes)
        state.muted = run(context, inner, inner_address, a, source, frames)
        state.muted += run(context, inner, inner_address, b, source, frames)
        outputs = max(a.outputs, b.outputs)
        start = 0
        while start < frames:
            if state.phase == 0:
                advance(state, goals(state, 1), 1, context.rate)
            count = min(GRID - state.phase, frames - start)
            for c in range(outputs):
                x_a = channel(a.result, inner.stride, min(c, a.outputs - 1), frames)
                x_b = channel(b.result, inner.stride, min(c, b.outputs - 1), frames)
                y = channel(target, context.stride, c, frames)
                for t in range(start, start + count):
                    share = np.float32(0.01) * ramp(state, 0, state.phase + t - start)
                    y[t] = (np.float32(1.0) - share) * x_a[t] + share * x_b[t]
            step_over(state, count)
            start += count

    return {"process": process}
