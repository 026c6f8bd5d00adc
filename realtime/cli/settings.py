"""``--set NAME=VALUE``, as verbs that train take it."""

from __future__ import annotations

import typer


def setting(text: str) -> tuple[str, str]:
    """Name and value of one ``--set``.

    Raises
    ------
    typer.BadParameter
        If it has no name or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise typer.BadParameter(f"--set is {text!r}, expected PARAMETER=VALUE")
    return name.strip(), value.strip()
