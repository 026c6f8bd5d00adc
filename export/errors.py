"""The one error a file from outside can cause: it names the file, what is wrong, and what to do."""

from __future__ import annotations

from pathlib import Path


class ModelFileError(ValueError):
    """A model file that cannot be used.

    Parameters
    ----------
    path : path of the file
    problem : one sentence without the file's name: what was found, what was expected, what to do
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path = Path(path)
        self.problem = problem
        super().__init__(f"{self.path.name}: {problem}")


class FormatCannotSay(ModelFileError):  # noqa: N818
    """A network that the file format has no words for."""


class CannotSayError(ValueError):
    """Raised inside a writer, before it knows the path; the message names what the format lacks."""


class UnsoundError(ValueError):
    """A network that cannot be played; the message is one sentence without a file name."""
