"""With ``CI=true`` a part that is missing fails the tests that need it; elsewhere they are skipped.

And the one real part that several rooms test with: a JACK server with a clock and no hardware.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest

OUTSIDE = ("shared", "CUDA device")  # in the reasons of tests that need data or hardware from outside


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Turn a skip into a failure under CI, unless what is missing does not belong to the project."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        if not any(word in reason for word in OUTSIDE):
            report.outcome = "failed"
            report.longrepr = f"{path}:{line}: {reason} (a missing part is a failure with CI=true)"
    return report


@pytest.fixture(scope="session")
def jack_server() -> Iterator[str]:
    """A JACK server of our own, 64 frames at 48 kHz, two channels each way; gives its name."""
    from tonerig.realtime.bench.server import NoServerError, dummy_server
    from tonerig.realtime.engine.devices import DeviceError

    try:
        with dummy_server() as name:
            yield name
    except (NoServerError, DeviceError) as error:
        pytest.skip(str(error))
