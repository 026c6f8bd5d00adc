"""An ONNX graph while it is written: its operators, weights and states, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .errors import UnsoundError
from .reference_effects import Signal, State

END = np.iinfo(np.int64).max


class Graph:
    """Collects the nodes, weights and states of a graph.

    Parameters
    ----------
    settled : what the states start from, by the names that `reference` gives them
    """

    def __init__(self, settled: State) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.state_inputs: list[onnx.ValueInfoProto] = []
        self.state_outputs: list[onnx.ValueInfoProto] = []
        self._settled = settled

    def node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] = (), **attributes: Any) -> str:
        """Add an operator; gives the name of its (first) output."""
        names = list(outputs) or [f"value{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0]

    def constant(self, name: str, value: NDArray[Any]) -> str:
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def scalar(self, value: float) -> str:
        return self.constant(f"scalar:{value!r}", np.array(value, np.float32))

    def double(self, value: float) -> str:
        return self.constant(f"double:{value!r}", np.array(value, np.float64))

    def integers(self, *values: int) -> str:
        return self.constant("integers:" + ",".join(map(str, values)), np.array(values, np.int64))

    def integer(self, value: int) -> str:
        return self.constant(f"integer:{value}", np.array(value, np.int64))

    def state(self, name: str, initial: NDArray[Any]) -> tuple[str, str]:
        """The names of a state's input, with its default, and of its output."""
        with np.errstate(over="ignore"):
            narrow = initial.astype(np.float32)
        if not np.isfinite(narrow).all():
            raise UnsoundError(f"after silence, {name} is not finite; its weights are damaged")
        self.constant(name, narrow)
        for names, infos in ((name, self.state_inputs), (f"{name}_out", self.state_outputs)):
            infos.append(helper.make_tensor_value_info(names, TensorProto.FLOAT, initial.shape))
        return name, f"{name}_out"

    def settled(self, name: str, otherwise: Signal) -> Signal:
        """What a state starts from."""
        return self._settled.get(name, otherwise)

    def slice(self, signal: str, start: str, end: str, outputs: Sequence[str] = ()) -> str:
        """The frames from ``start`` to before ``end``, both names of integers of the shape [1]."""
        return self.node("Slice", [signal, start, end, self.integers(2)], outputs)

    def remember(self, signal: str, memory: int, name: str) -> str:
        """The signal of one channel after ``memory`` past samples, a state of that name."""
        if not memory:
            return signal
        past = self.settled(name, np.zeros(memory))
        source, target = self.state(name, past.reshape(1, 1, -1))
        extended = self.node("Concat", [source, signal], axis=2)
        self.slice(extended, self.integers(-memory), self.integers(END), [target])
        return extended

    def precise_state(self, name: str, initial: float) -> tuple[str, str]:
        """A state of one number in double precision, kept as two of single precision that add up to it.

        Returns
        -------
        value : the name of its value, a double of no dimensions
        target : the name for `keep_precise`
        """
        value = float(self.settled(name, np.array([initial]))[0])
        source, target = self.state(name, np.array(split(value)).reshape(1, 1, 2))
        wide = self.node("Cast", [source], to=TensorProto.DOUBLE)
        return self.node("ReduceSum", [wide, self.integers(0, 1, 2)], keepdims=0), target

    def keep_precise(self, value: str, target: str) -> None:
        """Make a double of no dimensions the next value of a state of `precise_state`."""
        high = self.node("Cast", [value], to=TensorProto.FLOAT)
        rest = self.node("Sub", [value, self.node("Cast", [high], to=TensorProto.DOUBLE)])
        low = self.node("Cast", [rest], to=TensorProto.FLOAT)
        pair = [self.node("Reshape", [part, self.integers(1, 1, 1)]) for part in (high, low)]
        self.node("Concat", pair, [target], axis=2)


def split(value: float) -> tuple[float, float]:
    """Two numbers of single precision that add up to one of double precision, to 48 bits."""
    high = float(np.float32(value))
    return high, float(np.float32(value - high))
