"""A library of its own for each test that reads or writes presets; a JACK server that loses no block."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tonerig.realtime.bench.server import stop_server
from tonerig.realtime.engine.devices import refresh

from .servers import wait_until_seen


@pytest.fixture
def user_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user's library in the test's folder."""
    folder = tmp_path / "library"
    monkeypatch.setenv("TONERIG_LIBRARY", str(folder))
    return folder


@pytest.fixture(scope="module")
def jack_in_step(jack_server: str) -> Iterator[str]:
    """A server as ``jack_server`` that waits for its clients in every block; gives its name.

    So blocks may be late here, where the machine has other things to do, but none is lost.
    """
    name = f"{jack_server}-step"
    words = f"jackd -n {name} -S -t 60000 -R -P 70 -d dummy -r 48000 -p 64 -C 2 -P 2"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
        patch.setenv("JACK_DEFAULT_SERVER", name)
        server = subprocess.Popen(words.split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_seen(server)
            yield name
        finally:
            patch.undo()
            refresh()  # PortAudio lets go of the server before it ends
            stop_server(server)


@pytest.fixture(scope="session")
def plugin_folder(test_plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with those of the plugins made for the tests that load: two effects and an instrument."""
    folder = tmp_path_factory.mktemp("vst3")
    for name in ("Trouble", "TroubleMono", "Pipe"):
        (folder / f"{name}.vst3").symlink_to(test_plugins / f"{name}.vst3")
    return folder


@pytest.fixture
def installed(plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where plugins are looked for."""
    monkeypatch.setenv("VST3_PATH", str(plugin_folder))
    return plugin_folder
