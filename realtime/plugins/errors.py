"""What can be wrong with a plugin."""

from __future__ import annotations

WIRE = "; its place in the chain is a wire"
SILENT = "; its patch is silent"
"""What comes of it where the others play on: the end of the sentence."""


class PluginError(ValueError):
    """A plugin that cannot be used; the text names it and says what to do."""


def reason(problem: str | None) -> str:
    """What is wrong with a plugin, of a processor's ``problem``: without what comes of it."""
    return str(problem).removesuffix(WIRE).removesuffix(SILENT)
