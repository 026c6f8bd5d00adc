"""Random MIDI for property tests: every kind of channel message, few channels and keys, so that they meet."""

from __future__ import annotations

from hypothesis import strategies as st

from .play import Event

CHANNELS = st.sampled_from([1, 1, 1, 2, 2, 3, 10, 16])
KEYS = st.sampled_from([60, 60, 61, 62, 0, 127])
VALUES = st.one_of(st.sampled_from([0, 1, 6, 63, 64, 126, 127]), st.integers(0, 127))
TOUCHING_NOTES = (101, 100, 6, 38, 120, 121, 123, 124, 125, 126, 127)
"""Controllers beside pedals that end notes, or choose a parameter that does."""


def _message(kind: int, *data: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[int, ...]]]:
    return st.builds(lambda channel, *data: [(kind + channel - 1, *data)], CHANNELS, *data)


def _zone(members: int) -> list[tuple[int, ...]]:
    """The messages that make a zone of so many members."""
    return [(0xB0, 101, 0), (0xB0, 100, 6), (0xB0, 6, members)]


NOTE_ON = _message(0x90, KEYS, st.integers(1, 127))
NOTE_OFF = st.one_of(_message(0x80, KEYS, VALUES), _message(0x90, KEYS, st.just(0)))
PEDAL = _message(0xB0, st.sampled_from([64, 66]), st.sampled_from([0, 63, 64, 127]))
OTHER = st.one_of(
    _message(0xB0, st.integers(0, 119), VALUES),
    _message(0xB0, st.sampled_from(TOUCHING_NOTES), VALUES),
    _message(0xA0, KEYS, VALUES),
    _message(0xC0, st.integers(0, 3)),
    _message(0xD0, VALUES),
    _message(0xE0, VALUES, VALUES),
    st.builds(_zone, st.sampled_from([0, 1, 2, 15, 127])),
)
MESSAGES = st.sampled_from([NOTE_ON] * 6 + [NOTE_OFF] * 5 + [PEDAL] * 4 + [OTHER] * 2).flatmap(
    lambda kind: kind
)


@st.composite
def streams(draw: st.DrawFn, frames: int, most: int = 80) -> list[Event]:
    """Events at frames from 0 to ``frames`` - 1, in order; several often come at one frame."""
    count = draw(st.integers(0, most))
    frame = st.integers(0, frames - 1)
    groups = draw(st.lists(st.tuples(frame, MESSAGES), min_size=count, max_size=count))
    groups.sort(key=lambda group: group[0])
    return [(frame, message) for frame, messages in groups for message in messages]
