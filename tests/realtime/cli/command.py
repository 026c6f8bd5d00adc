"""Run a command line in this process and look at what it printed."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from tonerig.realtime.cli import main


@dataclass(frozen=True)
class Result:
    """Exit code, and what went to stdout and stderr."""

    code: int
    out: str
    err: str


def tonerig(*words: object) -> Result:
    """What ``tonerig WORDS …`` does."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
    return Result(code, out.getvalue(), err.getvalue())
