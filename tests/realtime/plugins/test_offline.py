"""A sound through one plugin: what pedalboard makes of it, aligned; what breaks is an error, not a sound."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.plugins import hosting
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.offline import BLOCK, render

from .hosts import RATE, Trouble, ZaMaximX2, ZamComp, by_pedalboard, needs_made, needs_zam, noise, wait_until

FRAMES = 3 * BLOCK + 1234


@needs_zam
@pytest.mark.parametrize(
    ("kind", "channels", "values"),
    [(ZamComp, 1, {"threshold_db": -40.0, "ratio": 8.0}), (ZaMaximX2, 2, {"threshold_db": -12.0})],
)
def test_it_is_what_pedalboard_makes_of_it(
    kind: type[ZamComp] | type[ZaMaximX2], channels: int, values: dict[str, float], tmp_path: Path
) -> None:
    """Sample for sample, the latency of 480 samples that one of them reports taken out."""
    dry = noise(channels, FRAMES)
    wet = render(kind(values), dry, RATE)
    direct = by_pedalboard(kind.bundle, dry, tmp_path, block=BLOCK, turns=list(values.items()))
    assert wet.shape == dry.shape and np.abs(wet - dry).max() > 0.05
    np.testing.assert_array_equal(wet[:, : direct.shape[1]], direct)


@needs_made
def test_a_stereo_plugin_makes_two_channels_of_one() -> None:
    """Both are the dry sound at the gain that was set, in its place though the plugin is 100 samples late."""
    dry = noise(1, FRAMES)
    processor = Trouble({"gain_db": -20.0, "late_by": 100.0, "says_late_by": 100.0})
    wet = render(processor, dry, RATE)
    assert wet.shape == (2, FRAMES)
    np.testing.assert_allclose(wet, np.repeat(0.1 * dry, 2, axis=0), rtol=1e-6)


@needs_made
@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (signal.SIGSEGV, r"crashed \(SIGSEGV\)"),
        (signal.SIGKILL, "was killed"),
        (signal.SIGSTOP, "hung for 1 s"),
    ],
)
def test_a_worker_that_ends_or_hangs_is_an_error(
    ending: signal.Signals, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the midst of a sound that takes 40 seconds; no half of it is given back, and the worker is gone."""
    if ending == signal.SIGSTOP:
        monkeypatch.setattr(hosting, "OFFLINE_HANG_S", 1.0)
    processor = Trouble({"mode": "slow"})
    pids: list[int] = []

    def end() -> None:
        def playing() -> bool:
            present = processor.hosting
            return present is not None and present["taken"] > 1

        wait_until(playing, 60.0)
        assert processor.hosting is not None
        pids.append(processor.hosting.worker.pid)
        os.kill(pids[0], ending)

    thread = threading.Thread(target=end)
    thread.start()
    with pytest.raises(PluginError, match=rf"^trouble {words}"):
        render(processor, noise(1, 20 * 48000), RATE)
    thread.join()
    wait_until(lambda: not Path(f"/proc/{pids[0]}").exists())


@needs_made
def test_what_is_no_sound_is_an_error() -> None:
    """NaN is not passed on, nor the silence that a chain puts in its place."""
    with pytest.raises(PluginError, match=r"^trouble put out NaN or Inf"):
        render(Trouble({"mode": "nan"}), noise(1, FRAMES), RATE)


@needs_made
def test_what_cannot_be_loaded_is_an_error() -> None:
    """Where a chain would have a wire, and say so, there is nothing to hear."""
    with pytest.raises(PluginError, match=r"^trouble crashed .*while it was loaded") as caught:
        render(Trouble({"mode": "crash"}), noise(1, FRAMES), RATE)
    assert "chain" not in str(caught.value)
