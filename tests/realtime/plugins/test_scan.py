"""Plugins found, remembered and looked up: what is described anew, and what is said where there is none."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.scan import find, installed, scan

GOOD = ("Pipe", "Trouble", "TroubleMono")
ODD = ("CrashAtLoad", "Eight")


@pytest.fixture(scope="session")
def system_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with what is installed on this system."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONERIG_CACHE", str(folder))
        patch.delenv("VST3_PATH", raising=False)
        scan()
    return folder / "plugins.json"


@pytest.fixture
def cache(system_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it for one test."""
    monkeypatch.setenv("TONERIG_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    path = tmp_path / "cache" / "plugins.json"
    if system_cache.exists():
        shutil.copy(system_cache, path)
    return path


@pytest.fixture
def folder(test_plugins: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plugins beside the system's."""
    path = tmp_path / "vst3"
    for name in (*GOOD, *ODD):
        shutil.copytree(test_plugins / f"{name}.vst3", path / f"{name}.vst3")
    monkeypatch.setenv("VST3_PATH", str(path))
    return path


def binary_of(bundle: Path) -> Path:
    (file,) = bundle.glob("Contents/*/*.so")
    return file


def test_described_once(folder: Path) -> None:
    """Plugins and what is left alone are found, remembered, and the same from then on."""
    said: list[tuple[int, int, str]] = []
    first = scan(lambda *words: said.append(words))
    ours = [plugin for plugin in first.plugins if plugin.path.is_relative_to(folder)]
    assert [plugin.name for plugin in ours] == list(GOOD)
    assert [path.stem for path, _ in first.left_alone if path.is_relative_to(folder)] == list(ODD)
    assert all(path.stem in reason for path, reason in first.left_alone)
    assert (first.described, first.problem) == (5, "") and [words[:2] for words in said] == [
        (k, 5) for k in range(1, 6)
    ]
    again = scan()
    assert again.described == 0, "what crashed is not tried again either"
    assert (again.plugins, again.left_alone) == (first.plugins, first.left_alone)
    assert installed() == first.plugins


def test_changed_and_removed(folder: Path) -> None:
    """A file of another date or content is described anew, one that is gone is forgotten."""
    scan()
    os.utime(binary_of(folder / "Pipe.vst3"), ns=(1, 1))
    shutil.rmtree(folder / "Trouble.vst3")
    crashed = binary_of(folder / "CrashAtLoad.vst3")
    shutil.copy(binary_of(folder / "TroubleMono.vst3"), crashed)
    found = scan()
    assert found.described == 2
    ours = [(plugin.name, plugin.path.stem) for plugin in found.plugins if plugin.path.is_relative_to(folder)]
    assert ours == [("Pipe", "Pipe"), ("TroubleMono", "CrashAtLoad"), ("TroubleMono", "TroubleMono")]
    assert [path.stem for path, _ in found.left_alone if path.is_relative_to(folder)] == ["Eight"]
    with pytest.raises(PluginError, match=r"there is no plugin Trouble; did you mean TroubleMono\?"):
        find("Trouble")


def test_force(folder: Path) -> None:
    """Everything is described anew when that is asked for, what crashed too."""
    first = scan()
    again = scan(force=True)
    assert again.described >= 5
    # Some of those that are installed begin from chance, so that their measured tails differ.
    known, found = (
        [dataclasses.replace(plugin, tail_s=0.0) for plugin in scanned.plugins] for scanned in (first, again)
    )
    assert found == known


def forget(table: Any, path: Path) -> None:
    del table["files"][str(path)]


def spoil(table: Any, path: Path) -> None:
    table["files"][str(path)]["plugins"][0]["name"] = "\x1b[2J"


def empty(table: Any, path: Path) -> None:
    table["files"][str(path)].update(plugins=[], left_alone=[])


def replace(table: Any, path: Path) -> None:
    table["files"][str(path)] = 7


def mislead(table: Any, path: Path) -> None:
    table["files"][str(path)]["plugins"][0]["path"] = "/etc/passwd"


@pytest.mark.parametrize("damage", [forget, spoil, empty, replace, mislead])
def test_damaged_entry(folder: Path, cache: Path, damage: Callable[[Any, Path], None]) -> None:
    """An entry that is not sound is described anew, and no other."""
    first = scan()
    table = json.loads(cache.read_text())
    damage(table, folder / "Pipe.vst3")
    cache.write_text(json.dumps(table))
    again = scan()
    assert again.described == 1 and again.plugins == first.plugins
    assert scan().described == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"format": 0}', b"[" * 100_000, b"\xff\xfe"])
def test_broken_cache(folder: Path, cache: Path, content: bytes) -> None:
    """A cache that is none does not stop a lookup, and is written anew."""
    cache.write_bytes(content)
    assert find("Pipe").name == "Pipe"
    assert [Path(key).stem for key in json.loads(cache.read_text())["files"]] == ["Pipe"]


def test_cache_of_another_version(folder: Path, cache: Path) -> None:
    """What another version of pedalboard said of a plugin is not believed."""
    find("Pipe")
    table = json.loads(cache.read_text())
    table["pedalboard"] = "0.1"
    for entry in table["files"].values():
        entry["plugins"] = []
    cache.write_text(json.dumps(table))
    assert find("Pipe").name == "Pipe"


def test_full_disk(folder: Path, cache: Path) -> None:
    """A cache that cannot be written is a sentence, and the plugins are found all the same."""
    before = cache.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        found = scan()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "plugins.json cannot be written" in found.problem and found.described == 5
    assert {plugin.name for plugin in found.plugins} >= set(GOOD)
    assert cache.read_bytes() == before and list(cache.parent.iterdir()) == [cache]


def test_find(folder: Path, cache: Path) -> None:
    """By name in any capitals or by path; only the one that is asked for is loaded."""
    assert find("trouble").path == folder / "Trouble.vst3"
    assert find(" TroubleMono ").channels == (1,)
    assert find(str(folder / "Trouble.vst3")) == find("Trouble")
    ours = [key for key in json.loads(cache.read_text())["files"] if key.startswith(str(folder))]
    assert sorted(Path(key).stem for key in ours) == ["Trouble", "TroubleMono"]


def test_find_outside_of_the_folders(test_plugins: Path, cache: Path) -> None:
    """A path leads anywhere, and is remembered until the file is gone."""
    path = test_plugins / "Pipe.vst3"
    found = find(str(path))
    scan()
    assert str(path) in json.loads(cache.read_text())["files"]
    assert find(str(path)) == found


def test_the_first_folder_counts(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two plugins with one name the one in the folder named first."""
    other = tmp_path / "other"
    shutil.copytree(folder / "Pipe.vst3", other / "maker" / "Pipe.vst3")
    monkeypatch.setenv("VST3_PATH", f"{other}:{folder}")
    scan()
    assert find("Pipe").path == other / "maker" / "Pipe.vst3"
    monkeypatch.setenv("VST3_PATH", f"{folder}:{other}")
    assert find("Pipe").path == folder / "Pipe.vst3"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Troubel", "there is no plugin Troubel; did you mean Trouble? 'tonerig plugins list' shows"),
        ("Moog", "there is no plugin Moog; 'tonerig plugins list' shows"),
        ("", "there is no plugin without a name"),
        ("\x1b[2J", "there is no plugin \\x1b[2J; "),
        ("x" * 10_000, "there is no plugin xxx"),
        ("Eight", "Eight: takes 8 channels"),
        ("crashatload", "CrashAtLoad: crashed (SIGSEGV)"),
        ("/nowhere/Moog.vst3", "Moog.vst3: is not there"),
        ("\0.vst3", "\\x00.vst3: is not there"),
    ],
)
def test_not_found(folder: Path, name: str, sentence: str) -> None:
    """What is not installed, and what is but cannot be used, in one sentence; the same the second time."""
    for _ in range(2):
        with pytest.raises(PluginError, match="^" + re.escape(sentence)) as error:
            find(name)
        assert str(error.value).isprintable() and len(str(error.value)) < 400
