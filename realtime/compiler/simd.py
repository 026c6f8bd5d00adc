"""Vectors of float32 as numba values, so that a kernel says which registers it means.

LLVM's own vectoriser changes its mind with the loop around it; these operations do not. Every lane
is computed by the same operations in the same order, fused multiply-adds included, whatever the
number of frames: that is why a kernel gives the same bits at every block size.

A *tile* is a tuple of ``rows * vectors`` vectors: ``rows`` output channels by ``vectors`` vectors
of consecutive samples, kept in registers while products are summed into it. `LANES` lanes fill one
AVX-512 register, two of AVX2 and four of NEON or SSE; LLVM splits as the processor needs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)


class Vector(types.Type):
    """The numba type of ``lanes`` float32."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Vector({lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, ir.VectorType(F32, kind.lanes))


def _vector(lanes: int) -> Any:
    return ir.VectorType(F32, lanes)


def _load(builder: Any, address: Any, kind: Any) -> Any:
    value = builder.load(builder.inttoptr(address, kind.as_pointer()))
    value.align = 4
    return value


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = 4


def _splat(builder: Any, scalar: Any, lanes: int) -> Any:
    empty = ir.Constant(_vector(lanes), ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))


def _llvm(builder: Any, name: str, *arguments: Any) -> Any:
    kind = arguments[0].type
    full = f"llvm.{name}.v{kind.count}f32"
    function = builder.module.globals.get(full)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(kind, [kind] * len(arguments)), full)
    return builder.call(function, arguments)


def _offset(builder: Any, address: Any, count: int) -> Any:
    return builder.add(address, ir.Constant(I64, 4 * count))


