"""The same empty user's library as the tests of the program have."""

from __future__ import annotations

from ..realtime.conftest import user_library

__all__ = ["user_library"]
