"""The compiled side of the ONNX Runtime kernel. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..compiler.abi import audio_function
from ..compiler.memory import clear_bytes, copy_bytes, int64_at
from .onnx_runtime import BLOCK, FLOAT32, STATE

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


def process() -> Any:
    """Compile ``process``."""

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        start = 0
        while start < frames:
            count = min(BLOCK, frames - start)
            values = int64_at(state.values)
            n = state.count
            if state.frames != count:
                state.frames = 0
                failed = 0
                for k in range(2):
                    shape = int64_at(state.shapes + 64 * k)
                    shape[state.frame_axes[k]] = count
                    place = state.values + 8 * n * k
                    if values[n * k] != 0:
                        release(state.release_value, values[n * k])
                        values[n * k] = 0
                    samples = state.samples_in if k == 0 else state.samples_out
                    status = create_tensor(
                        state.create_tensor, state.memory_info, samples, 4 * count,
                        state.shapes + 64 * k, state.ranks[k], FLOAT32, place,
                    )  # fmt: skip
                    if status != 0:
                        release(state.release_status, status)
                        failed = 1
                    values[2 * n + n * k] = values[n * k]
                if failed == 0:
                    state.frames = count
            ready = state.frames == count
            if ready:
                copy_bytes(state.samples_in, source + 4 * start, 4 * count)
                inputs = state.values + 16 * n * state.turn
                status = run(
                    state.run, state.session, 0, state.names_in, inputs, n, state.names_out, n, inputs + 8 * n
                )
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
