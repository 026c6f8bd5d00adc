"""With ``CI=true`` a part that is missing fails the tests that need it; elsewhere they are skipped.

And the one real part that several rooms test with: a JACK server with a clock and no hardware.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator
from typing import Any

import pytest

OUTSIDE = "shared"  # in the reason of tests that need data from outside the project


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Turn a skip into a failure under CI, unless what is missing does not belong to the project."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        if OUTSIDE not in reason:
            report.outcome = "failed"
            report.longrepr = f"{path}:{line}: {reason} (a missing part is a failure with CI=true)"
    return report


@pytest.fixture(scope="session")
def jack_server() -> Iterator[str]:
    """Start a JACK server of our own, 64 frames at 48 kHz, two channels each way; gives its name."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed: apt install jackd2")
    from tonerig.realtime.engine.stream import DeviceError, devices, refresh

    name = f"tonerig-test-{os.getpid()}"
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    server = start_jack(name)
    try:
        for _ in range(100):
            time.sleep(0.05)
            try:
                refresh()
                if any(device.host.startswith("JACK") for device in devices()):
                    break
            except DeviceError as error:
                pytest.skip(str(error))
        else:
            pytest.skip("the JACK server did not start")
        yield name
    finally:
        server.terminate()
        server.wait(10)
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


def start_jack(name: str) -> subprocess.Popen[bytes]:
    """A JACK server with the dummy driver; with real-time priority where the system grants it."""
    words = f"jackd -n {name} -R -P 70 -d dummy -r 48000 -p 64 -C 2 -P 2".split()
    environment = {**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"}
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
