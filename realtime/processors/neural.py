"""A neural model of an amp or an effect, with its levels set as its maker measured them.

Whatever file the model came from, what plays is one compiled kernel, or ONNX Runtime where no kernel
takes its shape. A model trained at another rate than the stream's is resampled around. A
stereo signal runs two instances. A model with knobs is played by a class of its own, which has them as
parameters: the goals stand in its record behind `STATE`, and the kernel reads and smooths them.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from ...export.errors import ModelFileError
from ...export.foreign import ForeignOnnx
from ...export.model import Knob, NeuralModel
from ..compiler.layout import CONTEXT, State
from ..compiler.unit import Loaded, Unit, is_cached, load
from ..kernels import kernel_for, onnx_runtime, resampler
from ..parameters import Parameter
from .neural_knobs import knobs_in, knobs_of, layout_with, parameter_of
from .processor import Processor

Runtime: TypeAlias = Literal["kernel", "onnxruntime"]
NORMALIZED_DB = -18.0
"""Loudness that ``normalization = "normalized"`` brings every model to, as NAM's plugin does."""
SMOOTHING_S = 0.01

STATE = np.dtype(
    [
        ("input_db", "f4"),
        ("output_db", "f4"),
        ("normalization", "f4"),
        ("calibrate_input", "f4"),
        ("interface_dbu", "f4"),
        ("loudness_db", "f4"),  # the model's own, NaN where unknown
        ("model_input_dbu", "f4"),
        ("model_output_dbu", "f4"),
        ("gain_in", "f4"),  # smoothed
        ("gain_out", "f4"),
        ("started", "i8"),
        ("kernel", "i8"),  # address of its process
        ("kernel_states", "i8"),  # one for each channel
        ("resampled", "i8"),
        ("down", "i8"),  # DIRECTION for each channel
        ("up", "i8"),
        ("latency", "i8"),
        ("model_in", "i8"),  # work space at the stream's and the model's rate
        ("model_out", "i8"),
        ("gained", "i8"),
    ],
    align=True,
)

TAKEN = frozenset(["processor", "model", *(STATE.names or ())])
"""Names that no knob of a model can have."""


