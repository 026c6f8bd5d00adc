"""The compiled operations of the feed-forward kernel. Imports numba: only where code is compiled.

Every operation works on whole vectors: the samples behind a short block are computed from
whatever stands there and overwritten by the next block, before anything reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
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
ROW_BYTES = 4 * BLOCK  # of z, a layer's work space on the stack


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


def _over_tiles(one: Callable[[int], Any], outputs: int) -> Any:
    """Compile ``(operation, source, other, z, vectors)``, which runs a tile's code over a whole block.

    ``one(width)`` compiles ``(operation, source, other, z, tile, offset)`` for a tile of ``width`` vectors;
    what is left of a block behind the wide tiles is done one vector at a time.
    """
    _, wide, tiles = tile_shape(outputs)
    several, single = one(wide), one(1)

    @njit(forceinline=True, error_model="numpy")
    def run(operation: Any, source: Any, other: Any, z: Any, vectors: Any) -> None:
        for t in range(tiles):
            v = 0
            while v + wide <= vectors:
                several(operation, source, other, z, t, v * VECTOR_BYTES)
                v += wide
            while v < vectors:
                single(operation, source, other, z, t, v * VECTOR_BYTES)
                v += 1

    return run


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
    rows, _, _ = tile_shape(outputs)
    accumulate = accumulator(inputs, outputs, kernel)
    tile_bytes = 4 * rows * inputs * kernel

    def one(width: int) -> Any:
        @njit(forceinline=True, error_model="numpy")
        def tile_of(operation: Any, source: Any, target: Any, z: Any, t: Any, offset: Any) -> None:
            tile = tile_rows(rows, width, LANES, operation.bias + 4 * rows * t)
            weights = operation.weights + tile_bytes * t
            tile = accumulate(tile, weights, now(source) + offset, source.stride, operation.dilation)
            put(tile, rows, target, rows * t, offset)

        return tile_of

    run, activate = _over_tiles(one, outputs), _activate_buffer(activation, outputs)

    def body(operation: Any, vectors: Any) -> None:
        source, target = buffer_at(operation.source), buffer_at(operation.target)
        run(operation, source, target, np.int64(0), vectors)
        activate(target, vectors)

    return _operation(body)


def _activate_buffer(activation: Any, channels: int) -> Any:
    """Compile an activation over the present block of a buffer, or nothing for None."""
    if activation is None:
        return njit(lambda target, vectors: None)
    act = compiled_activation(activation[0], activation[1], LANES)

    @njit(forceinline=True, error_model="numpy")
    def activate(target: Any, vectors: Any) -> None:
        for c in range(channels):
            address = now(target) + c * target.stride
            for v in range(vectors):
                value = act(load(address + v * VECTOR_BYTES, LANES))
                store(address + v * VECTOR_BYTES, value)
                if target.length != 0:
                    store(address + v * VECTOR_BYTES - 4 * target.length, value)

    return activate


def layer(channels: int, wide: int, bottleneck: int, kernel: int, activation: Any, secondary: Any) -> Any:
    """A residual layer: convolution and mixin, activation (gated or not), sums for the head, 1x1."""
    dilated = _over_tiles(_dilated(channels, wide, kernel), wide)
    activate = _activate_layer(bottleneck, activation, secondary)
    residual = _over_tiles(_residual(channels, bottleneck), channels)
    z_floats = padded_channels(wide) * BLOCK

    def body(operation: Any, vectors: Any) -> None:
        source, target = buffer_at(operation.source), buffer_at(operation.target)
        z = stack_memory(z_floats)
        dilated(operation, source, buffer_at(operation.condition), z, vectors)
        activate(buffer_at(operation.heads), z, vectors)
        residual(operation, source, target, z, vectors)

    return _operation(body)


def _dilated(channels: int, wide: int, kernel: int) -> Callable[[int], Any]:
    """A tile of a layer's convolution and mixin, into ``z``."""
    rows, _, _ = tile_shape(wide)
    accumulate = accumulator(channels, wide, kernel)
    tile_bytes = 4 * rows * channels * kernel

    def one(width: int) -> Any:
        @njit(forceinline=True, error_model="numpy")
        def tile_of(operation: Any, source: Any, condition: Any, z: Any, t: Any, offset: Any) -> None:
            tile = tile_rows(rows, width, LANES, operation.bias + 4 * rows * t)
            tile = tile_fma(tile, rows, operation.mixin + 4 * rows * t, now(condition) + offset)
            weights = operation.weights + tile_bytes * t
            tile = accumulate(tile, weights, now(source) + offset, source.stride, operation.dilation)
            tile_store(tile, rows, z + ROW_BYTES * rows * t + offset, ROW_BYTES)

        return tile_of

    return one


def _residual(channels: int, bottleneck: int) -> Callable[[int], Any]:
    """A tile of a layer's 1x1 convolution of ``z``, added to the layer's input."""
    rows, _, _ = tile_shape(channels)
    accumulate = accumulator(bottleneck, channels, 1)
    tile_bytes = 4 * rows * bottleneck

    def one(width: int) -> Any:
        @njit(forceinline=True, error_model="numpy")
        def tile_of(operation: Any, source: Any, target: Any, z: Any, t: Any, offset: Any) -> None:
            tile = tile_rows(rows, width, LANES, operation.bias1 + 4 * rows * t)
            tile = accumulate(tile, operation.weights1 + tile_bytes * t, z + offset, ROW_BYTES, 1)
            past = now(source) + rows * t * source.stride + offset
            tile = tile_add(tile, tile_load(rows, width, LANES, past, source.stride))
            put(tile, rows, target, rows * t, offset)

        return tile_of

    return one


def _activate_layer(bottleneck: int, activation: Any, secondary: Any) -> Any:
    """Compile a layer's activation of ``z`` in place, gated or not, with the head's sums."""
    act = compiled_activation(activation[0], activation[1], LANES)
    if secondary is None:

        @njit(forceinline=True, error_model="numpy")
        def activated(address: Any) -> Any:
            return act(load(address, LANES))

    else:
        gate = compiled_activation(secondary[0], secondary[1], LANES)

        @njit(forceinline=True, error_model="numpy")
        def activated(address: Any) -> Any:
            return act(load(address, LANES)) * gate(load(address + bottleneck * ROW_BYTES, LANES))

    @njit(forceinline=True, error_model="numpy")
    def activate(heads: Any, z: Any, vectors: Any) -> None:
        for c in range(bottleneck):
            address, head = z + c * ROW_BYTES, now(heads) + c * heads.stride
            for v in range(vectors):
                offset = v * VECTOR_BYTES
                value = activated(address + offset)
                store(address + offset, value)
                store(head + offset, load(head + offset, LANES) + value)

    return activate


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
