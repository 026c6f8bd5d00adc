"""What comes on standard input while a session plays, taken without ever waiting: keys, and lines.

A terminal gives keys, and a line after a colon; anything else gives lines.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 1000
"""Bytes of a line; the rest of a longer one is dropped."""
AT_ONCE = 4096
"""Bytes that are read at a time, so that a flood of lines does not hold up the session."""
OPEN, ESCAPE, RUBOUTS, RETURNS = ":", "\x1b", "\x7f\b", "\r\n"
CURSOR_KEYS = re.compile("\x1b[\\[O][0-9;]*[A-Za-z~]")


class Lines:
    """Bytes as lines; a line that is not complete is kept until it is."""

    prompt: str | None = None

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, part: bytes) -> list[str]:
        """The lines that end in this part, each after a colon; at the end of the file the last one does."""
        *whole, rest = (self._rest + (part or b"\n")).split(b"\n")
        self._rest = rest[:LONGEST]
        lines = [line[:LONGEST].decode(errors="replace").strip() for line in whole]
        return [OPEN + line for line in lines if line]


class Prompt:
    """Keys, and the line that a colon begins: Enter ends it, Esc leaves it.

    Attributes
    ----------
    prompt : the line as far as it is typed; None: keys are keys
    """

    prompt: str | None = None

    def feed(self, part: bytes) -> list[str]:
        """The keys of this part, and the lines that end in it, each after a colon."""
        typed = []
        for key in CURSOR_KEYS.sub("", part.decode(errors="ignore")):
            if self.prompt is None:
                if key == OPEN:
                    self.prompt = ""
                elif key.isprintable():
                    typed.append(key)
            elif key == ESCAPE:
                self.prompt = None
            elif key in RETURNS:
                typed += [OPEN + self.prompt] if self.prompt.strip() else []
                self.prompt = None
            elif key in RUBOUTS:
                self.prompt = self.prompt[:-1]
            elif key.isprintable() and len(self.prompt) < LONGEST:
                self.prompt += key
        return typed


class Typed:
    """What has come since the last look."""

    def __init__(self, descriptor: int | None, reader: Lines | Prompt) -> None:
        self._descriptor, self._reader = descriptor, reader

    @property
    def prompt(self) -> str | None:
        """The line that is being typed, or None."""
        return self._reader.prompt

    def __call__(self) -> list[str]:
        """Keys, one character each, and lines, which begin with a colon."""
        if self._descriptor is None:
            return []
        import select

        try:
            if not select.select([self._descriptor], [], [], 0)[0]:
                return []
            # Not sys.stdin.read, whose buffer `select` does not see.
            part = os.read(self._descriptor, AT_ONCE)
        except (OSError, ValueError):
            part = b""
        if not part:
            self._descriptor = None
        return self._reader.feed(part)


@contextmanager
def standard_input() -> Iterator[Typed]:
    """What is typed or piped; nothing where standard input is closed, and on Windows, which cannot tell."""
    descriptor = _descriptor()
    if descriptor is None or not os.isatty(descriptor):
        yield Typed(descriptor, Lines())
        return
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Typed(descriptor, Prompt())
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        print(file=sys.stderr)


def in_terminal() -> bool:
    """Whether a person types."""
    descriptor = _descriptor()
    return descriptor is not None and os.isatty(descriptor)


def _descriptor() -> int | None:
    if sys.platform == "win32" or sys.stdin is None:
        return None
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError):  # closed, or no file
        return None
