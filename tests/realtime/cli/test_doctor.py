"""``tonerig doctor --plugins``: what is printed, what comes as JSON, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .command import tonerig


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own; gives the file with the plugins."""
    monkeypatch.setenv("TONERIG_CACHE", str(tmp_path))
    return tmp_path / "plugins.json"


@pytest.fixture
def trouble(test_plugins: Path) -> Path:
    """A good plugin, unless its mode is turned."""
    return test_plugins / "Trouble.vst3"


def remember_a_crash(cache: Path) -> None:
    """Let the cache say that the mode goes from "fine" to "crash", so that its maximum is a crash."""
    table: dict[str, Any] = json.loads(cache.read_text())
    (entry,) = table["files"].values()
    (mode,) = (row for row in entry["plugins"][0]["parameters"] if row["name"] == "mode")
    mode["maximum"], mode["choices"] = 1.0, ["fine", "crash"]
    cache.write_text(json.dumps(table))


def test_a_good_plugin_has_one_line(trouble: Path) -> None:
    """Its verdict and its speeds, and nothing to remark; named twice it is tried once."""
    found = tonerig("doctor", "--plugins", trouble, trouble)
    assert found.code == 0, found.err
    heading, sizes, line = found.out.splitlines()
    assert heading.strip() == "times real time, frames at a time:"
    assert sizes.split() == ["64", "4096"]
    assert [len(sizes), sizes.index("64") + 2] == [
        len(line),
        line.index(line.split()[3]) + len(line.split()[3]),
    ]
    mark, name, verdict, quick, long = line.split()
    assert (mark, name, verdict) == ("ok", "Trouble", "good")
    assert float(long) > float(quick) > 1.0


def test_a_fault_is_told_below_and_by_the_exit_code(trouble: Path, cache: Path) -> None:
    """The checks that found something follow the plugin's line; as JSON all findings come."""
    tonerig("plugins", "show", trouble)
    remember_a_crash(cache)
    found = tonerig("doctor", "--plugins", trouble)
    assert found.code == 1
    lines = found.out.splitlines()
    assert lines[2].startswith("!!  Trouble  fault")
    assert "      fault   parameters: crashed (SIGSEGV) with mode at its maximum" in lines
    assert not any("good" in line for line in lines)

    again = tonerig("doctor", "--plugins", trouble, "--json")
    assert again.code == 1
    table = json.loads(again.out)
    (plugin,) = table["plugins"]
    assert table["left_alone"] == []
    assert (plugin["name"], plugin["path"], plugin["verdict"]) == ("Trouble", str(trouble), "fault")
    assert set(plugin["speeds"]) == {"64", "4096"}
    verdicts = {row["check"]: row["verdict"] for row in plugin["findings"]}
    assert verdicts["parameters"] == "fault" and verdicts["loading"] == verdicts["reset"] == "good"
    assert all(set(row) == {"check", "verdict", "sentence"} for row in plugin["findings"])


@pytest.mark.parametrize("name", ["CrashAtLoad", "Eight"])
def test_a_plugin_that_cannot_be_hosted(test_plugins: Path, name: str) -> None:
    """One sentence, which says why."""
    found = tonerig("doctor", "--plugins", test_plugins / f"{name}.vst3")
    assert found.code == 1
    (line,) = found.err.splitlines()
    assert line.startswith(f"tonerig: {name}: ")


def test_an_unknown_name() -> None:
    """It is not taken for nothing to do."""
    found = tonerig("doctor", "--plugins", "NoSuchPlugin")
    assert found.code == 1
    assert "there is no plugin NoSuchPlugin" in found.err


def test_all_that_are_installed(trouble: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name all are taken, and what is left alone is told with its reason."""
    folder, nowhere = tmp_path / "vst3", tmp_path / "nowhere"
    (folder / "Empty.vst3").mkdir(parents=True)
    (folder / "Trouble.vst3").symlink_to(trouble)
    monkeypatch.setenv("VST3_PATH", str(folder))
    monkeypatch.setattr("tonerig.realtime.plugins.bundles.search_folders", lambda: [folder])
    found = tonerig("doctor", "--plugins")
    assert found.code == 0, found.err
    assert "ok  Trouble  good" in found.out
    assert "left alone: Empty.vst3: has nothing inside that Linux could load" in found.out
    monkeypatch.setattr("tonerig.realtime.plugins.bundles.search_folders", lambda: [nowhere])
    assert "There are no plugins; put VST3 bundles into ~/.vst3" in tonerig("doctor", "--plugins").out


def test_a_name_without_the_option() -> None:
    """A plugin's name means nothing to the other doctor."""
    found = tonerig("doctor", "ZamComp")
    assert found.code == 2
    assert "tonerig doctor --plugins ZamComp" in " ".join(found.err.split())