class Neural(Processor):
    """A neural model.

    Parameters
    ----------
    values : parameter values by name
    model : a file that ``export.files.load_model`` reads, or a model in memory
    runtime : ``"kernel"`` plays on a kernel where one takes the model, ``"onnxruntime"`` never does

    Raises
    ------
    ModelFileError
        when the file is no sound model, or one of its knobs has a name that is taken.

    Notes
    -----
    What is made of a model with knobs is of the class that `variant` gives for it.
    """

    name = "neural"
    description = "a neural model of an amp or effect"
    knobs: ClassVar[tuple[Knob, ...]] = ()
    """The model's own, whose parameters come first."""
    layout: ClassVar[np.dtype[Any]] = STATE
    """Of the record: `STATE`, and behind it a float32 for each knob."""
    files: ClassVar[tuple[str, ...]] = ("model",)
    parameters = (
        Parameter("input_db", -40.0, 40.0, 0.0, "dB", description="level into the model: its drive"),
        Parameter("output_db", -40.0, 40.0, 0.0, "dB", description="level after the model"),
        Parameter.switch(
            "normalization",
            "raw",
            "normalized",
            "calibrated",
            default="normalized",
            description="output level: the model's own, brought to -18 dB, or as its maker's gear in dBu",
        ),
        Parameter.switch(
            "calibrate_input",
            "off",
            "on",
            default="off",
            description="match the interface's level to the one the model was made at",
        ),
        Parameter(
            "interface_dbu", -20.0, 40.0, 12.0, "dBu", description="level that is 0 dBFS at your interface"
        ),
    )

    def __new__(
        cls,
        values: Mapping[str, object] | None = None,
        *,
        model: Path | str | NeuralModel | ForeignOnnx,
        runtime: Runtime = "kernel",
    ) -> Neural:
        if cls is not Neural:
            return super().__new__(cls)
        if isinstance(model, Path | str):
            return super().__new__(_for_file(Path(model)))
        return super().__new__(_for_knobs(knobs_of(model), "the model"))

    def __init__(
        self,
        values: Mapping[str, object] | None = None,
        *,
        model: Path | str | NeuralModel | ForeignOnnx,
        runtime: Runtime = "kernel",
    ) -> None:
        self.file = Path(model) if isinstance(model, Path | str) else None
        if isinstance(model, Path | str):
            from ...export.files import load_model

            loaded = load_model(model)
            if not isinstance(loaded, NeuralModel):
                from ..kernels.graph import try_stranger

                try_stranger(loaded.path)
            if knobs_of(loaded) != self.knobs:
                raise ModelFileError(model, "changed while it was read; load it again")
        else:
            loaded = model
        super().__init__(values)
        self.model = loaded.playable() if isinstance(loaded, NeuralModel) else loaded
        self.runtime = runtime

    @classmethod
    def variant(
        cls, texts: Mapping[str, str], files: Mapping[str, Path] = MappingProxyType({})
    ) -> type[Processor]:
        """The class with the knobs of a model's file.

        Parameters
        ----------
        files : under ``model`` the file; of a damaged one the class has a ``problem``, and is never made

        Raises
        ------
        ModelFileError
            when one of its knobs has a name that is taken.
        """
        return _for_file(files["model"]) if "model" in files else cls

    @property
    def title(self) -> str | None:
        """What a person calls the model: its file's name without the suffix."""
        return None if self.file is None else self.file.stem

    @property
    def on_kernel(self) -> bool:
        """Whether a kernel plays it, rather than ONNX Runtime."""
        return self.runtime == "kernel" and isinstance(self.model, NeuralModel) and self._kernel is not None

    @property
    def _kernel(self) -> Any:
        return kernel_for(self.model) if isinstance(self.model, NeuralModel) else None

    def on_onnxruntime(self) -> Neural:
        """The same model with the same values, played by ONNX Runtime."""
        other = Neural(self.values, model=self.model, runtime="onnxruntime")
        other.file = self.file
        return other

    def is_compiled(self) -> bool:
        """Whether it can be prepared without compiling anything."""
        return all(is_cached(unit) for unit in self.units())

    def units(self) -> tuple[Unit, ...]:
        return (*super().units(), *self._kernel_units())

    def _kernel_units(self) -> tuple[Unit, ...]:
        if self.on_kernel:
            units: tuple[Unit, ...] = self._kernel.units(self.model)
            return units
        return (onnx_runtime.unit(),)

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        kernel = load(self._kernel_units()[0])
        resampled = rate != self.model.sample_rate
        plan = self._plan(rate) if resampled else None
        arrays: dict[str, Any] = {"kernel_states": (np.int64, channels)}
        lengths = {"model_in": max_block, "model_out": max_block, "gained": max_block}
        if plan is not None:
            lengths = {"model_in": plan.most, "model_out": plan.most, "gained": resampler.CHUNK}
            arrays["down"] = arrays["up"] = (resampler.DIRECTION, channels)
        arrays |= {name: (np.float32, length) for name, length in lengths.items()}
        state = State(self.layout, **arrays)
        record = state.record
        for knob in self.knobs:  # which the prewarm hears
            record[knob.name] = self.values[knob.name]
        self.instances = [self._instance(kernel, state.address + STATE.itemsize) for _ in range(channels)]
        state.arrays["kernel_states"][:] = [instance.address for instance in self.instances]
        record["kernel"], record["resampled"] = kernel["process"], resampled
        self.latency = plan.latency if plan is not None else 0
        record["latency"] = self.latency
        self._directions: list[tuple[State, State]] = []
        if plan is not None:
            self._directions = [_place(plan, state, channel) for channel in range(channels)]
        metadata = self.model.metadata
        for name, value in (
            ("loudness_db", metadata.loudness_db),
            ("model_input_dbu", metadata.input_level_dbu),
            ("model_output_dbu", metadata.output_level_dbu),
        ):
            record[name] = math.nan if value is None else value
        return state

    def _plan(self, rate: float) -> resampler.Plan:
        try:
            return resampler.plan(rate, self.model.sample_rate)
        except resampler.RateError as error:
            if self.file is None:
                raise
            raise ModelFileError(self.file, f"is of a rate that cannot be played: {error}") from None

    def states(self) -> list[State]:
        tables = [table for pair in self._directions for table in pair]
        return [self.state, *self.instances, *tables]

    def reset(self) -> None:
        super().reset()
        if self.knobs:
            kernel = load(self._kernel_units()[0])
            for instance in self.instances:
                self._prewarm(kernel, instance)

    def _instance(self, kernel: Loaded, goals: int) -> State:
        """Weights and memory for one channel, after the silence the model expects before it starts.

        What is sealed of a model with knobs has not yet heard it: it depends on where they stand.
        """
        if not self.on_kernel:
            from ..kernels.graph import streaming_graph

            state: State = onnx_runtime.OnnxState(streaming_graph(self.model))
        else:
            state = self._kernel.make_state(self.model)
        if self.knobs:
            state.record["goals"] = goals
            state.seal()
        if self.knobs or self.on_kernel:
            self._prewarm(kernel, state)
        if not self.knobs:
            state.seal()
        return state

    def _prewarm(self, kernel: Loaded, state: State) -> None:
        assert isinstance(self.model, NeuralModel)
        process = kernel.function("process", *[ctypes.c_int64] * 5)
        context = State(CONTEXT)
        silence, unheard = np.zeros(4096, np.float32), np.zeros(4096, np.float32)
        for start in range(0, self.model.prewarm, silence.size):
            count = min(silence.size, self.model.prewarm - start)
            process(context.address, state.address, silence.ctypes.data, unheard.ctypes.data, count)


def _for_file(path: Path) -> type[Neural]:
    """The class for a file's knobs; what cannot be found says so when it is made."""
    knobs = knobs_in(path)
    return _unreadable(knobs) if isinstance(knobs, str) else _for_knobs(knobs, path)


