"""A device that asks for longer blocks while a plugin plays."""

from __future__ import annotations

import os
import subprocess
import time

from tonerig.realtime.live import Session, Setup
from tonerig.realtime.plugins.hosted import Hosted

from .hosts import ZamComp

LONGER = 256


def _set_block(server: str, frames: int) -> None:
    environment = os.environ | {"JACK_DEFAULT_SERVER": server}
    subprocess.run(["jack_bufsize", str(frames)], env=environment, check=True, stdout=subprocess.DEVNULL)


def _step(session: Session, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        session.step()
        time.sleep(0.02)


def _hosted(session: Session) -> Hosted:
    found = session.engine.newest.chain[0]
    assert isinstance(found, Hosted)
    return found


def test_a_longer_block_of_the_device(jack_server: str) -> None:
    """The plugin is given the device's new period, says so in its latency, and is on time again."""
    said: list[str] = []
    session = Session(lambda: [ZamComp()], Setup(), said.append)
    try:
        _step(session, 0.5)
        assert session.latency == 64
        try:
            _set_block(jack_server, LONGER)
            _step(session, 1.5)
        finally:
            _set_block(jack_server, 64)
        assert session.latency == session.block == LONGER
        assert any("asks for 256 frames at a time now, not 64" in sentence for sentence in said)
        due, late = _hosted(session).blocks
        assert due > 100 and late < due / 10, "without a longer period every block would be late"
    finally:
        session.close()
