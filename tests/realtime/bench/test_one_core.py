"""Processes that measure on one core."""

from __future__ import annotations

import os

import pytest
from tonerig.realtime.bench.one_core import Worker, WorkerError

COUNTING = "tests.realtime.bench.counting"


def test_measures_when_asked_on_one_core_of_its_own_process() -> None:
    """Each question brings the next count, from one core, whatever the module prints."""
    with Worker(COUNTING, {"start": 4, "limit": 0}) as worker:
        first, second = worker.measure(), worker.measure()
    assert (first["count"], second["count"]) == (5, 6)
    assert first["cores"] == 1
    assert first["process"] == second["process"] != os.getpid()


def test_takes_turns_with_another() -> None:
    """Two workers answer in turn, each with its own count."""
    with (
        Worker(COUNTING, {"start": 0, "limit": -1}) as one,
        Worker(COUNTING, {"start": 10, "limit": -1}) as ten,
    ):
        counts = [worker.measure()["count"] for worker in (one, ten, one, ten)]
    assert counts == [1, 11, 2, 12]


def test_an_exception_is_told_to_the_one_who_asks() -> None:
    """What fails over there is an error here, with its message."""
    with (
        Worker(COUNTING, {"start": 0, "limit": 1}) as worker,
        pytest.raises(WorkerError, match="1 is too much"),
    ):
        worker.measure()


def test_a_module_that_is_not_there_is_told_at_once() -> None:
    """A worker that cannot start says so before it is asked to measure."""
    with pytest.raises(WorkerError, match="ended with code"):
        Worker("tests.realtime.bench.no_such_module", {})
