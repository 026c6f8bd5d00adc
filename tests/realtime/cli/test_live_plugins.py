"""``tonerig live`` through plugins whose workers are killed while it plays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tonerig.realtime.audio_files import AudioReader

from .live_command import LIVE

ZAM = Path("/usr/lib/vst3/ZamComp.vst3")
PRESET = """
tonerig = 1
name = "Between plugins"

[[chain]]
processor = "plugin"
plugin = "ZamComp"
threshold_db = -30

[[chain]]
processor = "neural"
model = "zamtube_crunch_wavenet.onnx"

[[chain]]
processor = "plugin"
plugin = "ZamEQ2"
master_gain_db = 3
"""


def _workers(parent: int) -> list[int]:
    """The worker processes of a process."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [pid for pid in map(int, found) if b"inside.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.skipif(not ZAM.exists(), reason="Debian's zam-plugins are not installed")
def test_a_worker_is_killed_and_one_keeps_playing(jack_server: str, tmp_path: Path) -> None:
    """Two plugins around an amp: every worker is killed and comes back, the take is whole, none is left."""
    preset, report, take = tmp_path / "between.toml", tmp_path / "report.json", tmp_path / "take.wav"
    preset.write_text(PRESET)
    words = ["--preset", preset, "--report", report, "--record", take, "--restarts", "20"]
    with subprocess.Popen(
        [*LIVE, *map(str, words)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "the chain adds" in line:
                workers = _workers(process.pid)
                assert len(workers) >= 2
                for pid in workers:
                    os.kill(pid, signal.SIGKILL)
            if sum(" is back after " in sentence for sentence in said) == 2:
                workers += _workers(process.pid)
                process.send_signal(signal.SIGINT)
                break
        said.append(process.stderr.read())
    assert process.returncode == 0, said
    result = json.loads(report.read_text())
    restarts = [row["restarts"] for row in result["plugins"]]
    assert len(restarts) == 2 and min(restarts) >= 1  # a busy machine may make a worker hang besides
    assert not any(row["off"] for row in result["plugins"])
    with AudioReader(take) as reader:
        assert reader.frames == result["recorded_frames"] > 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
