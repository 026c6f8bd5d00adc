"""A program: a chain of prepared processors as the table that the audio thread walks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from ..compiler.layout import CONTEXT, ROW, State, aligned
from ..compiler.unit import Unit, compile_units
from ..processors.processor import Processor
from ..synths.synth import Synth
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

    Attributes
    ----------
    outputs : channels that come out
    latency : samples of delay, all processors together
    generation : a number no other program of this process has
    """

    def __init__(self, chain: Sequence[Processor], rate: float, max_block: int, inputs: int) -> None:
        self.chain, self.rate, self.max_block, self.inputs = list(chain), rate, max_block, inputs
        self.generation = next(_generations)
        self.outputs = inputs
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

    def set(self, index: int, name: str, value: object) -> None:
        """Set a processor's parameter while the program does not play."""
        processor = self.chain[index]
        processor.values[name] = number = self.check(index, name, value)
        processor.state.record[name] = number

    def check(self, index: int, name: str, value: object) -> float:
        """The value of a processor's parameter in its unit.

        Raises
        ------
        ParameterError
        """
        return self.chain[index].parameter(name).check(value)

    def parameter_address(self, index: int, name: str) -> int:
        """Where the audio thread reads a parameter's goal."""
        return self.chain[index].state.field_address(name)

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
