"""Kernel for everything else: a streaming ONNX model run by ONNX Runtime's C API inside the callback.

ONNX Runtime's shared library exports its API as a table of functions whose order only grows, so
an index stays valid; those below are from ``onnxruntime_c_api.h``. One `Run` serves a block, on the
calling thread. Unlike our own kernels it may allocate memory: with it the audio thread is as
good as ONNX Runtime, not better. States stand in two sets of tensors that swap roles. Turns of knobs are one
more input, brought nearer to their goals before each `Run`.
"""

from __future__ import annotations

import ctypes
import importlib.util
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...export.model import Knobs
from ..compiler.layout import State
from ..compiler.unit import Unit
from .turns import SMOOTHING_S, TURN, defaults, fill

API_VERSION = 17
(
    GET_ERROR_MESSAGE,
    CREATE_ENV,
    CREATE_SESSION_FROM_ARRAY,
    RUN,
    CREATE_SESSION_OPTIONS,
    SET_INTRA_OP_THREADS,
    SET_INTER_OP_THREADS,
    CREATE_TENSOR,
    CREATE_CPU_MEMORY_INFO,
    RELEASE_STATUS,
    RELEASE_SESSION,
    RELEASE_VALUE,
    RELEASE_SESSION_OPTIONS,
) = (2, 3, 8, 9, 10, 24, 25, 49, 69, 93, 95, 96, 100)
FLOAT32 = 1

STATE = np.dtype(
    [
        ("session", "i8"),
        ("memory_info", "i8"),
        ("run", "i8"),  # addresses of the API's functions
        ("create_tensor", "i8"),
        ("release_value", "i8"),
        ("release_status", "i8"),
        ("names_in", "i8"),  # arrays of char*
        ("names_out", "i8"),
        ("values", "i8"),  # OrtValue*: two sets, each inputs then outputs
        ("count", "i8"),  # audio and states: tensors out, and those in, knobs apart
        ("inputs", "i8"),  # tensors in
        ("turn", "i8"),  # which set is next
        ("frames", "i8"),  # that the audio tensors are made for, 0: none yet
        ("samples_in", "i8"),
        ("samples_out", "i8"),
        ("shapes", "i8"),  # of the audio input, then of the audio output: int64
        ("ranks", "i8", (2,)),
        ("frame_axes", "i8", (2,)),
        ("failures", "i8"),  # blocks that ONNX Runtime refused; they are silent
        ("longest", "i8"),  # frames in one Run
        ("tensors", "i8"),
        ("knobs", "i8"),  # their number
        ("goals", "i8"),  # address of a float32 for each, in its unit
        ("turns", "i8"),  # a `turns.TURN` for each
        ("turned", "i8"),  # the tensor that the model gets
        ("resting", "i8"),  # the defaults
        ("smoothing", "f8"),  # in samples
        ("started", "i8"),
    ],
    align=True,
)
BLOCK = 2048
"""Most frames in one `Run`."""


@dataclass(frozen=True)
class StreamingGraph:
    """How to feed an ONNX model: what goes in and out, and what it remembers.

    Parameters
    ----------
    model : the file's bytes, self-contained
    input, output : names of the audio tensors
    input_shape, output_shape : with 0 in the place of the frames
    states : (input name, output name, initial value) for each thing remembered
    knobs : name of the tensor of turns, and the knobs; None: there are none, or they rest
    sample_rate : in Hz, for the smoothing of knobs
    longest : most frames that it takes at once
    """

    model: bytes
    input: str
    output: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    states: tuple[tuple[str, str, NDArray[np.float32]], ...]
    knobs: tuple[str, Knobs] | None = None
    sample_rate: float = 48000.0
    longest: int = BLOCK


class OnnxRuntimeError(RuntimeError):
    """ONNX Runtime refused a model; the text is its own."""


