"""Compile units to object files: ``python -m tonerig.realtime.compiler.build MODULE ARGUMENTS …``.

The only place that runs numba. Refuses code that could allocate, take the GIL, raise or call
anything that is not on the allow-list.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import llvmlite.binding as llvm

from .unit import PACKAGE, Unit, target_machine, write

ALLOWED = frozenset(
    f"{name}{suffix}"
    for name in ("exp", "exp2", "log", "log2", "log10", "pow", "sin", "cos", "tan", "tanh", "atan2", "sqrt")
    for suffix in ("", "f")
) | {"memcpy", "memmove", "memset", "clock_gettime"}
"""C functions that audio code may call: none allocates, locks or blocks."""


class ForbiddenCallError(RuntimeError):
    """Compiled audio code refers to something it must not."""


def isolate(module: llvm.ModuleRef, entry: str) -> llvm.ModuleRef:
    """A copy of ``module`` with only what ``entry`` reaches."""
    copy = llvm.parse_bitcode(module.as_bitcode())
    for item in [*copy.functions, *copy.global_variables]:
        if not item.is_declaration:
            item.linkage = "external" if item.name == entry else "internal"
    builder = llvm.create_pass_builder(target_machine(), llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(copy, builder)
    return copy


def outside_symbols(module: llvm.ModuleRef) -> set[str]:
    """Names that the module needs from outside itself, LLVM's own intrinsics apart."""
    items = [*module.functions, *module.global_variables]
    return {i.name for i in items if i.is_declaration and not i.name.startswith("llvm.")}


def object_code(function: Any) -> tuple[str, bytes]:
    """Symbol and object file of a numba C function.

    Raises
    ------
    ForbiddenCallError
        when the code needs a symbol that is not allowed: a raising path, an allocation, the GIL.
    """
    symbol = function._wrapper_name
    module = isolate(function._library._final_module, symbol)
    forbidden = outside_symbols(module) - ALLOWED
    if forbidden:
        raise ForbiddenCallError(f"{symbol} needs {', '.join(sorted(forbidden))}")
    return symbol, target_machine().emit_object(module)


def build(unit: Unit) -> dict[str, tuple[str, bytes]]:
    """Compile a unit: name -> (symbol, object file)."""
    module = importlib.import_module(f"{PACKAGE}.{unit.module}")
    functions = module.compile(**json.loads(unit.arguments))
    return {name: object_code(function) for name, function in functions.items()}


if __name__ == "__main__":
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name, constants in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        try:
            write(Unit(name, constants), build(Unit(name, constants)))
        except Exception as error:
            raise SystemExit(f"{name} {constants}: {error}") from error
