"""Keys and lines on standard input, in whatever pieces they come."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime.cli.typed import LONGEST, Lines, Prompt, Typed

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=40)


def _pieces(whole: bytes, sizes: list[int]) -> list[bytes]:
    parts, start = [], 0
    while start < len(whole):
        size = sizes[len(parts) % len(sizes)]
        parts.append(whole[start : start + size])
        start += size
    return parts


@given(
    st.lists(WORDS), st.lists(st.integers(1, 30), min_size=1), st.booleans(), st.sampled_from(["\n", "\r\n"])
)
def test_lines_come_whole_in_any_pieces(words: list[str], sizes: list[int], ended: bool, end: str) -> None:
    """Each line once, in order, when its end has come; the file's end is the end of the last one."""
    whole = end.join(words).encode() + (end.encode() if ended else b"")
    reader = Lines()
    heard = [line for part in _pieces(whole, sizes) for line in reader.feed(part)]
    assert heard == [f":{word}" for word in (words if ended else words[:-1])]
    assert heard + reader.feed(b"") == [f":{word}" for word in words]


@given(st.lists(st.binary(max_size=3 * LONGEST), max_size=5))
def test_arbitrary_bytes_are_lines_of_bounded_length(parts: list[bytes]) -> None:
    """Nothing is raised, and no more than one line's length is ever kept."""
    reader = Lines()
    for part in parts:
        for line in reader.feed(part):
            assert line.startswith(":")
            assert len(line) <= 1 + LONGEST
        assert len(reader._rest) <= LONGEST


@pytest.mark.parametrize("size", [1, 2, 100])
def test_keys_belong_to_the_prompt_while_it_is_open(size: int) -> None:
    """A colon opens it, Enter ends it; before and after keys are keys."""
    prompt = Prompt()
    typed = b"mb:gate.threshold_db=-6\x7f7\n+q"
    heard = [key for part in _pieces(typed, [size]) for key in prompt.feed(part)]
    assert heard == ["m", "b", ":gate.threshold_db=-7", "+", "q"]
    assert prompt.prompt is None


def test_esc_leaves_the_prompt_and_what_was_typed() -> None:
    """The line is forgotten; a cursor key, which begins with Esc too, is not Esc; an empty line is none."""
    prompt = Prompt()
    assert prompt.feed(b":gain.gain") == []
    assert prompt.prompt == "gain.gain"
    assert prompt.feed(b"\x1b[D\x1bOC") == []
    assert prompt.prompt == "gain.gain"
    assert prompt.feed(b"\x1b") == []
    assert prompt.prompt is None
    assert prompt.feed(b":\n:\x7f\r\x1bm") == ["m"]


@given(st.lists(st.binary(max_size=50)))
def test_a_prompt_takes_any_bytes(parts: list[bytes]) -> None:
    """What comes out are printable keys and lines, and the prompt is printable."""
    prompt = Prompt()
    for part in parts:
        for typed in prompt.feed(part):
            assert typed.isprintable()
            assert len(typed) == 1 or typed.startswith(":")
        assert prompt.prompt is None or prompt.prompt.isprintable()


def test_nothing_is_waited_for() -> None:
    """An open pipe without a word gives nothing at once; a part of a line, nothing yet; its end, the rest."""
    read, write = os.pipe()
    typed = Typed(read, Lines())
    assert typed() == []
    os.write(write, b"a.b=1\nc.d")
    assert typed() == [":a.b=1"]
    assert typed() == []
    os.write(write, b"=2")
    os.close(write)
    assert [*typed(), *typed()] == [":c.d=2"]
    assert typed() == []
    os.close(read)


def test_a_closed_standard_input_gives_nothing() -> None:
    """A program started without one reads nothing and goes on."""
    code = (
        "from tonerig.realtime.cli.typed import *\n"
        "with standard_input() as typed: print(typed(), in_terminal())"
    )
    command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[] False\n"
