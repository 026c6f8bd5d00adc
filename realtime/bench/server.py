"""A JACK server with a clock and no hardware, for measuring and testing live streams."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..engine.devices import devices, refresh

PATIENCE_S = 10.0


class NoServerError(RuntimeError):
    """JACK is not installed, or does not start."""


@contextmanager
def dummy_server(frames: int = 64, rate: int = 48000) -> Iterator[str]:
    """Run JACK's dummy driver under a name of its own, two channels each way; PortAudio sees it.

    It has real-time priority where the system grants it. No stream may be open at either end.

    Raises
    ------
    NoServerError
    """
    if shutil.which("jackd") is None:
        raise NoServerError("jackd is not installed: apt install jackd2")
    name = f"tonerig-{os.getpid()}"
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    server = start_server(name, frames, rate)
    try:
        _wait_until_seen(server)
        yield name
    finally:
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before
        refresh()  # PortAudio lets go of the server before it ends
        stop_server(server)


def start_server(name: str, frames: int = 64, rate: int = 48000) -> subprocess.Popen[bytes]:
    """Start ``jackd`` with the dummy driver."""
    words = f"jackd -n {name} -R -P 70 -d dummy -r {rate} -p {frames} -C 2 -P 2".split()
    environment = {**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"}
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """End a server and wait until it has gone."""
    server.terminate()
    try:
        server.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait_until_seen(server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise NoServerError("jackd ended at once; run it by hand to see why: jackd -d dummy")
        time.sleep(0.1)
        refresh()
        if any(device.host.startswith("JACK") for device in devices()):
            return
    raise NoServerError("jackd runs, but PortAudio does not see it; is its JACK support missing?")
