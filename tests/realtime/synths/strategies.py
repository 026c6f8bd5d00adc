"""Random MIDI for property tests: every kind of channel message, few channels and keys, so that they meet."""

from __future__ import annotations

from hypothesis import strategies as st

from .play import Event

CHANNELS = st.sampled_from([1, 1, 2, 3, 10, 16])
KEYS = st.sampled_from([0, 36, 60, 61, 62, 69, 127])
VALUES = st.one_of(st.sampled_from([0, 1, 6, 63, 64, 126, 127]), st.integers(0, 127))
TOUCHING_NOTES = (64, 66, 101, 100, 6, 38, 120, 121, 123, 124, 125, 126, 127)
"""Controllers that hold or end notes, or choose a parameter that does."""
NUMBERS = st.one_of(st.sampled_from(TOUCHING_NOTES), st.integers(0, 127))


def _message(kind: int, *data: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[int, ...]]]:
    return st.builds(lambda channel, *data: [(kind + channel - 1, *data)], CHANNELS, *data)


def _zone(members: int) -> list[tuple[int, ...]]:
    """The message that makes a zone of so many members."""
    return [(0xB0, 101, 0), (0xB0, 100, 6), (0xB0, 6, members)]


MESSAGES = st.one_of(
    _message(0x90, KEYS, st.integers(1, 127)),
    _message(0x90, KEYS, st.integers(1, 127)),
    _message(0x90, KEYS, VALUES),
    _message(0x80, KEYS, VALUES),
    _message(0xB0, st.sampled_from([64, 66]), st.sampled_from([0, 127])),
    _message(0xB0, NUMBERS, VALUES),
    _message(0xA0, KEYS, VALUES),
    _message(0xC0, st.integers(0, 3)),
    _message(0xD0, VALUES),
    _message(0xE0, VALUES, VALUES),
    st.builds(_zone, st.sampled_from([0, 1, 2, 15, 127])),
)


@st.composite
def streams(draw: st.DrawFn, frames: int, most: int = 60) -> list[Event]:
    """Events at frames from 0 to ``frames`` - 1, in order; several often come at one frame."""
    groups = draw(st.lists(st.tuples(st.integers(0, frames - 1), MESSAGES), max_size=most))
    groups.sort(key=lambda group: group[0])
    return [(frame, message) for frame, messages in groups for message in messages]
