"""Plugins put to the test in processes of their own: what is wrong is found, and costs its check alone."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from tonerig.realtime.plugins import check_process
from tonerig.realtime.plugins.check import CHECKS, Finding, PluginHealth, check, check_all
from tonerig.realtime.plugins.description import PluginDescription
from tonerig.realtime.plugins.inside import checks
from tonerig.realtime.plugins.inside.check_stand import Stand
from tonerig.realtime.plugins.scan import find

from .hosts import ZAM, needs_zam


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache that the tests here share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONERIG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def trouble(test_plugins: Path) -> PluginDescription:
    """The plugin that misbehaves on command."""
    return find(str(test_plugins / "Trouble.vst3"))


def mode(plugin: PluginDescription, name: str) -> dict[str, float]:
    """The command."""
    (words,) = (p.parameter.choices for p in plugin.parameters if p.parameter.name == "mode")
    return {"mode": words.index(name)}


def up_to(plugin: PluginDescription, name: str) -> PluginDescription:
    """The plugin as one whose mode ends with that one."""
    rows = []
    for row in plugin.parameters:
        if row.parameter.name == "mode":
            last = row.parameter.choices.index(name)
            words = row.parameter.choices[: last + 1]
            limited = dataclasses.replace(row.parameter, maximum=last, choices=words, levels=len(words))
            rows.append(dataclasses.replace(row, parameter=limited))
        else:
            rows.append(row)
    return dataclasses.replace(plugin, parameters=tuple(rows))


def found(health: PluginHealth) -> dict[str, Finding]:
    """The findings by their checks, of which none has two."""
    by_check = {finding.check: finding for finding in health.findings}
    assert len(by_check) == len(health.findings), health
    return by_check


@pytest.mark.parametrize("name", ["Trouble", "TroubleMono"])
def test_a_good_plugin_is_good(test_plugins: Path, name: str) -> None:
    """Nothing is found in a plugin that does nothing wrong, and all was tried, in order."""
    health = check(find(str(test_plugins / f"{name}.vst3")))
    assert [finding.check for finding in health.findings] == list(CHECKS)
    assert health.verdict == "good", health
    assert set(health.speeds) == {64, 4096}
    assert health.speeds[4096] > health.speeds[64] > 1.0


def test_an_instrument_is_not_asked_for_what_it_cannot_do(test_plugins: Path) -> None:
    """It hears no sound, so it has no latency to measure and no NaN to recover from."""
    tried = tuple(name for name in CHECKS if name != "state")
    health = check(find(str(test_plugins / "Pipe.vst3")), checks=tried)
    assert health.verdict == "good", health
    assert set(found(health)) == set(tried) - {"channels", "NaN", "latency"}


@needs_zam
def test_a_plugin_of_others() -> None:
    """A compressor of zam-plugins has no fault, whatever there is to remark."""
    health = check(find(str(ZAM / "ZamComp.vst3")))
    assert health.verdict != "fault", health
    assert {finding.check for finding in health.findings} == set(CHECKS)


def test_a_crash_costs_its_check(trouble: PluginDescription) -> None:
    """It is told by name and place, and the checks after it are made."""
    names = ("loading", "parameters", "reset")
    health = check(up_to(trouble, "crash"), checks=names)
    assert health.verdict == "fault"
    assert found(health)["parameters"].sentence == "crashed (SIGSEGV) with mode at its maximum"
    assert [found(health)[name].verdict for name in names] == ["good", "fault", "good"]


def test_a_hang_costs_its_check(trouble: PluginDescription, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is ended, and another one makes the next check."""
    monkeypatch.setattr(check_process, "HANG_S", 3.0)
    health = check(up_to(trouble, "hang"), checks=("parameters", "reset"))
    assert found(health)["parameters"].sentence == "hung for 3 s with mode at its maximum"
    assert found(health)["reset"].verdict == "good"


def test_a_plugin_that_cannot_be_loaded_is_not_tried_further(trouble: PluginDescription) -> None:
    """One that ends its process when it is first played, and one whose file has gone."""
    ended = check(trouble, mode(trouble, "exit"))
    assert ended.findings == (
        Finding("loading", "fault", "ended by itself with code 0 when it was first played"),
    )
    gone = check(dataclasses.replace(trouble, path=Path("/nowhere/Trouble.vst3")))
    (finding,) = gone.findings
    assert finding.verdict == "fault" and "there is no such plugin" in finding.sentence


