"""With ``CI=true`` a part that is missing fails the tests that need it; elsewhere they are skipped.

And the real parts that several rooms test with: a JACK server with a clock and no hardware, plugins made for
the tests, and bundles that are none. No example of a property has a time limit: that would be the machine's;
and no plugin is given up for being slow, but in the tests of that.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy.linalg.lapack_lite
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent
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


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Two minutes for whatever a plugin's process does in a second on a computer that has time for it.

    A live plugin's `hosting.HANG_S` stays: it is what a musician hears.
    """
    from tonerig.realtime.plugins import check_process, hosting, probe_process, supervisor

    with pytest.MonkeyPatch.context() as patch:
        for name in ("START_S", "RELOAD_S", "OFFLINE_HANG_S"):
            patch.setattr(hosting, name, 120.0)
        for name in ("LOAD_S", "HANG_S", "CHECK_S"):
            patch.setattr(check_process, name, 120.0)
        for name in ("TIME_LIMIT_S", "FILE_LIMIT_S"):
            patch.setattr(probe_process, name, 120.0)
        for module in (check_process, hosting, probe_process, supervisor):
            patch.setattr(module, "ENDING_S", 5.0)
        yield


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


@pytest.fixture(scope="session")
def test_plugins() -> Path:
    """The folder with the VST3 bundles that `scripts/test-plugins` makes of ``tests/plugins``."""
    made = subprocess.run([ROOT / "scripts" / "test-plugins"], capture_output=True, text=True)
    if made.returncode == 3:
        pytest.skip(made.stderr.strip())
    assert made.returncode == 0, made.stderr
    return ROOT / "build" / "plugins"


@pytest.fixture(scope="session")
def broken_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bundles that no host can use.

    ``Empty`` has no files, ``Windows`` and ``Mac`` are for other systems, ``Text`` is a text file,
    ``Library`` a library without a plugin, ``Truncated`` its first half (opening it ends the process with
    SIGBUS), ``Zero`` a library of no bytes, ``Gone`` a link to nothing; each ends in ``.vst3``.
    """
    folder = tmp_path_factory.mktemp("broken")
    here = f"Contents/{platform.machine()}-linux"
    library = Path(numpy.linalg.lapack_lite.__file__).read_bytes()
    files = {
        "Windows.vst3/Contents/x86_64-win/Windows.vst3": b"MZ" + bytes(510),
        "Mac.vst3/Contents/MacOS/Mac": bytes.fromhex("cffaedfe") + bytes(508),
        "Text.vst3": b"This is no plugin.\n",
        f"Library.vst3/{here}/Library.so": library,
        f"Truncated.vst3/{here}/Truncated.so": library[: len(library) // 2],
        f"Zero.vst3/{here}/Zero.so": b"",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "Empty.vst3").mkdir()
    (folder / "Gone.vst3").symlink_to(folder / "nowhere")
    return folder
