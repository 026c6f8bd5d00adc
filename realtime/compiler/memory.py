"""Memory for compiled code: records and blocks at an address, ordered words, calls by address.

Everything here is for numba functions on the audio thread: nothing allocates, locks or raises.
An address is an int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils
from numba.extending import intrinsic

I64 = ir.IntType(64)


def record_at(dtype: np.dtype[Any]) -> Any:
    """Make a function ``address -> record`` for a structured dtype; fields read and write in place."""
    record = from_dtype(dtype)

    @intrinsic
    def at(typing_context: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(record))

        return record(types.int64), codegen

    return at


def _pointer_to(scalar: Any) -> Any:
    @intrinsic
    def at(typing_context: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(types.CPointer(scalar)))

        return types.CPointer(scalar)(types.int64), codegen

    return at


float32_at = _pointer_to(types.float32)
"""``address -> float32*``; index it, or give it to ``numba.carray``."""
float64_at = _pointer_to(types.float64)
int64_at = _pointer_to(types.int64)
uint32_at = _pointer_to(types.uint32)


@intrinsic
def address_of(typing_context: Any, record: Any) -> Any:
    """The address of a record."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], I64)

    return types.int64(record), codegen


@intrinsic
def load_acquire(typing_context: Any, address: Any) -> Any:
    """Read the int64 at ``address``; what its writer wrote before it is visible afterwards."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], I64.as_pointer())
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(types.int64), codegen


@intrinsic
def store_release(typing_context: Any, address: Any, value: Any) -> Any:
    """Write an int64 to ``address`` after everything written before it."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], I64.as_pointer())
        builder.store_atomic(arguments[1], pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def call_process(
    typing_context: Any,
    function: Any,
    context_address: Any,
    state: Any,
    source: Any,
    target: Any,
    frames: Any,
) -> Any:
    """Call a processor's ``process`` by address, see ``abi``."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.FunctionType(ir.VoidType(), [I64] * 5).as_pointer()
        builder.call(builder.inttoptr(arguments[0], pointer), arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), codegen


@intrinsic
def copy_bytes(typing_context: Any, target: Any, source: Any, count: Any) -> Any:
    """``memmove(target, source, count)``."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, source, count = arguments
        byte = ir.IntType(8).as_pointer()
        cgutils.raw_memmove(builder, builder.inttoptr(target, byte), builder.inttoptr(source, byte), count, 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@intrinsic
def clear_bytes(typing_context: Any, target: Any, count: Any) -> Any:
    """``memset(target, 0, count)``."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        cgutils.memset(builder, builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()), arguments[1], 0)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def bits(typing_context: Any, value: Any) -> Any:
    """The bit pattern of a float32 as int32: guards test exponent bits, whatever the flags."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), codegen


def _external(name: str, result: Any, *parameters: Any) -> Any:
    """Call a C function by its name; the name has to be on the allow-list of ``unit``."""
    signature = result(*parameters)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function_type = ir.FunctionType(
            context.get_value_type(result), [context.get_value_type(p) for p in parameters]
        )
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        return builder.call(function, arguments)

    return signature, codegen


@intrinsic
def clock_gettime(typing_context: Any, clock: Any, address: Any) -> Any:
    """``clock_gettime(2)`` into two int64 at ``address``: seconds and nanoseconds."""
    return _external("clock_gettime", types.int32, types.int32, types.int64)
