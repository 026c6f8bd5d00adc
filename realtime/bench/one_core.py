"""Measure in a process of its own that keeps to one core, so that several take turns in one run.

`Worker` is the side that asks, `serve` the side that measures; they speak JSON, a line each way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import IO, Any

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
"""What numerical libraries read at their import."""

Measure = Callable[[], Mapping[str, float]]


class WorkerError(RuntimeError):
    """A process that measures could not start, or ended."""


class Worker:
    """A process that runs a module's `serve`.

    Parameters
    ----------
    module : its full name, as for ``python -m``
    setup : handed to the module's ``prepare``, in JSON's types

    Raises
    ------
    WorkerError
        with the reason in one sentence when it cannot measure.
    """

    def __init__(self, module: str, setup: Mapping[str, object]) -> None:
        self.module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ONE_THREAD},
            text=True,
        )
        try:
            self._ask(setup)
        except WorkerError:
            self.close()
            raise

    def measure(self) -> dict[str, float]:
        """One short piece, a fraction of a second; figures by name."""
        return self._ask("measure")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, question: object) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            line = ""
        else:
            line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"{self.module} ended with code {self._process.wait()} before it answered")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer


def serve(prepare: Callable[[dict[str, Any]], Measure]) -> None:
    """Prepare, then measure as often as `Worker` asks, on the last core that this process may use.

    What libraries print goes nowhere. An exception becomes the answer.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        measure = prepare(json.loads(sys.stdin.readline()))
        _answer(answers, {})
        for _ in sys.stdin:
            _answer(answers, measure())
    except Exception as error:  # whatever it is, the one who asked must hear of it
        _answer(answers, {"error": f"{type(error).__name__}: {error}"})


def _answer(answers: IO[str], answer: Mapping[str, object]) -> None:
    print(json.dumps(dict(answer)), file=answers, flush=True)
