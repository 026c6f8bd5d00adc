"""Live plugins that go wrong: each is ended with a sentence and comes back as it stood, or stays off."""

from __future__ import annotations

import base64
import os
import re
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.plugins import hosting, supervisor
from tonerig.realtime.plugins.hosted import Hosted
from tonerig.realtime.plugins.supervisor import Supervisor
from tonerig.realtime.processors.parallel import Parallel
from tonerig.realtime.processors.processor import Processor

from .hosts import (
    MADE,
    MAX_BLOCK,
    MODES,
    PERIOD,
    RATE,
    Live,
    Signal,
    Trouble,
    live,
    needs_made,
    noise,
    offline,
    pid_of,
    wait_until,
)
from .test_worker_process import children, there

pytestmark = needs_made

HALF = 10 ** (-6 / 20)
FINE = MODES.index("fine")
HANGS = ("hang", "sleep")
OPEN = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def hang_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker may be busy for longer than live, on a machine that has other things to do."""
    monkeypatch.setattr(hosting, "HANG_S", 60.0)


class Stage:
    """A live chain and its supervisor, stepped by hand: blocks go on whether the workers do or not.

    Parameters
    ----------
    restarts : of the supervisor
    """

    def __init__(self, *chain: Processor, restarts: int | None = 3) -> None:
        self.chain = list(chain)
        self.said: list[str] = []
        self.cure: Callable[[], None] = lambda: None
        self.program = live(*chain, inputs=2)
        self.player = Live(self.program)
        self.supervisor = Supervisor(self.hear, restarts)
        self.step()

    def hear(self, sentence: str) -> None:
        """A notice; what made the plugin misbehave ends with the first one."""
        self.said.append(sentence)
        self.cure()

    def step(self) -> None:
        """A few blocks at a device's pace, and a look."""
        self.player.play(np.zeros((2, 24 * PERIOD), np.float32))
        time.sleep(24 * PERIOD / RATE)
        self.supervisor.look(self.chain)

    def until(self, done: Callable[[], bool], seconds: float = 120.0) -> None:
        """Steps, until something is so."""

        def stepped() -> bool:
            self.step()
            return done()

        wait_until(stepped, seconds)

    def until_said(self, words: str) -> None:
        """Steps, until the last notice has these words."""
        self.until(lambda: bool(self.said) and words in self.said[-1])

    def kill(self, hosted: Hosted) -> None:
        """End a worker from outside, and go on until there is another one."""
        os.kill(pid_of(hosted), signal.SIGKILL)
        self.said.clear()
        self.until_said("is back")

    def sound(self, x: Signal, *hosted: Hosted) -> Signal:
        """What the chain makes of a signal once its workers have caught up and the fades are over."""
        player = Live(self.program, *hosted)
        player.play(np.zeros((2, 20 * PERIOD), np.float32))
        return player.play(x)


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        ("crash", r"crashed \(SIGSEGV\)"),
        ("abort", r"crashed \(SIGABRT\)"),
        ("exit", "ended by itself with code 0"),
        ("hang", "hung for 2 s|took all of a processor"),
        ("sleep", "hung for 2 s"),
        ("leak", "held more than 400 MB of memory"),
        ("flood", "flooded its output"),
        ("nan", "put out NaN or Inf"),
    ],
)
def test_each_misdeed_has_its_sentence_and_the_plugin_comes_back(
    mode: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended, started again with its knobs as they were turned, and heard; nothing was silenced."""
    monkeypatch.setattr(hosting, "MEMORY_LIMIT", 400 * 2**20)
    if mode in HANGS:
        monkeypatch.setattr(hosting, "HANG_S", 2.0)
    hosted = Trouble({"gain_db": 0.0})
    stage = Stage(hosted)
    record = hosted.state.record
    record["gain_db"], record["voicing"] = -6.0, 2
    stage.step()
    before = pid_of(hosted)

    def cure() -> None:
        record["mode"] = FINE

    stage.cure = cure
    record["mode"] = MODES.index(mode)
    stage.until_said("is back")
    first, second = stage.said
    assert re.fullmatch(f"trouble ({what}); it is started again", first), first
    assert re.fullmatch(r"trouble is back after \d+\.\d s", second), second
    assert not there(before)
    assert pid_of(hosted) != before
    x = noise(2, 16 * PERIOD)
    expected = np.clip(HALF * x, -0.25, 0.25)
    np.testing.assert_allclose(stage.sound(x, hosted)[:, PERIOD:], expected[:, :-PERIOD], atol=1e-6)
    assert stage.program.muted() == []
    (report,) = stage.supervisor.reports()
    assert (report.name, report.restarts, report.off) == ("trouble", 1, False)
    assert 0 < report.late < report.blocks
    stage.supervisor.close()


def test_what_a_plugin_has_started_ends_with_its_worker() -> None:
    """A child that the plugin has forked is no reason to end it, and gone once it is."""
    hosted = Trouble()
    stage = Stage(hosted)
    hosted.state.record["mode"] = MODES.index("fork")
    worker = pid_of(hosted)
    stage.until(lambda: bool(children(worker)))
    (child,) = children(worker)
    assert stage.said == []
    hosted.state.record["mode"] = FINE
    stage.kill(hosted)
    wait_until(lambda: not there(child))
    stage.supervisor.close()


def test_the_whole_state_comes_back() -> None:
    """What no knob shows, here a constant, sounds again: the ``raw_state`` is given to the new worker."""
    hosted = Trouble(raw_state=constant(0.125))
    stage = Stage(hosted)
    silence = np.zeros((2, 640), np.float32)
    np.testing.assert_array_equal(stage.sound(silence, hosted), 0.125)
    stage.kill(hosted)
    np.testing.assert_array_equal(stage.sound(silence, hosted), 0.125)
    stage.supervisor.close()


def constant(value: float) -> str:
    """A state of Trouble in which it adds a constant."""
    hosted = Trouble()
    program = offline(hosted, inputs=2)
    program.set(hosted, "learn", 1)
    program.reset()
    Live(program, hosted).play(np.full((2, MAX_BLOCK), value, np.float32))
    hosted.state.record["learn"] = 0
    Live(program, hosted).play(np.zeros((2, MAX_BLOCK), np.float32))
    assert hosted.hosting is not None
    state: str = hosted.hosting.request({"request": "state"})["raw_states"][0]
    assert base64.b64decode(state)
    return state


def test_a_knob_that_is_turned_meanwhile_is_not_forgotten() -> None:
    """Turned after the new worker got its order and before it was ready."""
    hosted = Trouble()
    stage = Stage(hosted)
    os.kill(pid_of(hosted), signal.SIGKILL)
    stage.until_said("started again")
    hosted.state.record["voicing"] = 2
    stage.until_said("is back")
    x = noise(2, 16 * PERIOD, level=0.5)
    expected = np.clip(x, -0.25, 0.25)
    np.testing.assert_array_equal(stage.sound(x, hosted)[:, PERIOD:], expected[:, :-PERIOD])
    stage.supervisor.close()


def test_all_that_share_a_worker_come_back() -> None:
    """Each with its own knobs, in order; they have one report."""
    chain = [Trouble({"isolate": 1, "voicing": 1}), Trouble({"isolate": 1})]
    stage = Stage(*chain)
    chain[1].state.record["gain_db"] = -6.0
    stage.step()
    stage.kill(chain[0])
    x = noise(2, 16 * PERIOD, level=0.5)
    expected = HALF * np.tanh(x.astype(np.float64))
    np.testing.assert_allclose(stage.sound(x, chain[0])[:, PERIOD:], expected[:, :-PERIOD], atol=1e-6)
    assert [report.name for report in stage.supervisor.reports()] == ["trouble, trouble"]
    stage.supervisor.close()


def test_the_dry_sound_is_heard_until_a_late_plugin_gives_something() -> None:
    """One that is 4000 samples late and says so has only silence for the first 4000 after its return."""
    hosted = Trouble({"late_by": 4000.0, "says_late_by": 4000.0})
    stage = Stage(hosted)
    ones, parts = np.ones((2, 5 * PERIOD), np.float32), []
    Live(stage.program, hosted).play(np.ones((2, 100 * PERIOD), np.float32))
    os.kill(pid_of(hosted), signal.SIGKILL)
    while not stage.said or "is back" not in stage.said[-1]:
        parts.append(stage.player.play(ones))
        stage.supervisor.look(stage.chain)
        time.sleep(0.005)
    parts.append(Live(stage.program, hosted).play(np.ones((2, 200 * PERIOD), np.float32)))
    np.testing.assert_allclose(np.concatenate(parts, axis=1), 1.0, atol=1e-6)
    stage.supervisor.close()


def test_one_inside_parallel_chains_is_looked_after_too() -> None:
    """Wherever it stands."""
    hosted = Trouble()
    stage = Stage(Parallel({"mix": 50.0}, a=[hosted], b=[]))
    stage.kill(hosted)
    x = noise(2, 16 * PERIOD)
    np.testing.assert_array_equal(stage.sound(x, hosted)[:, PERIOD:], x[:, :-PERIOD])
    stage.supervisor.close()


def test_what_goes_wrong_again_and_again_stays_off() -> None:
    """Three restarts within a minute, then a notice; the dry sound goes on and no process is left."""
    hosted = Trouble()
    stage = Stage(hosted)
    hosted.state.record["mode"] = MODES.index("crash")
    stage.until_said("stays off")
    assert len(stage.said) == 4
    assert all("it is started again" in sentence for sentence in stage.said[:3])
    end = "for the fourth time within a minute; it stays off"
    assert stage.said[3] == f"trouble crashed (SIGSEGV), {end}"
    for _ in range(10):
        stage.step()
    assert len(stage.said) == 4
    assert not there(pid_of(hosted))
    x = noise(2, 100 * PERIOD)
    output = Live(stage.program).play(x)
    np.testing.assert_array_equal(output[:, PERIOD:], x[:, :-PERIOD])
    (report,) = stage.supervisor.reports()
    assert (report.restarts, report.off) == (3, True)
    stage.program.reset()  # what is off is no error to a program that is measured
    stage.supervisor.close()


def test_the_number_of_restarts_is_a_setting() -> None:
    """With none allowed the first fault is the last, without a limit there is no last one."""
    hosted = Trouble()
    stage = Stage(hosted, restarts=0)
    os.kill(pid_of(hosted), signal.SIGKILL)
    stage.until_said("stays off")
    assert stage.said == ["trouble was killed; it stays off"]
    stage.supervisor.close()
    hosted = Trouble()
    stage = Stage(hosted, restarts=None)
    for _ in range(6):
        stage.kill(hosted)
    (report,) = stage.supervisor.reports()
    assert (report.restarts, report.off) == (6, False)
    stage.supervisor.close()


def test_restarts_are_counted_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those before it are forgotten."""
    monkeypatch.setattr(supervisor, "MINUTE_S", 0.2)
    hosted = Trouble()
    stage = Stage(hosted, restarts=1)
    for _ in range(3):
        stage.kill(hosted)
        time.sleep(0.2)
    (report,) = stage.supervisor.reports()
    assert (report.restarts, report.off) == (3, False)
    stage.supervisor.close()


def test_a_warm_spare_stands_ready() -> None:
    """From the first look on, once for all; the next fault takes it, and another one is started."""
    chain = [Trouble(), Trouble()]
    others = set(children(os.getpid()))
    stage = Stage(*chain)
    mine = {pid_of(hosted) for hosted in chain}
    (spare,) = set(children(os.getpid())) - others - mine
    stage.kill(chain[0])
    assert pid_of(chain[0]) == spare
    (another,) = set(children(os.getpid())) - others - {pid_of(hosted) for hosted in chain}
    stage.supervisor.close()
    assert not there(another)


def test_a_spare_that_has_died_costs_one_more_try() -> None:
    """Nobody looks after it until it is needed."""
    hosted = Trouble()
    others = set(children(os.getpid()))
    stage = Stage(hosted)
    (spare,) = set(children(os.getpid())) - others - {pid_of(hosted)}
    os.kill(spare, signal.SIGKILL)
    wait_until(lambda: not there(spare))
    stage.kill(hosted)
    assert there(pid_of(hosted))
    stage.supervisor.close()


def test_a_system_without_means_costs_the_plugin_and_not_the_session() -> None:
    """With no file left to open the spare still takes over, and after that it stays off; no file is lost."""
    hosted = Trouble()
    stage = Stage(hosted)
    files = len(list(OPEN.iterdir()))
    free = os.dup(0)
    os.close(free)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        stage.kill(hosted)
        os.kill(pid_of(hosted), signal.SIGKILL)
        stage.until_said("stays off")
        stage.step()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    why = "no process can be started for a plugin: Too many open files"
    assert stage.said[-1] == f"trouble was killed, and {why}; it stays off"
    assert len(list(OPEN.iterdir())) < files
    stage.supervisor.close()


def test_one_that_does_not_load_again_stays_off(tmp_path: Path) -> None:
    """A bundle that was removed while it played: a sentence says what is wrong, the dry sound goes on."""
    shutil.copytree(MADE / "Trouble.vst3", tmp_path / "Trouble.vst3")
    kind = type("Copied", (Trouble,), {"__module__": __name__, "bundle": tmp_path / "Trouble.vst3"})
    hosted = kind()
    stage = Stage(hosted)
    shutil.rmtree(tmp_path / "Trouble.vst3")
    os.kill(pid_of(hosted), signal.SIGKILL)
    stage.until_said("stays off")
    assert stage.said[0] == "trouble was killed; it is started again"
    assert all(sentence.startswith("trouble could not be loaded again: ") for sentence in stage.said[1:])
    assert "Trouble.vst3" in stage.said[1]
    stage.supervisor.close()


def test_one_that_hangs_while_it_loads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading may take its time, four times as long as at first or more, but not for ever."""
    monkeypatch.setattr(hosting, "HANG_S", 2.0)
    monkeypatch.setattr(hosting, "RELOAD_S", 1.0)
    hosted = Trouble()
    stage = Stage(hosted, restarts=1)
    assert hosted.hosting is not None
    limit = hosted.hosting.reload_s
    assert limit >= 1.0
    hosted.state.record["mode"] = MODES.index("sleep")
    stage.until_said("stays off")
    first, second = stage.said
    assert first == "trouble hung for 2 s; it is started again"
    assert second.startswith(f"trouble was not loaded within {limit:.0f} s, for the second time")
    stage.supervisor.close()


def test_what_is_not_played_any_more_keeps_its_report() -> None:
    """A chain takes the place of one whose plugin is off: it starts afresh, both are reported."""
    hosted = Trouble()
    stage = Stage(hosted, restarts=0)
    os.kill(pid_of(hosted), signal.SIGKILL)
    stage.until_said("stays off")
    first = id(hosted)
    stage.chain.clear()
    del stage.program, stage.player, hosted
    found = Trouble()
    while id(found) != first and len(stage.chain) < 50:  # where the old one was, if that comes to be
        stage.chain.append(found)
        found = Trouble()
    stage.chain.clear()
    stage.program = live(found, inputs=2)
    stage.supervisor.look([found])
    reports = stage.supervisor.reports()
    assert [report.off for report in reports] == [True, False]
    stage.supervisor.close()
