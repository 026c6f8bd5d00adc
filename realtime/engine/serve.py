"""The audio thread: what runs between the device's input and its output, in compiled code.

``serve`` takes one buffer of the device, in pieces of at most ``max_block`` frames; ``callback`` is the
same under PortAudio's signature, ``jack_process`` under JACK's. All take no lock, allocate nothing and
call no Python. `render` calls ``serve`` too, so that offline equals live.
"""

from __future__ import annotations

from typing import Any


def compile() -> dict[str, Any]:
    """Compile the audio thread, see ``compiler.unit``."""
    from . import jack_code, serve_code

    return {**serve_code.functions(), **jack_code.functions()}
