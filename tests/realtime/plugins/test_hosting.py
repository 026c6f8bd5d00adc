"""A worker that goes wrong while it is waited for: one error with a sentence, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.plugins import hosting
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.hosting import Hosting, Stream
from tonerig.realtime.plugins.layout import capacity_for
from tonerig.realtime.plugins.worker_process import WorkerProcess

from .hosts import MODES, RATE, Live, Trouble, live, needs_made, noise, offline, pid_of, rendered, wait_until
from .test_worker_process import there

pytestmark = needs_made


def goes_wrong(hosted: Trouble, program: Program, mode: str) -> str:
    """The sentence with which playing on ends once the plugin misbehaves."""
    runner = Runner(program)
    runner.process(noise(2, 4096))
    hosted.state.record["mode"] = MODES.index(mode)
    with pytest.raises(PluginError) as caught:
        for _ in range(200):
            runner.process(noise(2, 4096))
            time.sleep(0.005)
    return str(caught.value)


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("crash", "trouble crashed (SIGSEGV)"),
        ("abort", "trouble crashed (SIGABRT)"),
        ("exit", "trouble ended by itself with code 0"),
        ("hang", "trouble hung for 2 s"),
        ("sleep", "trouble hung for 2 s"),
        ("leak", "trouble held more than 400 MB of memory"),
        ("flood", "trouble flooded its output"),
    ],
)
def test_offline_a_plugin_that_goes_wrong_is_an_error(
    mode: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for a block hears of it at once, with the plugin's name and what it did."""
    if mode in ("hang", "sleep"):
        monkeypatch.setattr(hosting, "OFFLINE_HANG_S", 2.0)
    monkeypatch.setattr(hosting, "MEMORY_LIMIT", 400 * 2**20)
    hosted = Trouble()
    program = offline(hosted, inputs=2)
    assert goes_wrong(hosted, program, mode) == sentence
    wait_until(lambda: not there(pid_of(hosted)))
    start = time.monotonic()
    for again in (lambda: Runner(program).process(noise(2, 100_000)), program.reset):
        with pytest.raises(PluginError):
            again()
    assert time.monotonic() - start < 60  # nobody is waited for any more


def test_offline_one_that_is_killed_is_an_error_too() -> None:
    """SIGKILL from outside, in the middle of a long signal."""
    hosted = Trouble()
    program = offline(hosted, inputs=2)
    runner = Runner(program)
    runner.process(noise(2, 4096))
    os.kill(pid_of(hosted), signal.SIGKILL)
    with pytest.raises(PluginError, match="trouble was killed"):
        runner.process(noise(2, 480_000))


def test_offline_nan_is_muted_like_any_processors() -> None:
    """The row is silent from then on, and the program says which."""
    hosted = Trouble()
    program = offline(hosted, inputs=2)
    runner = Runner(program)
    runner.process(noise(2, 4096))
    hosted.state.record["mode"] = MODES.index("nan")
    output = runner.process(noise(2, 4096))
    assert np.isfinite(output).all()
    assert not runner.process(noise(2, 4096)).any()
    assert program.muted() == [0]


def test_of_those_that_share_a_worker_all_are_named() -> None:
    """Nobody knows which of them it was."""
    chain = [Trouble({"isolate": 1}), Trouble({"isolate": 1})]
    program = offline(*chain, inputs=2)
    assert goes_wrong(chain[1], program, "crash") == "trouble, trouble crashed (SIGSEGV)"


def test_a_slow_plugin_is_waited_for() -> None:
    """Offline twice real time is no fault."""
    hosted = Trouble()
    program = offline(hosted, inputs=2)
    hosted.state.record["mode"] = MODES.index("slow")
    x = noise(2, 12_000)
    np.testing.assert_array_equal(rendered(program, x), x)


def test_a_worker_that_hangs_answers_no_request() -> None:
    """The request is given up after its time."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2))
    assert hosted.hosting is not None
    hosted.state.record["mode"] = MODES.index("sleep")
    player.play(noise(2, 64))
    with pytest.raises(PluginError, match="does not answer"):
        hosted.hosting.request({"request": "state"}, 0.2)


def test_a_live_reset_of_one_that_is_gone_is_no_error() -> None:
    """A program whose plugin has crashed can still be measured and played: its sound is the dry one."""
    hosted = Trouble()
    program = live(hosted, inputs=2)
    os.kill(pid_of(hosted), signal.SIGKILL)
    program.reset()
    x = noise(2, 6400)
    output = Live(program).play(x)
    np.testing.assert_array_equal(output[:, 3200:], x[:, 3200 - 64 : -64])
    assert hosted.blocks[1] > 90


def test_more_delay_than_the_memory_is_for_is_refused() -> None:
    """4000 samples are more than half a second at 7 kHz."""
    hosted = Trouble({"says_late_by": 4000.0})
    program = Program([hosted], 7000.0, 512, 2)
    assert program.latency == 0
    assert hosted.problem == (
        "trouble delays by 4000 samples; 0.5 s are possible at most; its place in the chain is a wire"
    )


@pytest.mark.parametrize("rate", [44100.0, 48000.0, 192_000.0])
@pytest.mark.parametrize("max_block", [16, 1024, 8192])
def test_the_ring_holds_more_than_a_worker_may_be_behind(rate: float, max_block: int) -> None:
    """A worker is given up after half a second: until then nothing that it has to read is overwritten."""
    capacity = capacity_for(rate, max_block)
    assert capacity & (capacity - 1) == 0
    assert capacity >= (hosting.HANG_S + 0.5) * rate + 2 * max_block + 0.5 * rate


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("outputs", "latency", "values", "notices", "error", "ready"), ANSWERS)
)


class Puppet(WorkerProcess):
    """A worker that says what it is told to."""

    def __init__(self, said: bytes) -> None:
        super().__init__()
        self._process.kill()
        self.socket, self._other = socket.socketpair()
        self._other.sendall(said)
        self._other.shutdown(socket.SHUT_WR)


def _framed(answer: Any) -> bytes:
    text = json.dumps(answer).encode()
    return len(text).to_bytes(8, "little") + text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(NEARLY | ANSWERS, max_size=3), garbage=st.binary(max_size=20))
def test_whatever_a_worker_answers_to_its_order(answers: list[Any], garbage: bytes) -> None:
    """It is understood, or the plugin cannot be used; nothing else is ever raised."""
    worker = Puppet(b"".join(map(_framed, answers)) + garbage)
    stream = Stream(RATE, 64, 2, period=64)
    before = hosting.ENDING_S
    try:
        hosting.ENDING_S = 0.0
        hosted = Hosting(["puppet"], [{}], stream, worker)
        assert hosted.outputs >= 0
    except PluginError as error:
        assert len(str(error)) < 2000
    finally:
        hosting.ENDING_S = before
    worker.socket.close()
    worker._other.close()
