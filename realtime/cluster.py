"""Work handed out to many machines: pure functions over items, by Dask's scheduler and its workers.

What a worker does is a function of this package and an item of plain data; it reads no file of the client's
and writes none. So nothing depends on how many workers there are, and one that is lost costs a retry.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import platform
import re
import threading
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib import import_module, metadata
from itertools import islice
from queue import Empty, Queue
from typing import Any, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")
Result = TypeVar("Result")

LOCAL = "local"
CONNECT_S, WORKERS_S = 5.0, 60.0
"""How long a scheduler may take to answer, and for how long a cluster may be without any worker."""
LOOK_S = 1.0
SAME = ("tonerig", "numpy", "scipy", "numba", "pedalboard")
"""Packages that results depend on."""
QUIET = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.allowed-failures": 1,
    "distributed.deploy.lost-worker-timeout": "1h",  # a busy machine takes its time to start one again
    "distributed.admin.large-graph-warning-threshold": "1TiB",
}
_ONE_AT_A_TIME = threading.Lock()


class ClusterError(RuntimeError):
    """A cluster that cannot be reached or was lost, or work that it could not do."""


class _WorkersLostError(ClusterError):
    """Every worker that began an item was lost."""


class Cluster:
    """Workers that a scheduler hands work to; see `open_cluster`.

    Parameters
    ----------
    client : a connected ``distributed.Client``
    name : as a person gave it, for messages
    """

    def __init__(self, client: Any, name: str) -> None:
        self._distributed = import_module("distributed")
        self._client, self.name = client, name

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        progress: Callable[[int], None] = lambda number: None,
    ) -> list[Result]:
        """The function's result for every item, in order.

        Parameters
        ----------
        function : of a module of this package, without side effects
        items : that can be pickled
        progress : called with the number (from 0) of each item that is done

        Raises
        ------
        ClusterError
            What went wrong with an item, in its own sentence; see also `each`.
        """
        results: dict[int, Result] = {}
        for number, result in self.each(function, enumerate(items)):
            if isinstance(result, ClusterError):
                raise result
            results[number] = result
            progress(number)
        return [results[number] for number in sorted(results)]

    def each(
        self, function: Callable[[Item], Result], items: Iterable[tuple[Key, Item]]
    ) -> Iterator[tuple[Key, Result | ClusterError]]:
        """Every item's key with the function's result, or with what was wrong, as they come.

        As many items are on their way as there are workers, so that the next is taken from ``items`` when
        there is room for it. A worker that is lost costs a retry of what it had; an item on which several
        were lost is tried once more alone, so that it does not take the others with it.

        Raises
        ------
        ClusterError
            If the scheduler is lost, or there are no workers for a minute.
        """
        lost: list[tuple[Key, Item]] = []
        for key, item, answer in self._hand_out(function, items):
            if isinstance(answer, _WorkersLostError):
                lost.append((key, item))
            else:
                yield key, answer if isinstance(answer, ClusterError) else answer[0]
        for one in lost:
            for key, _, answer in self._hand_out(function, [one]):
                yield key, answer if isinstance(answer, ClusterError) else answer[0]

    def _hand_out(
        self, function: Callable[[Item], Result], items: Iterable[tuple[Key, Item]]
    ) -> Iterator[tuple[Key, Item, tuple[Result] | ClusterError]]:
        """As `each`, with the item, and the result in a tuple."""
        source = iter(items)
        waiting: dict[str, tuple[Any, Key, Item]] = {}
        done: Queue[Any] = Queue()
        name = uuid.uuid4().hex
        number = 0
        try:
            while True:
                for key, item in islice(source, max(0, self._room() - len(waiting))):
                    with self._connection():
                        future = self._client.submit(
                            _answer, function, item, versions(), key=f"tonerig-{name}-{number}", pure=False
                        )
                    waiting[future.key] = future, key, item
                    future.add_done_callback(done.put)
                    number += 1
                if not waiting:
                    return
                future, key, item = waiting.pop(self._next(done).key)
                answer = self._outcome(future)
                future.release()
                yield key, item, answer
        finally:
            for future, _, _ in waiting.values():
                future.release()  # what nobody waits for is not begun

    def _room(self) -> int:
        """Threads of all workers; waits for the first."""
        with self._connection():
            if threads := sum(self._client.nthreads().values()):
                return int(threads)
            try:
                self._client.wait_for_workers(1, timeout=WORKERS_S)
            except TimeoutError:
                if self._client.status != "running":
                    raise
                raise ClusterError(
                    f"{self.name} has no workers; start some with: "
                    f"dask worker {self._client.scheduler.address}"
                ) from None
        return 1

    def _next(self, done: Queue[Any]) -> Any:
        """The next one; sees to it that there is a cluster to wait for."""
        while True:
            try:
                return done.get(timeout=LOOK_S)
            except Empty:
                self._room()

    def _outcome(self, future: Any) -> tuple[Any] | ClusterError:
        with self._connection():
            try:
                answer = future.result()
            except self._distributed.KilledWorker as error:
                return _WorkersLostError(
                    f"the workers that began it ended on the way, lastly {error.last_worker.address}"
                )
            except (ModuleNotFoundError, AttributeError) as error:
                raise ClusterError(
                    f"a worker of {self.name} cannot do this ({_first_line(error)}); "
                    "install the same tonerig on all of them"
                ) from None
        return ClusterError(answer) if isinstance(answer, str) else answer

    @contextmanager
    def _connection(self) -> Iterator[None]:
        """Make the loss of the scheduler a sentence."""
        try:
            yield
        except (OSError, asyncio.CancelledError, concurrent.futures.CancelledError):
            raise self._loss() from None
        except ClusterError:
            raise
        except (ValueError, RuntimeError, AttributeError):  # of a client that has closed itself
            if self._client.status == "running":
                raise
            raise self._loss() from None

    def _loss(self) -> ClusterError:
        return ClusterError(
            f"the scheduler {self.name} was lost; start it again, then give the same command again"
        )


@contextmanager
def open_cluster(where: str) -> Iterator[Cluster]:
    """A cluster to work with, and its end.

    Parameters
    ----------
    where : ``local`` or ``local:4`` starts worker processes on this machine, one for each core or so many,
        that only it can reach and that end here; else the address of a scheduler, ``tcp://HOST:8786``. Its
        workers run what this process sends them and answer with what they like: both must trust each other.

    Raises
    ------
    ClusterError
        If Dask is not installed, there is no scheduler at the address, or it is none.
    """
    workers = _local_workers(where)
    if workers is None and not re.fullmatch(r"((tcp|tls)://)?[^\s/:]+:\d{1,5}", where):
        raise ClusterError(f"there is no cluster {where!r:.200}; give local, local:4 or tcp://HOST:8786")
    try:
        dask, distributed = import_module("dask"), import_module("distributed")
    except ModuleNotFoundError as error:
        raise ClusterError(f"a cluster needs {error.name}; pip install 'tonerig[cluster]'") from None
    with ExitStack() as stack:
        stack.enter_context(_silence())
        stack.enter_context(dask.config.set(QUIET))
        address: Any = where
        if workers is not None:
            address = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address=None,
                    scheduler_kwargs={"dashboard": False},
                    memory_limit=None,
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            raise ClusterError(
                f"{where}: no scheduler answers there ({_first_line(error)}); start one with: dask scheduler"
            ) from None
        try:
            yield Cluster(client, where)
        finally:
            with suppress(Exception):  # a scheduler that is lost cannot be left in form
                client.close(timeout=CONNECT_S)


def _local_workers(where: str) -> int | None:
    """How many to start; None for an address."""
    kind, colon, count = where.partition(":")
    if kind != LOCAL or count.startswith("//"):
        return None
    if not colon:
        return os.cpu_count() or 1
    if not count.isdecimal() or not 1 <= int(count) <= 1024:
        raise ClusterError(f"--cluster is {where!r:.200}, expected local:N with N from 1 to 1024")
    return int(count)


@contextmanager
def _silence() -> Iterator[None]:
    """Without Dask's own lines about workers that come and go."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        logger.setLevel(before)


def _answer(function: Callable[[Item], Result], item: Item, wanted: dict[str, str]) -> tuple[Result] | str:
    """On a worker: the function's result; a problem as its sentence, since not every error can be sent.

    One item at a time in each process, however many threads it has: plugins and compiled code are made for
    processes of their own.
    """
    for name, version in versions().items():
        if version != wanted.get(name):
            return (
                f"the worker {platform.node()} has {name} {version} and the client {wanted.get(name)}; "
                "install the same on both, so that results are the same"
            )
    with _ONE_AT_A_TIME:
        try:
            return (function(item),)
        except (ValueError, OSError, RuntimeError, MemoryError) as error:
            return str(error) or type(error).__name__


@cache
def versions() -> dict[str, str]:
    """Of Python and of what results depend on; empty for what is not installed."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in SAME:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