@dataclass
class _Api:
    functions: Any
    environment: int
    memory_info: int
    keep: list[Any] = field(default_factory=list)

    def call(self, index: int, *arguments: Any) -> None:
        function = ctypes.CFUNCTYPE(ctypes.c_void_p, *[_kind(a) for a in arguments])(self.functions[index])
        status = function(*arguments)
        if status:
            message = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)(self.functions[GET_ERROR_MESSAGE])
            text = message(status).decode(errors="replace")
            self.release(RELEASE_STATUS, status)
            raise OnnxRuntimeError(text.splitlines()[0])

    def make(self, index: int, *arguments: Any) -> int:
        made = ctypes.c_void_p()
        self.call(index, *arguments, ctypes.byref(made))
        assert made.value is not None
        return made.value

    def release(self, index: int, address: int) -> None:
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.functions[index])(address)


def _kind(argument: Any) -> Any:
    if isinstance(argument, bytes):
        return ctypes.c_char_p
    if isinstance(argument, ctypes.c_int | ctypes.c_size_t):
        return type(argument)
    return ctypes.c_void_p


class _ApiBase(ctypes.Structure):
    _fields_ = (
        ("get_api", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)),
        ("get_version", ctypes.CFUNCTYPE(ctypes.c_char_p)),
    )


@cache
def _api() -> _Api:
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        raise OnnxRuntimeError("onnxruntime is not installed: pip install onnxruntime")
    folder = Path(spec.origin).parent / "capi"
    files = sorted([*folder.glob("libonnxruntime.*"), *folder.glob("onnxruntime.dll")])
    library = ctypes.CDLL(str(files[0]))
    library.OrtGetApiBase.restype = ctypes.POINTER(_ApiBase)
    table = library.OrtGetApiBase().contents.get_api(API_VERSION)
    api = _Api(ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p)), 0, 0, [library])
    api.environment = api.make(CREATE_ENV, ctypes.c_int(4), b"tonerig")
    api.memory_info = api.make(CREATE_CPU_MEMORY_INFO, ctypes.c_int(1), ctypes.c_int(0))
    return api


def unit() -> Unit:
    """The compiled code, the same for every model."""
    return Unit.of("kernels.onnx_runtime")


