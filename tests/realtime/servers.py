"""JACK servers of a test's own, waited for."""

from __future__ import annotations

import subprocess
import time

from tonerig.realtime.engine.devices import devices, refresh


def wait_until_seen(server: subprocess.Popen[bytes]) -> None:
    """Until PortAudio sees the server that ``JACK_DEFAULT_SERVER`` names; no stream may be open."""
    end = time.monotonic() + 60
    refresh()
    while not any(device.host.startswith("JACK") for device in devices()):
        assert server.poll() is None and time.monotonic() < end, "the JACK server does not start"
        time.sleep(0.1)
        refresh()
