"""A program: a chain of prepared processors as the table that the audio thread walks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from ..compiler.layout import CONTEXT, ROW, State, aligned
from ..compiler.unit import Unit, compile_units
from ..plugins.hosted import arrange
from ..processors.processor import Processor, everything
from ..synths.synth import Synth
from .knobs import Knob, knob_table, movable, read_back
from .layout import PROGRAM

SCRATCH_BYTES = 1 << 16
_generations = count(1)


class Program:
    """A chain, compiled and in memory, ready for a stream.

    Parameters
    ----------
    chain : processors in order; the program owns them from now on
    rate : of the stream, in Hz
    max_block : most frames that one walk brings
    inputs : channels of the signal that enters, 1 or 2
    knobs : of its processors, that MIDI controllers turn
    period : frames that a device asks for at a time; 0: offline, where hosted plugins are waited for

    Attributes
    ----------
    outputs : channels that come out
    latency : samples of delay, all processors together
    generation : a number no other program of this process has
    """

    def __init__(
        self,
        chain: Sequence[Processor],
        rate: float,
        max_block: int,
        inputs: int,
        *,
        knobs: Sequence[Knob] = (),
        period: int = 0,
    ) -> None:
        self.chain, self.rate, self.max_block, self.inputs = list(chain), rate, max_block, inputs
        self.knobs, self.since = list(knobs), 0
        self.generation = next(_generations)
        self.outputs = inputs
        arrange(self.chain, period)
        compile_chain(self.chain)
        self._table = State(np.dtype([("rows", "i8")]), rows=(ROW, max(1, len(self.chain))))
        self.rows = self._table.arrays["rows"]
        for row, processor in zip(self.rows, self.chain, strict=False):
            row["inputs"] = self.outputs
            processor.prepare(rate, max_block, self.outputs)
            self.outputs = processor.outputs
            row["process"], row["state"], row["outputs"] = (
                processor.code,
                processor.state.address,
                processor.outputs,
            )
        self.latency = sum(processor.latency for processor in self.chain)
        stride = -(-max_block // 16) * 16
        self._buffers = aligned(2 * 2 * stride * 4 + SCRATCH_BYTES)
        start = self._buffers.ctypes.data
        self._context = State(CONTEXT)
        context = self._context.record
        context["rate"], context["stride"], context["channels"] = rate, stride, inputs
        context["scratch"], context["scratch_bytes"] = start + 16 * stride, SCRATCH_BYTES
        self._program = State(PROGRAM)
        record = self._program.record
        record["rows"], record["count"] = self._table.record["rows"], len(self.chain)
        record["context"], record["first"], record["second"] = (
            self._context.address,
            start,
            start + 8 * stride,
        )
        record["inputs"], record["outputs"] = inputs, self.outputs
        record["generation"] = self.generation
        self._knobs = knob_table(self.knobs)
        record["knobs"], record["knob_count"] = self._knobs.record["knobs"], len(self.knobs)

    @property
    def address(self) -> int:
        """Of the `PROGRAM` record."""
        return self._program.address

    def set_alone(self, alone: bool) -> None:
        """Say that it is too heavy to run beside the program that it replaces."""
        self._program.record["alone"] = alone

    def inherit(self, other: Program) -> None:
        """When this one begins, let its synths go on with the notes of another program's same patches."""
        before = [p for p in other.chain if isinstance(p, Synth)]
        for synth in self.chain:
            if not isinstance(synth, Synth):
                continue
            for old in before:
                if type(old) is type(synth) and old.patch == synth.patch:
                    before.remove(old)
                    synth.inherit(old)
                    break

    def set(self, processor: Processor, name: str, value: object) -> None:
        """Set a parameter of one of its processors while the program does not play."""
        processor.values[name] = number = self.check(processor, name, value)
        processor.state.record[name] = number

    def check(self, processor: Processor, name: str, value: object) -> float:
        """The value, in its unit, of a parameter that moves while it plays.

        Parameters
        ----------
        processor : of the chain, or of a chain inside one of its processors

        Raises
        ------
        ParameterError
            when there is no such parameter, it is fixed, or does not take the value.
        ValueError
            when the processor is none of this program's.
        """
        if not any(one is processor for one in everything(self.chain)):
            raise ValueError(f"{processor.name} is no processor of this program")
        return movable(processor, name).check(value)

    def stand_at(self, since: int, processor: Processor | None = None, name: str = "") -> None:
        """Say which turn of controllers its values stand at, all of them or one's: it follows later ones.

        Not while it plays.
        """
        if processor is None:
            self.since = since
        for record, knob in zip(self._knobs.arrays["knobs"], self.knobs, strict=False):
            if processor is None or (knob.processor is processor and knob.parameter == name):
                record["since"] = since

    def read_back(self) -> None:
        """Take what controllers turned as the processors' values."""
        for knob in self.knobs:
            read_back(knob)

    def muted(self) -> list[int]:
        """Processors that were silenced because they put out a NaN or Inf."""
        return [int(k) for k in np.flatnonzero(self.rows["muted"][: len(self.chain)])]

    def reset(self) -> None:
        """Back to the state before the first sample, present parameter values kept. Not while it plays."""
        for processor in self.chain:
            processor.reset()
        self.rows["muted"] = 0
        self._context.record["position"] = 0

    def lock(self) -> bool:
        """Keep all of it out of the swap file; False where the system does not allow that."""
        locked = [state.lock() for processor in self.chain for state in processor.states()]
        return all(locked)


def compile_chain(chain: Sequence[Processor], on_start: Callable[[Unit], None] | None = None) -> None:
    """Compile what a chain needs and the cache lacks; ``on_start`` is told each unit first."""
    compile_units([ENGINE_UNIT, *(unit for processor in chain for unit in processor.units())], on_start)


ENGINE_UNIT = Unit.of("engine.serve")
"""The audio thread's own compiled code."""
