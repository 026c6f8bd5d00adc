"""The targets that voice code is compiled for: sixteen voices side by side. Imports numba."""

from __future__ import annotations

from types import SimpleNamespace

from numba import njit

from ..compiler import lanes, simd

inline = njit(forceinline=True, error_model="numpy")


def sixteen() -> SimpleNamespace:
    """The operations of a voice on sixteen values side by side."""
    return SimpleNamespace(**vars(lanes), fma=simd.fma, absolute=simd.absolute, inline=inline)
