"""Plugins in a live session: killed while they are recorded, given longer blocks, and gone with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import AudioReader
from tonerig.realtime.live import Session, Setup
from tonerig.realtime.plugins import hosting
from tonerig.realtime.plugins.hosted import Hosted
from tonerig.realtime.plugins.layout import FADE_S, HOLD_S

from .hosts import RATE, Trouble, ZamComp, needs_made, needs_zam, pid_of, wait_until
from .test_supervisor import constant
from .test_worker_process import children, there

LONGER = 256


def _run(session: Session, until: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        session.step()
        time.sleep(0.02)


def _on_time(session: Session, blocks: int = 15, late_at_most: float = 0.0) -> Callable[[], bool]:
    """Whether of so many blocks in a row no larger part was late."""
    due, late = _hosted(session).blocks

    def true() -> bool:
        nonlocal due, late
        now, late_now = _hosted(session).blocks
        if now - due < blocks:
            return False
        good = late_now - late <= late_at_most * (now - due)
        due, late = now, late_now
        return good

    return true


@needs_made
@pytest.mark.usefixtures("jack_server")
def test_a_kill_during_a_session_is_heard_as_a_fade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording of a constant has no step but the decay's and the fade's, and ends as it began."""
    monkeypatch.setattr(hosting, "HANG_S", 60.0)
    state = constant(0.125)
    heard: list[str] = []
    setup = Setup(channels=(), record=tmp_path / "take.wav")
    session = Session(lambda: [Trouble(raw_state=state)], setup, heard.append)
    _run(session, _on_time(session))
    worker = pid_of(_hosted(session))
    os.kill(worker, signal.SIGKILL)
    _run(session, lambda: any("is back" in sentence for sentence in heard))
    _run(session, _on_time(session))
    report = session.close()
    with AudioReader(tmp_path / "take.wav") as reader:
        take = np.concatenate([block.copy() for block in reader.blocks()], axis=1)
    decay, fade = 0.125 * (1 - np.exp(-1 / (HOLD_S * RATE))), 0.125 / (FADE_S * RATE)
    begun = int(np.argmax(take[0] == np.float32(0.125)))
    assert np.abs(np.diff(take[:, begun:])).max() <= decay + fade + 1e-6
    gone = begun + int(np.argmin(np.abs(take[0, begun:])))
    assert np.abs(take[:, gone]).max() < 1e-6
    assert (take[:, gone:] == 0.125).all(axis=0).any()
    (plugin,) = report.plugins
    assert (plugin.name, plugin.restarts, plugin.off) == ("trouble", 1, False)
    assert "trouble was killed; it is started again" in report.events
    assert not there(worker)


@needs_made
@pytest.mark.usefixtures("jack_server")
def test_a_session_that_ends_takes_all_workers_along() -> None:
    """Playing, replaced, and spare ones."""
    others = set(children(os.getpid()))
    session = Session(lambda: [Trouble()], Setup(channels=()))
    _run(session, lambda: len(set(children(os.getpid())) - others) == 2)
    session.change(lambda: [Trouble(), Trouble()])
    _run(session, lambda: len(session.engine.playing.chain) == 2)
    _run(session, lambda: len(set(children(os.getpid())) - others) == 3)  # the first chain's goes
    report = session.close()
    assert [plugin.name for plugin in report.plugins] == ["trouble"] * 3
    wait_until(lambda: not set(children(os.getpid())) - others)


def _set_block(server: str, frames: int) -> None:
    environment = os.environ | {"JACK_DEFAULT_SERVER": server}
    subprocess.run(["jack_bufsize", str(frames)], env=environment, check=True, stdout=subprocess.DEVNULL)


def _hosted(session: Session) -> Hosted:
    found = session.engine.newest.chain[0]
    assert isinstance(found, Hosted)
    return found


@needs_zam
def test_a_longer_block_of_the_device(jack_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin is given the device's new period, says so in its latency, and is on time again.

    Without a longer period every block would be late, on any machine.
    """
    monkeypatch.setattr(hosting, "HANG_S", 60.0)
    said: list[str] = []
    session = Session(lambda: [ZamComp()], Setup(), said.append)
    try:
        _run(session, lambda: session.engine.statistics.served > 100)
        assert session.latency == 64
        try:
            _set_block(jack_server, LONGER)
            _run(session, lambda: session.latency == session.block == LONGER)
            assert any("asks for 256 frames at a time now, not 64" in sentence for sentence in said)
            _run(session, _on_time(session, 50, late_at_most=0.1))
        finally:
            _set_block(jack_server, 64)
    finally:
        session.close()
