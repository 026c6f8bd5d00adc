"""A keyboard on the JACK server: a MIDI port that RtMidi opens, whose messages no Python thread carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rtmidi


@contextmanager
def keyboard(client: str) -> Iterator[Any]:
    """RtMidi's output as the port ``CLIENT:out``; play it with ``send_message([0x90, 60, 100])``.

    ``delete()`` unplugs it before its time.
    """
    output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=client)
    output.open_virtual_port("out")
    try:
        yield output
    finally:
        if not output.is_deleted:
            output.delete()
