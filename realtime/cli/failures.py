"""How a verb that works through several files ends when some of them failed."""

from __future__ import annotations

from collections.abc import Sequence


def raise_failed(failed: Sequence[Exception], count: int, things: str) -> None:
    """Raise the one error that there was, or one that tells of all; nothing where none failed.

    Parameters
    ----------
    failed : errors, one for each thing that failed
    count : how many things there were
    things : what they are, in the plural

    Raises
    ------
    RenderError
        If more than one failed.
    """
    from ..render import RenderError

    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise RenderError(f"{len(failed)} of {count} {things} failed: " + "; ".join(map(str, failed)))
