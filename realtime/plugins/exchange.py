"""The compiled side of hosted processors as a unit of its own, see `exchange_code`."""

from __future__ import annotations

from typing import Any


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    from .exchange_code import process

    return {"process": process()}