def _for_knobs(knobs: tuple[Knob, ...], path: Path | str) -> type[Neural]:
    taken = [knob.name for knob in knobs if knob.name in TAKEN]
    if taken:
        raise ModelFileError(
            path, f"has a knob named {taken[0]}, which neural means something else by; give it another name"
        )
    return _variant(knobs) if knobs else Neural


@cache
def _variant(knobs: tuple[Knob, ...]) -> type[Neural]:
    members = {
        "__module__": Neural.__module__,
        "knobs": knobs,
        "layout": layout_with(STATE, knobs),
        "parameters": (*map(parameter_of, knobs), *Neural.parameters),
    }
    return type("Neural", (Neural,), members)


@cache
def _unreadable(problem: str) -> type[Neural]:
    return type("Unreadable", (Neural,), {"__module__": Neural.__module__, "problem": problem})


def _place(plan: resampler.Plan, state: State, channel: int) -> tuple[State, State]:
    """Set one channel's two directions up; returns the states that hold their tables and rings."""
    held = []
    for name, table, most, base in (
        ("down", plan.down, resampler.CHUNK, 0),
        ("up", plan.up, plan.most, 0),
    ):
        length = resampler.ring_length(table, most)
        memory = State(
            np.dtype([("table", "i8"), ("ring", "i8")]),
            table=(np.float32, table.size),
            ring=(np.float32, 2 * length),
        )
        memory.arrays["table"][:] = table.ravel()
        memory.seal()
        row = state.arrays[name][channel]
        row["table"], row["ring"] = memory.record["table"], memory.record["ring"]
        row["taps"], row["phases"] = table.shape[1], table.shape[0]
        row["step"] = plan.ratio.denominator if name == "down" else plan.ratio.numerator
        row["length"], row["base"] = length, base
        held.append(memory)
    return held[0], held[1]


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from numba import njit

    from ..compiler.abi import audio_function, channel
    from ..compiler.memory import address_of, call_process, float32_at, int64_at, record_at
    from ..kernels.resampler_code import is_ready, next_sample, push

    direction_at = record_at(resampler.DIRECTION)
    direction_bytes, chunk = resampler.DIRECTION.itemsize, resampler.CHUNK
    calibrated, normalized = 2, 1

    @njit(error_model="numpy", nogil=True)
    def gains(state: Any) -> Any:
        into, out = np.float64(state.input_db), np.float64(state.output_db)
        if state.calibrate_input > 0.5 and state.model_input_dbu == state.model_input_dbu:
            into += state.interface_dbu - state.model_input_dbu
        if state.normalization == normalized and state.loudness_db == state.loudness_db:
            out += NORMALIZED_DB - state.loudness_db
        if state.normalization == calibrated and state.model_output_dbu == state.model_output_dbu:
            out += state.model_output_dbu - state.interface_dbu
        return np.float32(10.0 ** (into / 20.0)), np.float32(10.0 ** (out / 20.0))

    @njit(error_model="numpy", nogil=True)
    def resample_around(context: Any, state: Any, c: Any, target: Any, frames: Any) -> None:
        """One chunk of the gained input through both directions and the model, to ``target``."""
        down = direction_at(state.down + direction_bytes * c)
        up = direction_at(state.up + direction_bytes * c)
        place = down.count
        push(down, state.gained, frames)
        model_in, y = float32_at(state.model_in), float32_at(target)
        count = 0
        while is_ready(down):
            model_in[count] = next_sample(down)
            count += 1
        if count > 0:
            instance = int64_at(state.kernel_states)[c]
            call_process(state.kernel, context, instance, state.model_in, state.model_out, count)
            push(up, state.model_out, count)
        for t in range(frames):
            y[t] = next_sample(up) if place + t >= state.latency else np.float32(0.0)

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        into, out = gains(state)
        if state.started == 0:
            state.started = 1
            state.gain_in, state.gain_out = into, out
        step = np.float32(1.0 - np.exp(-1.0 / (SMOOTHING_S * context.rate)))
        address = address_of(context)
        gain_in, gain_out = state.gain_in, state.gain_out
        for c in range(context.channels):
            x = channel(source, context.stride, c, frames)
            y = channel(target, context.stride, c, frames)
            gained = float32_at(state.gained)
            gain_in, gain_out = state.gain_in, state.gain_out
            size = chunk if state.resampled != 0 else frames
            start = 0
            while start < frames:
                count = min(size, frames - start)
                for t in range(count):
                    gain_in += step * (into - gain_in)
                    gained[t] = x[start + t] * gain_in
                there = target + 4 * (context.stride * c + start)
                if state.resampled != 0:
                    resample_around(address, state, c, there, count)
                else:
                    instance = int64_at(state.kernel_states)[c]
                    call_process(state.kernel, address, instance, state.gained, there, count)
                start += count
            for t in range(frames):
                gain_out += step * (out - gain_out)
                y[t] *= gain_out
        state.gain_in, state.gain_out = gain_in, gain_out

    return {"process": process}
