"""What may become audio code: the guard that refuses Python, allocation and raising paths."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
from numba import cfunc, types
from tonerig.realtime.compiler.build import ForbiddenCallError, object_code

WORDS = types.int64(types.int64)


@pytest.fixture(autouse=True)
def _native_target() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def _allocates(n: Any) -> Any:
    return np.zeros(n).size


def _raises(n: Any) -> Any:
    if n < 0:
        raise ValueError("negative")
    return n


def _divides(n: Any) -> Any:
    return 1000 // n


def _prints(n: Any) -> Any:
    print(n)
    return n


@pytest.mark.parametrize("function", [_allocates, _raises, _divides, _prints])
def test_code_that_could_touch_python_is_refused(function: Any) -> None:
    """An allocation, an exception, a division that can raise and a print each are refused by name."""
    with pytest.raises(ForbiddenCallError, match="needs"):
        object_code(cfunc(WORDS, nopython=True)(function))


def test_plain_arithmetic_needs_nothing_from_outside() -> None:
    """Arithmetic compiles to an object file that refers to no symbol but its own."""
    symbol, code = object_code(cfunc(WORDS, nopython=True, error_model="numpy")(lambda n: 3 * n + 1))
    assert symbol.startswith("cfunc.")
    assert code[:4] == b"\x7fELF" or len(code) > 100
