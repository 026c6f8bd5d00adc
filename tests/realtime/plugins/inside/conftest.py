"""Tests here open plugins in their own process, as nothing else does."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_floating_point_mode() -> Iterator[None]:
    """A library built with -ffast-math lets its process flush denormals when it is opened; put that back."""
    c, mode = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    c.fegetenv(mode)
    yield
    c.fesetenv(mode)
