"""How a verb that works through several files ends when some of them failed."""

from __future__ import annotations

from collections.abc import Sequence


def raise_failed(failed: Sequence[tuple[str, Exception]], count: int, things: str) -> None:
    """Raise the one error that there was, or one that tells of all; nothing where none failed.

    Parameters
    ----------
    failed : names of the things that failed and their errors; an error that does not say of which of several
        things it tells gets its name
    count : how many things there were
    things : what they are, in the plural

    Raises
    ------
    RenderError
        If more than one failed, or the one of several does not say which.
    """
    from ..documents import printable
    from ..render import RenderError

    if not failed:
        return
    sentences = [
        str(error) if count == 1 or name in str(error) else f"{printable(name)}: {error}"
        for name, error in failed
    ]
    if len(failed) > 1:
        raise RenderError(f"{len(failed)} of {count} {things} failed: " + "; ".join(sentences))
    ((_, error),) = failed
    if sentences == [str(error)]:
        raise error
    raise RenderError(sentences[0]) from error
