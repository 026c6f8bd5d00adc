"""A keyboard on the JACK server: a MIDI port that RtMidi opens, whose messages no Python thread carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rtmidi


def plug_in(client: str) -> Any:
    """RtMidi's output as the port ``CLIENT:out``; `unplug` takes it away."""
    output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=client)
    output.open_virtual_port("out")
    return output


def unplug(output: Any) -> None:
    """The port and its client are gone."""
    output.delete()


@contextmanager
def keyboard(client: str) -> Iterator[Any]:
    """One that is there for a while; play it with ``send_message([0x90, 60, 100])``."""
    output = plug_in(client)
    try:
        yield output
    finally:
        unplug(output)