@intrinsic(prefer_literal=True)
def load(typing_context: Any, address: Any, lanes: Any) -> Any:
    """``lanes`` samples from an address."""
    kind = Vector(lanes.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _load(builder, arguments[0], _vector(kind.lanes))

    return kind(types.int64, lanes), codegen


@intrinsic
def store(typing_context: Any, address: Any, value: Any) -> Any:
    """Write a vector to an address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _store(builder, arguments[1], arguments[0])
        return context.get_dummy_value()

    return types.void(types.int64, value), codegen


@intrinsic(prefer_literal=True)
def splat(typing_context: Any, scalar: Any, lanes: Any) -> Any:
    """A float32 in every lane."""
    kind = Vector(lanes.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _splat(builder, arguments[0], kind.lanes)

    return kind(types.float32, lanes), codegen


@intrinsic(prefer_literal=True)
def broadcast(typing_context: Any, address: Any, lanes: Any) -> Any:
    """The float32 at an address in every lane."""
    kind = Vector(lanes.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _splat(builder, _load(builder, arguments[0], F32), kind.lanes)

    return kind(types.int64, lanes), codegen


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c``, rounded once."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _llvm(builder, "fma", *arguments)

    return a(a, a, a), codegen


@intrinsic
def absolute(typing_context: Any, a: Any) -> Any:
    """``|a|``."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _llvm(builder, "fabs", *arguments)

    return a(a), codegen


def _ordered(comparison: str) -> Any:
    @intrinsic
    def pick(typing_context: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            chosen = builder.fcmp_ordered(comparison, *arguments)
            return builder.select(chosen, *arguments)

        return a(a, a), codegen

    return pick


minimum = _ordered("<")
"""The smaller lane of two vectors; the second where the first is NaN."""
maximum = _ordered(">")
"""The larger lane of two vectors; the second where the first is NaN."""


@intrinsic
def where_positive(typing_context: Any, condition: Any, a: Any, b: Any) -> Any:
    """``a`` in the lanes where ``condition`` > 0, else ``b``."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        condition, a, b = arguments
        zero = ir.Constant(condition.type, None)
        return builder.select(builder.fcmp_ordered(">", condition, zero), a, b)

    return a(condition, a, a), codegen


def _define_operator(python_operator: Callable[..., Any], instruction: str) -> None:
    @infer_global(python_operator)
    class Typing(AbstractTemplate):
        def generic(self, arguments: Any, keywords: Any) -> Any:
            if len(arguments) == 2 and isinstance(arguments[0], Vector) and arguments[0] == arguments[1]:
                return signature(arguments[0], *arguments)
            return None

    @lower_builtin(python_operator, Vector, Vector)
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*arguments)


for _python_operator, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_operator(_python_operator, _instruction)


@intrinsic(prefer_literal=True)
def tile_zero(typing_context: Any, rows: Any, vectors: Any, lanes: Any) -> Any:
    """A tile of zeros."""
    kind = types.UniTuple(Vector(lanes.literal_value), rows.literal_value * vectors.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(context.get_value_type(kind), None)

    return kind(rows, vectors, lanes), codegen


@intrinsic(prefer_literal=True)
def tile_rows(typing_context: Any, rows: Any, vectors: Any, lanes: Any, address: Any) -> Any:
    """A tile whose row ``r`` holds the float32 at ``address + 4 r`` everywhere: a bias."""
    count, width = rows.literal_value, vectors.literal_value
    kind = types.UniTuple(Vector(lanes.literal_value), count * width)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile = ir.Constant(context.get_value_type(kind), ir.Undefined)
        for r in range(count):
            value = _splat(builder, _load(builder, _offset(builder, arguments[3], r), F32), kind.dtype.lanes)
            for v in range(width):
                tile = builder.insert_value(tile, value, r * width + v)
        return tile

    return kind(rows, vectors, lanes, types.int64), codegen


@intrinsic(prefer_literal=True)
def tile_load(typing_context: Any, rows: Any, vectors: Any, lanes: Any, address: Any, stride: Any) -> Any:
    """A tile from memory, its rows ``stride`` bytes apart."""
    count, width = rows.literal_value, vectors.literal_value
    kind = types.UniTuple(Vector(lanes.literal_value), count * width)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile = ir.Constant(context.get_value_type(kind), ir.Undefined)
        address, stride = arguments[3:]
        for r in range(count):
            for v in range(width):
                part = _offset(builder, address, v * kind.dtype.lanes)
                tile = builder.insert_value(
                    tile, _load(builder, part, _vector(kind.dtype.lanes)), r * width + v
                )
            address = builder.add(address, stride)
        return tile

    return kind(rows, vectors, lanes, types.int64, types.int64), codegen


@intrinsic(prefer_literal=True)
def tile_fma(typing_context: Any, tile: Any, rows: Any, weights: Any, samples: Any) -> Any:
    """Add ``weights[r] * samples[t]`` to every row: one input channel, one tap."""
    count = rows.literal_value
    width, lanes = tile.count // count, tile.dtype.lanes

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile, _, weights, samples = arguments
        inputs = [_load(builder, _offset(builder, samples, v * lanes), _vector(lanes)) for v in range(width)]
        for r in range(count):
            weight = _splat(builder, _load(builder, _offset(builder, weights, r), F32), lanes)
            for v in range(width):
                k = r * width + v
                total = _llvm(builder, "fma", weight, inputs[v], builder.extract_value(tile, k))
                tile = builder.insert_value(tile, total, k)
        return tile

    return tile(tile, rows, types.int64, types.int64), codegen


@intrinsic
def tile_scaled(typing_context: Any, tile: Any, scalar: Any, address: Any) -> Any:
    """Add ``scalar`` times the vectors that stand one after another at an address."""
    lanes = tile.dtype.lanes

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile, scalar, address = arguments
        factor = _splat(builder, scalar, lanes)
        for k in range(signature.args[0].count):
            vector = _load(builder, _offset(builder, address, k * lanes), _vector(lanes))
            tile = builder.insert_value(
                tile, _llvm(builder, "fma", factor, vector, builder.extract_value(tile, k)), k
            )
        return tile

    return tile(tile, types.float32, types.int64), codegen


@intrinsic
def total(typing_context: Any, a: Any) -> Any:
    """The sum of a vector's lanes, added pairwise: halves, quarters, …"""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, lanes = arguments[0], a.lanes
        while lanes > 1:
            lanes //= 2
            unused = ir.Constant(value.type, ir.Undefined)
            halves = [
                builder.shuffle_vector(
                    value, unused, ir.Constant(ir.VectorType(I32, lanes), list(range(k, k + lanes)))
                )
                for k in (0, lanes)
            ]
            value = builder.fadd(*halves)
        return builder.extract_element(value, ir.Constant(I32, 0))

    return types.float32(a), codegen


@intrinsic(prefer_literal=True)
def tile_store(typing_context: Any, tile: Any, rows: Any, address: Any, stride: Any) -> Any:
    """Write a tile to memory, its rows ``stride`` bytes apart."""
    count = rows.literal_value
    width, lanes = tile.count // count, tile.dtype.lanes

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile, _, address, stride = arguments
        for r in range(count):
            for v in range(width):
                part = _offset(builder, address, v * lanes)
                _store(builder, builder.extract_value(tile, r * width + v), part)
            address = builder.add(address, stride)
        return context.get_dummy_value()

    return types.void(tile, rows, types.int64, types.int64), codegen
