"""Denormals flushed to zero while audio code runs, and the caller's mode restored after."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.binding import get_default_triple
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I32, I64, BYTES = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()
X86 = get_default_triple().startswith(("x86_64", "i686", "amd64"))
ARM = get_default_triple().startswith(("aarch64", "arm64"))
FLUSH = 0x8040 if X86 else 1 << 24
"""MXCSR's flush-to-zero and denormals-are-zero; FPCR's flush-to-zero."""


def _mxcsr(builder: Any, name: str, address: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [BYTES])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")
    builder.call(function, [builder.bitcast(address, BYTES)])


@intrinsic
def flush_denormals(typing_context: Any) -> Any:
    """Flush denormals from now on; returns the mode for `restore_mode`."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if X86:
            word = cgutils.alloca_once(builder, I32)
            _mxcsr(builder, "stmxcsr", word)
            mode = builder.load(word)
            builder.store(builder.or_(mode, ir.Constant(I32, FLUSH)), word)
            _mxcsr(builder, "ldmxcsr", word)
            return builder.zext(mode, I64)
        if ARM:
            mode = builder.asm(ir.FunctionType(I64, []), "mrs $0, fpcr", "=r", [], True)
            flushed = builder.or_(mode, ir.Constant(I64, FLUSH))
            builder.asm(ir.FunctionType(ir.VoidType(), [I64]), "msr fpcr, $0", "r", [flushed], True)
            return mode
        return ir.Constant(I64, 0)

    return types.int64(), codegen


@intrinsic
def restore_mode(typing_context: Any, mode: Any) -> Any:
    """Put back what `flush_denormals` returned."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if X86:
            word = cgutils.alloca_once(builder, I32)
            builder.store(builder.trunc(arguments[0], I32), word)
            _mxcsr(builder, "ldmxcsr", word)
        elif ARM:
            builder.asm(ir.FunctionType(ir.VoidType(), [I64]), "msr fpcr, $0", "r", [arguments[0]], True)
        return context.get_dummy_value()

    return types.void(types.int64), codegen
