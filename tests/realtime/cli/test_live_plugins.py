"""``tonerig live`` through plugins: one that plays, one that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .live_command import live

pytestmark = pytest.mark.usefixtures("jack_server")


def preset(folder: Path, *plugins: str) -> Path:
    """A chain of these plugins."""
    links = "".join(f'[[chain]]\nprocessor = "plugin"\nplugin = "{plugin}"\n' for plugin in plugins)
    (folder / "x.toml").write_text(f'tonerig = 1\nname = "x"\n{links}')
    return folder / "x.toml"


def test_a_missing_plugin_is_said_once_and_the_others_play(
    user_library: Path, installed: Path, tmp_path: Path
) -> None:
    """A wire in its place; the other one is a knob by its own name."""
    report = tmp_path / "report.json"
    chain = preset(tmp_path, "Nobody", "Trouble", "Nobody")
    result = live("--preset", chain, "--seconds", 1, "--report", report, "--set", "Trouble.gain_db=-6")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("there is no plugin Nobody") == 1
    found = json.loads(report.read_text())
    assert sum("there is no plugin Nobody" in event for event in found["events"]) == 1
    assert found["callbacks_served"] > 500
    assert [plugin["name"] for plugin in found["plugins"]] == ["Trouble"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("Nobody.gain_db=3", "gain_db cannot be set: there is no plugin Nobody"),
        ("Trouble.gane_db=3", "Trouble has no parameter gane_db; did you mean gain_db?"),
        ("2.gain_db=99", "gain_db is 99, expected -60 to 20 dB"),
        ("Other.gain_db=3", "the chain has no Other; it has Nobody, Trouble"),
    ],
)
def test_a_knob_that_is_not_there(
    user_library: Path, installed: Path, tmp_path: Path, setting: str, words: str
) -> None:
    """One sentence, and no sound."""
    result = live("--preset", preset(tmp_path, "Nobody", "Trouble"), "--seconds", 1, "--set", setting)
    assert result.returncode != 0 and words in result.stderr, result.stderr
