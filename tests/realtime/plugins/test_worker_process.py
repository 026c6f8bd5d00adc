"""A worker as its host sees it: how it ended in words, what it may take, and that it outlives nobody."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.plugins.child import LOG_LIMIT
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.messages import GoneError
from tonerig.realtime.plugins.worker_process import PROCESSOR_TIME_MS, WorkerProcess, shared_file

from .hosts import MADE, Live, Trouble, live, needs_made, offline, pid_of, wait_until

ROOT = Path(__file__).resolve().parents[3]


def there(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "crashed (SIGSEGV)"),
        (signal.SIGABRT, "crashed (SIGABRT)"),
        (signal.SIGTERM, "crashed (SIGTERM)"),
        (signal.SIGKILL, "was killed"),
        (signal.SIGXCPU, "took all of a processor"),
        (signal.SIGRTMIN + 3, f"crashed (signal {signal.SIGRTMIN + 3})"),
    ],
)
def test_a_signal_is_told_in_words(number: int, words: str) -> None:
    """While it runs there is nothing to tell; afterwards which signal ended it."""
    worker = WorkerProcess()
    assert worker.how_it_ended() is None
    os.kill(worker.pid, number)
    assert worker.how_it_ended(60.0) == words
    worker.kill()
    assert worker.how_it_ended() == words


def test_what_it_said_last_is_told_with_its_code() -> None:
    """An order that is none ends it with a traceback, whose last line is told."""
    worker = WorkerProcess()
    file = shared_file(64)
    worker.order({"memory_limit": "much"}, file)
    with pytest.raises(GoneError, match="has ended"):
        worker.answer(60.0)
    words = worker.how_it_ended(60.0)
    assert words is not None
    assert words.startswith("ended by itself with code 1 (")
    assert "Error" in words
    assert worker.last_words() in words
    worker.kill()
    assert worker.how_it_ended() == "ended by itself with code 1"  # what it said is gone with it
    os.close(file)


def test_asking_one_that_has_gone_is_one_kind_of_error() -> None:
    """Before and after its host has let go of it."""
    worker = WorkerProcess()
    os.kill(worker.pid, signal.SIGKILL)
    worker.how_it_ended(60.0)
    with pytest.raises(PluginError):
        worker.answer(1.0)
    worker.kill()
    with pytest.raises(GoneError, match="has ended"):
        worker.answer(1.0)
    with pytest.raises(GoneError, match="not there"):
        worker.order({}, 0)
    assert worker.memory() == 0


def test_memory_that_the_system_refuses_is_a_sentence() -> None:
    """Shared memory is a file, whose size a shell may bound: a plugin's error, and no file is lost."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(PluginError, match="no memory can be shared with a plugin: File too large"):
            shared_file(20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_answer_is_there_or_not() -> None:
    """Before an order there is none, however long it has been ready."""
    worker = WorkerProcess()
    wait_until(lambda: worker.answer_so_far() is None and worker._ready)
    assert worker.answer_so_far() is None
    worker.kill()


def test_it_is_out_of_reach_of_the_terminal() -> None:
    """A session of its own: Ctrl-C does not reach it, and what it starts is ended with it."""
    worker = WorkerProcess()
    assert os.getsid(worker.pid) == os.getpgid(worker.pid) == worker.pid
    worker.kill()
    assert not there(worker.pid)


def test_memory_is_measured() -> None:
    """It grows with what is loaded, and is what the system says."""
    worker = WorkerProcess()
    wait_until(lambda: worker.answer_so_far() is None and worker._ready)
    (line,) = [
        line for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines() if "VmRSS" in line
    ]
    assert abs(worker.memory() - 1024 * int(line.split()[1])) < 2**22
    worker.kill()


def test_real_time_priority_comes_with_a_limit() -> None:
    """Where the system grants it: that priority, and an end for one that never pauses."""
    worker = WorkerProcess()
    if worker.raise_priority(5):
        assert os.sched_getscheduler(worker.pid) == os.SCHED_FIFO
        assert os.sched_getparam(worker.pid).sched_priority == 5
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
        (line,) = [line for line in limits.splitlines() if line.startswith("Max realtime timeout")]
        assert line.split()[3:5] == [str(1000 * PROCESSOR_TIME_MS), str(2000 * PROCESSOR_TIME_MS)]
    else:
        assert os.sched_getscheduler(worker.pid) == os.SCHED_OTHER
    worker.kill()
    assert not worker.raise_priority(5)


@needs_made
def test_what_it_says_is_kept_within_bounds() -> None:
    """Megabytes within a second are a flood; of them the end is kept."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2), hosted)
    assert hosted.hosting is not None
    worker = hosted.hosting.worker
    assert not worker.flooded()
    hosted.state.record["mode"] = Trouble.parameters[1].choices.index("flood")
    player.play(np.zeros((2, 64), np.float32))
    assert not worker.flooded()  # 64 KiB
    player.play(np.zeros((2, 32 * 64), np.float32))
    assert worker.flooded()
    assert len(worker.log()) < 2**16
    assert worker.last_words() == "!" * 200
    time.sleep(1.1)
    assert not worker.flooded()


@needs_made
def test_a_flood_that_nobody_looks_at_is_bounded_too() -> None:
    """The system ends a worker before its log takes the memory."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2))
    assert hosted.hosting is not None
    worker = hosted.hosting.worker
    hosted.state.record["mode"] = Trouble.parameters[1].choices.index("flood")
    player.play(np.zeros((2, 64 * 1000), np.float32))
    assert worker.how_it_ended(60.0) == "flooded its output"
    assert os.fstat(worker._log).st_size <= LOG_LIMIT


def of_exchanges() -> list[str]:
    """Files in memory that this process has open or mapped for workers."""
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    maps = Path("/proc/self/maps").read_text().splitlines()
    return [name for name in [*links, *maps] if "memfd:tonerig" in name]


@needs_made
@pytest.mark.parametrize("waits", [True, False])
def test_a_program_that_goes_takes_its_worker_along(waits: bool) -> None:
    """At once, with the memory and the files between them, and with what the plugin has started."""
    before = of_exchanges()
    hosted, other = Trouble({"isolate": 1}), Trouble({"isolate": 1})
    program = offline(hosted, other, inputs=2) if waits else live(hosted, other, inputs=2)
    player = Live(program, hosted)
    hosted.state.record["mode"] = Trouble.parameters[1].choices.index("fork")
    player.play(np.zeros((2, 6400), np.float32))
    pid = pid_of(hosted)
    wait_until(lambda: bool(children(pid)))
    pids = [pid, *children(pid)]
    assert len(of_exchanges()) > len(before)
    del hosted, other, program, player
    wait_until(lambda: not any(map(there, pids)))
    wait_until(lambda: of_exchanges() == before)


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except FileNotFoundError:
        return []


@needs_made
def test_a_program_that_cannot_be_made_leaves_nothing() -> None:
    """A crash while a plugin is loaded: no process, no file is left."""
    before = of_exchanges()
    hosted = Trouble({"mode": Trouble.parameters[1].choices.index("crash")})
    program = offline(hosted, inputs=2)
    assert hosted.problem is not None
    assert hosted.hosting is None
    del program
    wait_until(lambda: of_exchanges() == before)


HOST = """
import json, os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
import numpy as np
from tests.realtime.plugins.hosts import Live, Trouble, live, offline, wait_until
from tests.realtime.plugins.test_worker_process import children
from tonerig.realtime.plugins.supervisor import Supervisor

fork = {"mode": Trouble.parameters[1].choices.index("fork")}
chain = [Trouble(), Trouble()]
programs = offline(chain[0], inputs=2), live(chain[1], inputs=2)
supervisor = Supervisor(print)
supervisor.look([chain[1]])
silence = np.zeros((2, 640), np.float32)
for program, hosted in zip(programs, chain):
    hosted.state.record["mode"] = fork["mode"]
    Live(program, hosted).play(silence)
workers = children(os.getpid())
wait_until(lambda: sum(bool(children(pid)) for pid in workers) == 2)
print(json.dumps([*workers, *(child for pid in workers for child in children(pid))]), flush=True)
"""


@needs_made
@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("raise ValueError", 1),
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("os.abort()", -signal.SIGABRT),
        ("time.sleep(60)", -signal.SIGTERM),
        ("time.sleep(60)", -signal.SIGKILL),
        ("time.sleep(60)", -signal.SIGINT),
    ],
)
def test_no_worker_outlives_its_host(end: str, code: int) -> None:
    """However the host ends, its workers, the spare one and what plugins have started end with it."""
    assert MADE.exists()
    host = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOST) + end],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert host.stdout is not None
    pids = json.loads(host.stdout.readline())
    assert len(pids) == 5  # two workers, a spare one, and a child of each plugin
    if "sleep" in end:
        assert all(map(there, pids))
        host.send_signal(-code)
    assert host.wait(60) == code
    wait_until(lambda: not any(map(there, pids)))
    assert not list(Path("/dev/shm").glob("tonerig*"))
    host.stdout.close()
