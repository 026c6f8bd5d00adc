"""Work handed out to processes of their own: the same results, whichever of them are lost on the way."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tonerig.realtime.cluster import Cluster, ClusterError, open_cluster

SECONDS_EACH = 0.1


def square(number: int) -> tuple[int, int]:
    """After a while, the square and the process that found it; 7 is refused, 13 ends its process."""
    time.sleep(SECONDS_EACH)
    if number == 7:
        raise ValueError("seven.wav: is no number to square; give another one")
    if number == 13:
        os._exit(1)
    return number**2, os.getpid()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two worker processes."""
    with open_cluster("local:2") as started:
        yield started


def test_results_come_in_order_from_both_workers(cluster: Cluster) -> None:
    """Twelve items: each is told when it is done, and neither process is this one."""
    done: list[int] = []
    results = cluster.map(square, (n for n in range(20, 32)), done.append)
    assert [value for value, _ in results] == [n**2 for n in range(20, 32)]
    assert sorted(done) == list(range(12))
    processes = {process for _, process in results}
    assert len(processes) == 2 and os.getpid() not in processes


def test_a_worker_that_is_killed_costs_a_retry(cluster: Cluster) -> None:
    """SIGKILL for the first process that answers, which has its next item by then: every result comes."""
    results: dict[int, int] = {}
    killed = 0
    for number, answer in cluster.each(square, ((n, n) for n in range(20, 40))):
        assert not isinstance(answer, ClusterError)
        results[number], process = answer
        if len(results) == 4:
            time.sleep(SECONDS_EACH / 2)
            killed = process
            next(child for child in multiprocessing.active_children() if child.pid == process).kill()
    assert killed
    assert results == {n: n**2 for n in range(20, 40)}
    assert killed not in {process for _, process in cluster.map(square, range(20, 24))}


def test_an_item_that_fails_has_its_own_sentence(cluster: Cluster) -> None:
    """One of three is refused by its worker: the others come; `map` raises the sentence."""
    answers = dict(cluster.each(square, ((n, n) for n in (6, 7, 8))))
    assert str(answers[7]) == "seven.wav: is no number to square; give another one"
    assert [answer[0] for n in (6, 8) if not isinstance(answer := answers[n], ClusterError)] == [36, 64]
    with pytest.raises(ClusterError, match=r"seven\.wav: is no number"):
        cluster.map(square, (6, 7, 8))


def test_an_item_that_ends_its_workers_takes_no_other_with_it(cluster: Cluster) -> None:
    """Every process that begins 13 ends: that is said of it alone, and the others are done."""
    answers = dict(cluster.each(square, ((n, n) for n in (12, 13, 14, 15))))
    assert isinstance(answers[13], ClusterError)
    assert "the workers that began it ended on the way" in str(answers[13])
    assert [a[0] for a in answers.values() if not isinstance(a, ClusterError)] == [144, 196, 225]


def test_what_is_given_up_leaves_the_cluster_free(cluster: Cluster) -> None:
    """Leaving the results of a long list takes no longer than what had begun; the next work is done."""
    answers = cluster.each(square, ((n, n) for n in range(20, 10000)))
    next(answers)
    answers.close()
    assert cluster.map(square, [3])[0][0] == 9


def test_a_local_cluster_is_reached_from_this_machine_alone(cluster: Cluster) -> None:
    """Every socket that listens, of this process and its workers, is bound to 127.0.0.1."""
    here = psutil.Process()
    sockets = [link for process in (here, *here.children(True)) for link in process.net_connections("inet")]
    listening = [link.laddr.ip for link in sockets if link.status == psutil.CONN_LISTEN]
    assert len(listening) >= 3  # the scheduler's and both workers'
    assert set(listening) == {"127.0.0.1"}


@contextmanager
def _scheduler(*words: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler in a process of its own; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--no-dashboard"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(1200):
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                time.sleep(0.1)
            yield f"tcp://127.0.0.1:{port}", process
        finally:
            process.kill()


def test_a_scheduler_elsewhere_and_its_loss() -> None:
    """Work by address, as on other machines; then the scheduler is killed: a sentence, and soon."""
    with _scheduler() as (address, process):
        worker = subprocess.Popen(
            [sys.executable, "-m", "dask", "worker", address, "--nthreads", "2", "--no-nanny"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        try:
            with (
                open_cluster(address) as cluster,
                pytest.raises(ClusterError, match=f"scheduler {address} was lost"),
            ):
                for number, answer in cluster.each(square, ((n, n) for n in range(20, 1000))):
                    assert not isinstance(answer, ClusterError) and answer[0] == number**2
                    if number == 24:
                        process.kill()
        finally:
            worker.terminate()
            worker.wait()


@pytest.mark.parametrize(
    "where", ["local:0", "local:x", "nonsense", "http://host:1", "host", "tcp://a b:8786"]
)
def test_what_is_no_cluster_is_refused(where: str) -> None:
    """Neither a number of processes nor an address."""
    problem = r"expected local:N|give local, local:4 or tcp://HOST:8786"
    with pytest.raises(ClusterError, match=problem), open_cluster(where):
        pass


def test_no_scheduler_at_the_address() -> None:
    """A port where nobody listens: a sentence that says how to start one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problem = "start one with: dask scheduler"
    with pytest.raises(ClusterError, match=problem), open_cluster(f"tcp://127.0.0.1:{port}"):
        pass


def test_without_dask_the_extra_is_named() -> None:
    """Where Dask is not installed, the sentence says how to install it."""
    lines = (
        "import sys; sys.modules['distributed'] = None",
        "from tonerig.realtime.cluster import open_cluster",
        "with open_cluster('local:2'): pass",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert "ClusterError: a cluster needs distributed; pip install 'tonerig[cluster]'" in done.stderr