def test_what_is_lost_again_and_again_is_given_up(trouble: PluginDescription) -> None:
    """A leak is stopped at the limit that workers have; after three checks no other is tried."""
    names = ("rates", "blocks", "parameters", "latency")
    health = check(trouble, mode(trouble, "leak"), checks=names)
    sentences = [found(health)[name].sentence for name in names]
    assert all(sentence.startswith("held more than 1024 MB of memory") for sentence in sentences[:3])
    assert sentences[3] == "was not tried after 3 checks were lost in a row"


@pytest.mark.parametrize(
    ("command", "values", "name", "sentence"),
    [
        ("flood", {}, "blocks", "flooded its output in blocks of "),
        ("nan", {}, "rates", "puts out NaN or Inf at 44.1 kHz in mono, at 44.1 kHz in stereo, "),
        ("nan", {}, "reset", "puts out NaN or Inf after a reset"),
        ("slow", {}, "speed", "too slow to be played: 0."),
        ("fine", {"late_by": 480}, "latency", "delays sound by 480 samples and reports 0"),
        ("fine", {"says_late_by": 400}, "latency", "delays sound by 0 samples and reports 400"),
    ],
)
def test_faults(
    trouble: PluginDescription, command: str, values: dict[str, float], name: str, sentence: str
) -> None:
    """What it is told to do wrong is found."""
    finding = found(check(trouble, mode(trouble, command) | values, checks=(name,)))[name]
    assert finding.verdict == "fault"
    assert finding.sentence.startswith(sentence)


def test_remarks(trouble: PluginDescription) -> None:
    """Silence for sound, and sound far over full scale, may be meant so."""
    quiet = found(check(trouble, mode(trouble, "quiet"), checks=("rates",)))["rates"]
    assert quiet == Finding("rates", "remark", "puts out nothing at any rate, for noise at -12 dBFS")
    loud = found(check(trouble, {"gain_db": 20.0, "learn": 1.0}, checks=("parameters",)))["parameters"]
    assert loud.verdict == "good"  # +8 dBFS is not by far


def test_a_latency_that_is_reported_is_good(trouble: PluginDescription) -> None:
    """The delay is the plugin's, and it says so."""
    values = {"late_by": 480.0, "says_late_by": 480.0}
    finding = found(check(trouble, values, checks=("latency",)))["latency"]
    assert finding == Finding("latency", "good", "480 samples, as it reports")


def test_a_state_that_does_not_hold_is_a_fault(trouble: PluginDescription) -> None:
    """Another gain than the one that was saved: 20 dB less are 90 % of the sound."""
    row = next(row for row in trouble.parameters if row.parameter.name == "gain_db")
    order = {
        "kind": "vst3",
        "path": str(trouble.path),
        "name": trouble.name,
        "instrument": False,
        "parameters": [{"name": "gain_db", "index": row.index}],
        "values": {},
        "raw_state": None,
        "scales": [{"name": "gain_db", "minimum": -60.0, "maximum": 20.0, "default": 0.0, "choice": False}],
        "channels": [2],
        "category": "Fx",
    }

    def stand(**changes: object) -> Stand:
        return Stand({**order, **changes}, lambda stage, loading: None, lambda: None)

    carried = checks.state(stand()).carried
    assert checks.loaded_state(stand(carried=carried)).rows == [["good", "same values, same sound"]]
    other = stand().load(values={"gain_db": carried["values"][0] - 20.0})
    other.prepare(48000.0, 512, 2)
    carried["raw_state"] = base64.b64encode(other.raw_state or b"").decode()
    rows = checks.loaded_state(stand(carried=carried)).rows
    assert rows[0] == ["fault", "sounds otherwise when its state is loaded: -1 dB"]
    assert rows[1][1].startswith("its state does not hold gain_db (-33.3333, then -53.3333)")


def test_several_at_a_time_tell_how_far_they_are(trouble: PluginDescription, test_plugins: Path) -> None:
    """All are checked, and progress goes up to the whole for each."""
    told: dict[int, list[float]] = {0: [], 1: []}
    missing = dataclasses.replace(trouble, path=Path("/nowhere/Trouble.vst3"), name="Missing")
    healths = list(check_all([missing, trouble], lambda place, part: told[place].append(part)))
    assert {health.name: health.verdict for health in healths} == {"Missing": "fault", "Trouble": "good"}
    for parts in told.values():
        assert parts == sorted(parts) and parts[0] == 0.0 and parts[-1] == 1.0
