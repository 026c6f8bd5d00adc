"""The compiled side of the ONNX Runtime kernel. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from ..compiler.abi import audio_function
from ..compiler.memory import clear_bytes, copy_bytes, float32_at, int64_at
from .onnx_runtime import FLOAT32, STATE
from .turns_code import TURN_BYTES, approach, jump, listen, turn_at

I64, I32 = ir.IntType(64), ir.IntType(32)


def _c_function(returns: bool, count: int) -> Any:
    """Compile a call by address of a C function with ``count`` word-sized arguments."""

    @intrinsic
    def call(typing_context: Any, function: Any, *arguments: Any) -> Any:
        result = types.int64 if returns else types.void

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kind = ir.FunctionType(I64 if returns else ir.VoidType(), [I64] * count)
            address = values[0]
            words = [builder.extract_value(values[1], k) for k in range(count)]
            out = builder.call(builder.inttoptr(address, kind.as_pointer()), words)
            return out if returns else context.get_dummy_value()

        return result(types.int64, types.StarArgTuple([types.int64] * count)), codegen

    return call


run = _c_function(True, 8)
create_tensor = _c_function(True, 7)
release = _c_function(False, 1)


@njit(error_model="numpy", nogil=True)
def _turn_knobs(state: Any, frames: Any) -> None:
    """Bring the turns nearer to their goals, for a Run of so many frames."""
    listen(state.turns, state.goals, state.knobs)
    if state.started == 0:
        state.started = 1
        jump(state.turns, state.knobs)
    approach(state.turns, state.knobs, 1.0 - np.exp(-frames / state.smoothing))
    turned = float32_at(state.turned)
    for k in range(state.knobs):
        turned[k] = turn_at(state.turns + TURN_BYTES * k).now


def process() -> Any:
    """Compile ``process``."""

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        start = 0
        while start < frames:
            count = min(state.longest, frames - start)
            values = int64_at(state.values)
            n, both = state.count, state.inputs + state.count
            if state.frames != count:
                state.frames = 0
                failed = 0
                for k in range(2):
                    shape = int64_at(state.shapes + 64 * k)
                    shape[state.frame_axes[k]] = count
                    audio = state.inputs * k
                    if values[audio] != 0:
                        release(state.release_value, values[audio])
                        values[audio] = 0
                    samples = state.samples_in if k == 0 else state.samples_out
                    status = create_tensor(
                        state.create_tensor, state.memory_info, samples, 4 * count,
                        state.shapes + 64 * k, state.ranks[k], FLOAT32, state.values + 8 * audio,
                    )  # fmt: skip
                    if status != 0:
                        release(state.release_status, status)
                        failed = 1
                    values[both + audio] = values[audio]
                if failed == 0:
                    state.frames = count
            ready = state.frames == count
            if ready:
                copy_bytes(state.samples_in, source + 4 * start, 4 * count)
                if state.knobs > 0:
                    _turn_knobs(state, count)
                inputs = state.values + 8 * both * state.turn
                status = run(
                    state.run, state.session, 0, state.names_in, inputs, state.inputs, state.names_out, n,
                    inputs + 8 * state.inputs,
                )  # fmt: skip
                if status != 0:
                    release(state.release_status, status)
                    ready = False
            if ready:
                state.turn = 1 - state.turn
                copy_bytes(target + 4 * start, state.samples_out, 4 * count)
            else:
                state.failures += 1
                clear_bytes(target + 4 * start, 4 * count)
            start += count

    return process
