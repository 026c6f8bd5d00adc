"""The targets that voice code is compiled for: sixteen voices side by side. Imports numba."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from numba import njit

from ..compiler import lanes, simd

inline = njit(forceinline=True, error_model="numpy")


def sixteen() -> SimpleNamespace:
    """The operations of a voice on sixteen values side by side."""
    names = (
        "splat splat_integer add multiply shift_right both to_float to_integer as_float as_integer nearest "
        "gather at_least at_most where_less"
    ).split()
    found: dict[str, Any] = {name: getattr(lanes, name) for name in names}
    return SimpleNamespace(**found, fma=simd.fma, absolute=simd.absolute, inline=inline)
