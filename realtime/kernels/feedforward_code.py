"""The compiled operations of the feed-forward kernel. Imports numba: only where code is compiled.

Every operation works on whole vectors: the samples behind a short block are computed from
whatever stands there and overwritten by the next block, before anything reads them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from ..compiler.abi import audio_function
from ..compiler.memory import clear_bytes, copy_bytes, record_at
from ..compiler.simd import load, store, tile_fma, tile_load, tile_rows, tile_store
from .activations import activation as compiled_activation
from .dilated import BLOCK, BUFFER, LANES, accumulator, padded_channels, tile_shape
from .feedforward import OPERATION, STATE

buffer_at = record_at(BUFFER)
operation_at = record_at(OPERATION)
OPERATION_BYTES, BUFFER_BYTES = OPERATION.itemsize, BUFFER.itemsize
VECTOR_BYTES = 4 * LANES


@intrinsic
def call_operation(typing_context: Any, code: Any, operation: Any, vectors: Any) -> Any:
    """Call an operation by address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        i64 = ir.IntType(64)
        pointer = ir.FunctionType(ir.VoidType(), [i64, i64]).as_pointer()
        builder.call(builder.inttoptr(arguments[0], pointer), arguments[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


def _operation(body: Any) -> Any:
    """A C function ``(operation's address, number of vectors)``."""
    inner = njit(error_model="numpy", nogil=True)(body)

    def operation(address: Any, vectors: Any) -> None:
        inner(operation_at(address), vectors)

    return cfunc(types.void(types.int64, types.int64), nopython=True, error_model="numpy")(operation)


@njit(forceinline=True, error_model="numpy")
def now(buffer: Any) -> Any:
    """Address of the present block in a buffer, its past before it."""
    return buffer.memory + 4 * (buffer.position + buffer.length)


@njit(forceinline=True, error_model="numpy")
def put(tile: Any, rows: Any, buffer: Any, channel: Any, offset: Any) -> None:
    """Write a tile to a buffer, to both copies of a ring."""
    address = now(buffer) + channel * buffer.stride + offset
    tile_store(tile, rows, address, buffer.stride)
    if buffer.length != 0:
        tile_store(tile, rows, address - 4 * buffer.length, buffer.stride)


def network() -> Any:
    """Compile the walk over a network's operations."""

    @audio_function(STATE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        entry, leave = buffer_at(state.input), buffer_at(state.output)
        start = 0
        while start < frames:
            count = min(BLOCK, frames - start)
            vectors = (count + LANES - 1) // LANES
            address = now(entry)
            copy_bytes(address, source + 4 * start, 4 * count)
            clear_bytes(address + 4 * count, 4 * (vectors * LANES - count))
            if entry.length != 0:
                copy_bytes(address - 4 * entry.length, address, vectors * VECTOR_BYTES)
            for k in range(state.operation_count):
                operation = state.operations + k * OPERATION_BYTES
                call_operation(operation_at(operation).code, operation, vectors)
            copy_bytes(target + 4 * start, now(leave), 4 * count)
            for k in range(state.buffer_count):
                buffer = buffer_at(state.buffers + k * BUFFER_BYTES)
                if buffer.length != 0:
                    position = buffer.position + count
                    buffer.position = position - buffer.length if position >= buffer.length else position
            start += count

    return process


def clear(channels: int) -> Any:
    """Silence the present block of a buffer."""

    def body(operation: Any, vectors: Any) -> None:
        target = buffer_at(operation.target)
        for c in range(channels):
            clear_bytes(now(target) + c * target.stride, vectors * VECTOR_BYTES)

    return _operation(body)


def copy(channels: int) -> Any:
    """Copy the present block of a buffer into a ring."""

    def body(operation: Any, vectors: Any) -> None:
        source, target = buffer_at(operation.source), buffer_at(operation.target)
        for c in range(channels):
            read = now(source) + c * source.stride
            write = now(target) + c * target.stride
            copy_bytes(write, read, vectors * VECTOR_BYTES)
            copy_bytes(write - 4 * target.length, read, vectors * VECTOR_BYTES)

    return _operation(body)


def convolve(inputs: int, outputs: int, kernel: int, activation: Any) -> Any:
    """A causal convolution with bias, then an activation or none."""
    rows, wide, tiles = tile_shape(outputs)
    accumulate = accumulator(inputs, outputs, kernel)
    tile_bytes = 4 * rows * inputs * kernel
    act = None if activation is None else compiled_activation(activation[0], activation[1], LANES)

    def tile_of(width: int) -> Any:
        @njit(forceinline=True, error_model="numpy")
        def one(operation: Any, source: Any, target: Any, t: Any, offset: Any) -> None:
            tile = tile_rows(rows, width, LANES, operation.bias + 4 * rows * t)
            tile = accumulate(
                tile,
                operation.weights + tile_bytes * t,
                now(source) + offset,
                source.stride,
                operation.dilation,
            )
            put(tile, rows, target, rows * t, offset)

        return one

    several, single = tile_of(wide), tile_of(1)

    if act is None:

        @njit(forceinline=True, error_model="numpy")
        def activate(target: Any, vectors: Any) -> None:
            return

    else:

        @njit(forceinline=True, error_model="numpy")
        def activate(target: Any, vectors: Any) -> None:
            for c in range(outputs):
                address = now(target) + c * target.stride
                for v in range(vectors):
                    value = act(load(address + v * VECTOR_BYTES, LANES))
                    store(address + v * VECTOR_BYTES, value)
                    if target.length != 0:
                        store(address + v * VECTOR_BYTES - 4 * target.length, value)

    def body(operation: Any, vectors: Any) -> None:
        source, target = buffer_at(operation.source), buffer_at(operation.target)
        for t in range(tiles):
            v = 0
            while v + wide <= vectors:
                several(operation, source, target, t, v * VECTOR_BYTES)
                v += wide
            while v < vectors:
                single(operation, source, target, t, v * VECTOR_BYTES)
                v += 1
        activate(target, vectors)

    return _operation(body)


def layer(channels: int, wide: int, bottleneck: int, kernel: int, activation: Any, secondary: Any) -> Any:
    """A residual layer: convolution and mixin, activation (gated or not), sums for the head, 1x1."""
    rows, width, tiles = tile_shape(wide)
    rows1, width1, tiles1 = tile_shape(channels)
    accumulate = accumulator(channels, wide, kernel)
    accumulate1 = accumulator(bottleneck, channels, 1)
    tile_bytes, tile_bytes1 = 4 * rows * channels * kernel, 4 * rows1 * bottleneck
    act = compiled_activation(activation[0], activation[1], LANES)
    gate = None if secondary is None else compiled_activation(secondary[0], secondary[1], LANES)
    z_floats = padded_channels(wide) * BLOCK
    row_bytes = 4 * BLOCK

    def dilated(w: int) -> Any:
        @njit(forceinline=True, error_model="numpy")
        def one(operation: Any, source: Any, condition: Any, z: Any, t: Any, offset: Any) -> None:
            tile = tile_rows(rows, w, LANES, operation.bias + 4 * rows * t)
            tile = tile_fma(tile, rows, operation.mixin + 4 * rows * t, now(condition) + offset)
            tile = accumulate(
                tile,
                operation.weights + tile_bytes * t,
                now(source) + offset,
                source.stride,
                operation.dilation,
            )
            tile_store(tile, rows, z + row_bytes * rows * t + offset, row_bytes)

        return one

    def residual(w: int) -> Any:
        @njit(forceinline=True, error_model="numpy")
        def one(operation: Any, source: Any, target: Any, z: Any, t: Any, offset: Any) -> None:
            tile = tile_rows(rows1, w, LANES, operation.bias1 + 4 * rows1 * t)
            tile = accumulate1(tile, operation.weights1 + tile_bytes1 * t, z + offset, row_bytes, 1)
            past = now(source) + rows1 * t * source.stride + offset
            tile = tile_add(tile, tile_load(rows1, w, LANES, past, source.stride))
            put(tile, rows1, target, rows1 * t, offset)

        return one

    dilated_several, dilated_single = dilated(width), dilated(1)
    residual_several, residual_single = residual(width1), residual(1)

    if gate is None:

        @njit(forceinline=True, error_model="numpy")
        def activated(address: Any) -> Any:
            return act(load(address, LANES))

    else:

        @njit(forceinline=True, error_model="numpy")
        def activated(address: Any) -> Any:
            return act(load(address, LANES)) * gate(load(address + bottleneck * row_bytes, LANES))

    @njit(forceinline=True, error_model="numpy")
    def activate(heads: Any, z: Any, vectors: Any) -> None:
        for c in range(bottleneck):
            address, head = z + c * row_bytes, now(heads) + c * heads.stride
            for v in range(vectors):
                offset = v * VECTOR_BYTES
                value = activated(address + offset)
                store(address + offset, value)
                store(head + offset, load(head + offset, LANES) + value)

    def body(operation: Any, vectors: Any) -> None:
        source, target = buffer_at(operation.source), buffer_at(operation.target)
        condition, heads = buffer_at(operation.condition), buffer_at(operation.heads)
        z = stack_memory(z_floats)
        for t in range(tiles):
            v = 0
            while v + width <= vectors:
                dilated_several(operation, source, condition, z, t, v * VECTOR_BYTES)
                v += width
            while v < vectors:
                dilated_single(operation, source, condition, z, t, v * VECTOR_BYTES)
                v += 1
        activate(heads, z, vectors)
        for t in range(tiles1):
            v = 0
            while v + width1 <= vectors:
                residual_several(operation, source, target, z, t, v * VECTOR_BYTES)
                v += width1
            while v < vectors:
                residual_single(operation, source, target, z, t, v * VECTOR_BYTES)
                v += 1

    return _operation(body)


@intrinsic(prefer_literal=True)
def stack_memory(typing_context: Any, floats: Any) -> Any:
    """Address of ``floats`` float32 on the stack of the calling C function."""
    count = floats.literal_value

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.goto_entry_block():
            memory = builder.alloca(ir.ArrayType(ir.FloatType(), count))
            memory.align = 64
        return builder.ptrtoint(memory, ir.IntType(64))

    return types.int64(floats), codegen


@intrinsic
def tile_add(typing_context: Any, a: Any, b: Any) -> Any:
    """Two tiles added."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, second = arguments
        for k in range(a.count):
            total = builder.fadd(builder.extract_value(first, k), builder.extract_value(second, k))
            first = builder.insert_value(first, total, k)
        return first

    return a(a, a), codegen
