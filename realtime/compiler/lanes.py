"""Operations on sixteen values side by side that `simd` lacks: integers, comparisons, look-ups, records.

A lane is a voice or a sound of its own. Integers are 32 bits and wrap around, so that a phase of
2³² to the cycle needs no other care. A record of lanes holds one such row of values for each field.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

from .simd import F32, I32, I64, Vector, _llvm, _load, _splat, _store

LANES = 16


class Integers(types.Type):
    """The numba type of `LANES` int32."""

    def __init__(self) -> None:
        super().__init__(name=f"Integers({LANES})")


FLOATS, INTEGERS = Vector(LANES), Integers()
F, I = ir.VectorType(F32, LANES), ir.VectorType(I32, LANES)  # noqa: E741


@register_model(Integers)
class _IntegersModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Integers) -> None:
        super().__init__(manager, kind, I)


def _integer(value: int) -> Any:
    return ir.Constant(I, [value] * LANES)


def _splat_integer(builder: Any, value: Any) -> Any:
    empty = ir.Constant(I, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, empty, _integer(0))


def _define_mixed(python_operator: Any, instruction: str) -> None:
    """Let a float32 stand for a vector that holds it in every lane."""

    @infer_global(python_operator)
    class Typing(AbstractTemplate):
        def generic(self, arguments: Any, keywords: Any) -> Any:
            if arguments in ((FLOATS, types.float32), (types.float32, FLOATS)):
                return signature(FLOATS, *arguments)
            return None

    @lower_builtin(python_operator, FLOATS, types.float32)
    def right(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(arguments[0], _splat(builder, arguments[1], LANES))

    @lower_builtin(python_operator, types.float32, FLOATS)
    def left(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(_splat(builder, arguments[0], LANES), arguments[1])


for _python_operator, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_mixed(_python_operator, _instruction)


def _operation(result: Any, parameters: Sequence[Any], emit: Any) -> Any:
    """An intrinsic of one LLVM expression; ``emit(builder, *arguments)``."""
    form = result(*parameters)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return emit(builder, *arguments)

    if len(parameters) == 1:

        @intrinsic
        def one(typing_context: Any, a: Any) -> Any:
            return form, codegen

        return one
    if len(parameters) == 2:

        @intrinsic
        def two(typing_context: Any, a: Any, b: Any) -> Any:
            return form, codegen

        return two

    @intrinsic
    def three(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
        return form, codegen

    return three


def _gather(builder: Any, base: Any, index: Any) -> Any:
    pointers = builder.gep(builder.inttoptr(base, F32.as_pointer()), [index], source_etype=F32)
    pointers.type = ir.VectorType(F32.as_pointer(), LANES)  # llvmlite does not know of indices side by side
    name = f"llvm.masked.gather.v{LANES}f32.v{LANES}p0"
    function = builder.module.globals.get(name)
    mask = ir.VectorType(ir.IntType(1), LANES)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(F, [pointers.type, I32, mask, F]), name)
    every = ir.Constant(mask, [1] * LANES)
    return builder.call(function, [pointers, ir.Constant(I32, 4), every, ir.Constant(F, ir.Undefined)])


row_at = _operation(FLOATS, [types.int64], lambda b, address: _load(b, address, F))
"""Sixteen float32 from an address."""
splat = _operation(FLOATS, [types.float32], lambda b, x: _splat(b, x, LANES))
"""A float32 in every lane."""
splat_integer = _operation(INTEGERS, [types.int32], _splat_integer)
"""An int32 in every lane."""
add = _operation(INTEGERS, [INTEGERS, INTEGERS], lambda b, x, y: b.add(x, y))
"""Sum, around the end of the range."""
multiply = _operation(INTEGERS, [INTEGERS, INTEGERS], lambda b, x, y: b.mul(x, y))
"""Product, around the end of the range."""
shift_right = _operation(INTEGERS, [INTEGERS, types.int32], lambda b, x, n: b.lshr(x, _splat_integer(b, n)))
"""The bits moved down, zeros from above."""
both = _operation(INTEGERS, [INTEGERS, INTEGERS], lambda b, x, y: b.and_(x, y))
"""The bits that both have."""
to_float = _operation(FLOATS, [INTEGERS], lambda b, x: b.sitofp(x, F))
"""Integers as floats."""
to_integer = _operation(INTEGERS, [FLOATS], lambda b, x: b.fptosi(x, I))
"""Floats cut towards 0; they must lie in an int32's range."""
as_float = _operation(FLOATS, [INTEGERS], lambda b, x: b.bitcast(x, F))
"""The same bits."""
as_integer = _operation(INTEGERS, [FLOATS], lambda b, x: b.bitcast(x, I))
"""The same bits."""
nearest = _operation(FLOATS, [FLOATS], lambda b, x: _llvm(b, "roundeven", x))
"""The nearest whole number."""
gather = _operation(FLOATS, [types.int64, INTEGERS], _gather)
"""The float32 of a table at each index; it is not checked."""
at_least = _operation(FLOATS, [FLOATS, FLOATS], lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y))
"""The larger one; the second where the first is NaN."""
at_most = _operation(FLOATS, [FLOATS, FLOATS], lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y))
"""The smaller one; the second where the first is NaN."""


def _differ(builder: Any, x: Any, y: Any) -> Any:
    word = builder.bitcast(builder.icmp_signed("!=", x, y), ir.IntType(LANES))
    return builder.icmp_signed("!=", word, ir.Constant(ir.IntType(LANES), 0))


differ = _operation(types.boolean, [INTEGERS, INTEGERS], _differ)
"""Whether any lanes differ."""


@intrinsic
def where_less(typing_context: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """``x`` in the lanes where ``a < b`` (floats), else ``y``."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, x, y = arguments
        return builder.select(builder.fcmp_ordered("<", a, b), x, y)

    return x(FLOATS, FLOATS, x, x), codegen


def access(values: Any, record: np.dtype[Any]) -> tuple[Any, Any]:
    """``load(address) -> values`` and ``store(address, values)`` for some fields of a record of lanes.

    Parameters
    ----------
    values : a named tuple's class; its fields are those to load and store
    record : of lanes, with a field of sixteen values for each
    """
    assert record.fields is not None
    names = values._fields
    places = [int(record.fields[name][1]) for name in names]
    kinds = [FLOATS if record.fields[name][0].base.kind == "f" else INTEGERS for name in names]
    bundle = types.BaseTuple.from_types(kinds, values)

    @intrinsic
    def load(typing_context: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loaded = []
            for place, kind in zip(places, kinds, strict=True):
                at = builder.add(arguments[0], ir.Constant(I64, place))
                loaded.append(_load(builder, at, F if kind is FLOATS else I))
            return context.make_tuple(builder, bundle, loaded)

        return bundle(types.int64), codegen

    @intrinsic
    def store(typing_context: Any, address: Any, bundled: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            for k, place in enumerate(places):
                at = builder.add(arguments[0], ir.Constant(I64, place))
                _store(builder, builder.extract_value(arguments[1], k), at)
            return context.get_dummy_value()

        return types.void(types.int64, bundle), codegen

    return load, store
