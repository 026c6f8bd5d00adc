"""``tonerig plugins``: scan, list and show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .command import tonerig

HEAVY = ("numba", "pedalboard", "rich", "scipy", "tonerig.realtime.processors")


@pytest.fixture(scope="module")
def folder(test_plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an effect, an instrument, and two plugins that are left alone."""
    path = tmp_path_factory.mktemp("vst3")
    for name in ("CrashAtLoad", "Eight", "Pipe", "Trouble"):
        (path / f"{name}.vst3").symlink_to(test_plugins / f"{name}.vst3")
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests here share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def surroundings(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder and the cache for all verbs."""
    monkeypatch.setenv("VST3_PATH", str(folder))
    monkeypatch.setenv("TONERIG_CACHE", str(cache))


def test_scan(folder: Path) -> None:
    """What is new is told as it is described, what is left alone with its reason; again, nothing is new."""
    found = tonerig("plugins", "scan")
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert "plugins; " in lines[0] and "Trouble" in found.err
    assert any(line.startswith("left alone: CrashAtLoad: crashed (SIGSEGV)") for line in lines)
    assert any(line.startswith("left alone: Eight: takes 8 channels") for line in lines)
    again = tonerig("plugins", "scan", "--json")
    table = json.loads(again.out)
    assert again.err == "" and table["described"] == 0
    assert {row["name"] for row in table["plugins"]} >= {"Pipe", "Trouble"}
    left_alone = {row["path"]: row["reason"] for row in table["left_alone"]}
    assert "8 channels" in left_alone[str(folder / "Eight.vst3")]


def test_list(folder: Path) -> None:
    """A line for each plugin; as JSON what is known of it, without the parameters themselves."""
    tonerig("plugins", "scan")
    found = tonerig("plugins", "list")
    assert found.code == 0, found.err
    rows = {line.split("  ")[0]: line for line in found.out.splitlines()}
    assert "effect, stereo" in rows["Trouble"] and "instrument" in rows["Pipe"]
    assert "2 more were left alone; 'tonerig plugins scan' says why" in found.out
    table = {row["name"]: row for row in json.loads(tonerig("plugins", "list", "--json").out)}
    assert table["Trouble"]["channels"] == [2] and table["Trouble"]["parameters"] == 7
    assert table["Pipe"]["path"] == str(folder / "Pipe.vst3") and table["Pipe"]["tail_s"] < 0.1


def test_list_is_light() -> None:
    """A list from the cache imports none of what is slow to start."""
    tonerig("plugins", "scan")
    code = "\n".join(
        (
            "import sys",
            "from tonerig.realtime.cli import main",
            "try:",
            "    main(['plugins', 'list'])",
            "except SystemExit as end:",
            f"    print(end.code, [name for name in {HEAVY!r} if name in sys.modules])",
        )
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 []" and "Trouble" in done.stdout, done.stderr


def test_show() -> None:
    """Channels, latency, tail, version, and each parameter with default, unit, range and steps."""
    found = tonerig("plugins", "show", "trouble")
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert lines[0].startswith("Trouble 1.2.3, by ")
    assert lines[2].startswith("effect, stereo")
    assert lines[3] == "latency 0 samples at 48 kHz, tail 0.00 s"
    rows = {line.split()[0]: " ".join(line.split()) for line in lines[4:]}
    assert rows["voicing"] == "voicing clean (one of clean, warm, hard)"
    table = json.loads(tonerig("plugins", "show", "Trouble", "--json").out)
    knobs = {row["name"]: row for row in table["parameters"]}
    gain = knobs["gain_db"]
    assert rows["gain_db"] == f"gain_db 0 dB ({gain['minimum']:g} to {gain['maximum']:g} dB)"
    assert knobs["voicing"]["choices"] == ["clean", "warm", "hard"] and knobs["voicing"]["stepped"]
    assert table["version"] == "1.2.3" and table["channels"] == [2] and table["latency"] == 0
    assert tonerig("plugins", "show", "Pipe").out.splitlines()[2].startswith("instrument")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Troubel", "there is no plugin Troubel; did you mean Trouble? 'tonerig plugins list' shows what is"),
        ("Eight", "Eight: takes 8 channels"),
        ("nowhere/Pipe.vst3", "Pipe.vst3: is not there"),
    ],
)
def test_show_of_what_cannot_be_shown(name: str, sentence: str) -> None:
    """One sentence on stderr, and exit code 1."""
    found = tonerig("plugins", "show", name)
    assert (found.code, found.out) == (1, "")
    assert found.err.startswith(f"tonerig: {sentence}") and found.err.count("\n") == 1