class OnnxState(State):
    """The memory of one running model; frees ONNX Runtime's side of it when it goes.

    Raises
    ------
    OnnxRuntimeError
        when ONNX Runtime does not take the model.
    """

    def __init__(self, graph: StreamingGraph) -> None:
        self._session = 0
        self._values: list[int] = []
        api = self._api = _api()
        shapes = (graph.input_shape, graph.output_shape)
        sizes = [value.size for _, _, value in graph.states]
        count = 1 + len(graph.states)
        inputs = count + (graph.knobs is not None)
        knobs = 0 if graph.knobs is None else len(graph.knobs[1].knobs)
        super().__init__(
            STATE,
            names_in=(np.int64, inputs),
            names_out=(np.int64, count),
            values=(np.int64, 2 * (inputs + count)),
            samples_in=(np.float32, BLOCK),
            samples_out=(np.float32, BLOCK),
            shapes=(np.int64, 16),
            tensors=(np.float32, 2 * sum(-(-size // 16) * 16 for size in sizes) + 16),
            turns=(TURN, knobs),
            turned=(np.float32, knobs),
            resting=(np.float32, knobs),
        )
        options = api.make(CREATE_SESSION_OPTIONS)
        try:
            api.call(SET_INTRA_OP_THREADS, ctypes.c_void_p(options), ctypes.c_int(1))
            api.call(SET_INTER_OP_THREADS, ctypes.c_void_p(options), ctypes.c_int(1))
            self._session = api.make(
                CREATE_SESSION_FROM_ARRAY,
                ctypes.c_void_p(api.environment),
                graph.model,
                ctypes.c_size_t(len(graph.model)),
                ctypes.c_void_p(options),
            )
        finally:
            api.release(RELEASE_SESSION_OPTIONS, options)
        self._names = [
            ctypes.create_string_buffer(name.encode())
            for name in (
                graph.input,
                *(state[0] for state in graph.states),
                *([] if graph.knobs is None else [graph.knobs[0]]),
                graph.output,
                *(state[1] for state in graph.states),
            )
        ]
        addresses = [ctypes.addressof(name) for name in self._names]
        self.arrays["names_in"][:] = addresses[:inputs]
        self.arrays["names_out"][:] = addresses[inputs:]
        record = self.record
        record["session"], record["memory_info"] = self._session, api.memory_info
        record["count"], record["inputs"], record["longest"] = count, inputs, min(BLOCK, graph.longest)
        self._place_states(graph, sizes)
        if graph.knobs is not None:
            self._place_knobs(graph.knobs[1], graph.sample_rate)
        for name, index in (
            ("run", RUN),
            ("create_tensor", CREATE_TENSOR),
            ("release_value", RELEASE_VALUE),
            ("release_status", RELEASE_STATUS),
        ):
            record[name] = api.functions[index]
        for k, shape in enumerate(shapes):
            self.arrays["shapes"][8 * k : 8 * k + len(shape)] = shape
            record["ranks"][k], record["frame_axes"][k] = len(shape), shape.index(0)

    def _sets(self) -> list[tuple[int, int]]:
        """Where each set's inputs and outputs begin among the values; audio comes first in both."""
        inputs, count = int(self.record["inputs"]), int(self.record["count"])
        return [(start, start + inputs) for start in (0, inputs + count)]

    def _place_knobs(self, knobs: Knobs, rate: float) -> None:
        record, turned = self.record, self.arrays["turned"]
        fill(self.arrays["turns"], knobs)
        self.arrays["resting"][:] = defaults(knobs)
        record["knobs"], record["goals"] = len(knobs.knobs), record["resting"]
        record["smoothing"] = SMOOTHING_S * rate
        tensor = self._tensor(turned, (1, turned.size, 1))
        for inputs, _ in self._sets():
            self.arrays["values"][inputs + int(record["count"])] = tensor

    def _place_states(self, graph: StreamingGraph, sizes: list[int]) -> None:
        tensors, values = self.arrays["tensors"], self.arrays["values"]
        start = 0
        made: list[list[int]] = [[], []]
        for copy in range(2):
            for (_, _, value), size in zip(graph.states, sizes, strict=True):
                part = tensors[start : start + size]
                part[:] = value.ravel() if copy == 0 else 0
                made[copy].append(self._tensor(part, value.shape))
                start += -(-size // 16) * 16
        # Set 0 reads copy 0 and writes copy 1; set 1 the other way round.
        for turn, (inputs, outputs) in enumerate(self._sets()):
            values[inputs + 1 : inputs + 1 + len(sizes)] = made[turn]
            values[outputs + 1 : outputs + 1 + len(sizes)] = made[1 - turn]

    def _tensor(self, part: NDArray[np.float32], shape: tuple[int, ...]) -> int:
        dimensions = (ctypes.c_int64 * max(1, len(shape)))(*shape)
        value = self._api.make(
            CREATE_TENSOR,
            ctypes.c_void_p(self._api.memory_info),
            ctypes.c_void_p(part.ctypes.data),
            ctypes.c_size_t(part.nbytes),
            ctypes.byref(dimensions),
            ctypes.c_size_t(len(shape)),
            ctypes.c_int(FLOAT32),
        )
        self._values.append(value)
        return value

    def reset(self) -> None:
        """Restore the sealed contents; the audio tensors stay those of the last block length."""
        values = self.arrays["values"].copy()
        frames = int(self.record["frames"])
        super().reset()
        audio = [place for places in self._sets() for place in places]
        self.arrays["values"][audio] = values[audio]
        self.record["frames"] = frames

    def __del__(self) -> None:
        if self._session:
            audio = [int(v) for v in self.arrays["values"][list(self._sets()[0])] if v]
            for value in [*self._values, *audio]:
                self._api.release(RELEASE_VALUE, value)
            self._api.release(RELEASE_SESSION, self._session)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from . import onnx_runtime_code

    return {"process": onnx_runtime_code.process()}
