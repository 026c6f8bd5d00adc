"""The doctor: what it looks at, and what it concludes."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path

import pytest
from tonerig.realtime import doctor
from tonerig.realtime.doctor import Check, ModelLoad, verdict

from .cli.command import tonerig


def checks(devices: bool = True, priority: bool = True) -> list[Check]:
    return [Check("audio devices", devices, "x"), Check("real-time priority", priority, "x")]


@pytest.mark.parametrize(
    ("seen", "loads", "words"),
    [
        (
            checks(),
            {32: 0.9, 64: 0.5, 128: 0.4, 256: 0.3},
            r"can play live: every model fits into 64 frames \(1.3 ms\)",
        ),
        (checks(), {32: 0.9, 64: 0.9, 128: 0.9, 256: 0.9}, "too slow for some of the models"),
        (
            checks(priority=False),
            {32: 0.1, 64: 0.1, 128: 0.1, 256: 0.1},
            "without real-time priority it will click",
        ),
        (checks(devices=False), {32: 0.1}, "cannot play live yet: it has no audio input"),
    ],
)
def test_verdicts(seen: list[Check], loads: dict[int, float], words: str) -> None:
    """One sentence for each state of the machine, worst first."""
    assert re.search(words, verdict(seen, [ModelLoad("m", loads)]))


def test_every_check_that_fails_says_what_to_change(user_library: Path) -> None:
    """All checks run on this machine, whatever it has, and none that is not good is without advice."""
    found = doctor.examine()
    assert [check.name for check in found][:2] == ["audio devices", "sound server"]
    assert all(check.found for check in found)
    assert all(check.good or check.advice for check in found)


def test_the_memory_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of 8 MB for an ordinary person is too little, and the advice names the file to change."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (8 * 2**20, 8 * 2**20))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    found = doctor.locked_memory()
    assert not found.good and found.found == "8 MB, wanted 64 MB" and "limits.d" in found.advice


def test_loads_are_shares_of_the_block(user_library: Path) -> None:
    """Each shipped model has a positive load at each block size."""
    loads = doctor.model_loads((64, 256))
    assert loads
    for load in loads:
        assert set(load.loads) == {64, 256}
        assert min(load.loads.values()) > 0


def test_a_broken_model_does_not_stop_the_others(user_library: Path) -> None:
    """One bad file in the library has its sentence, and every other model its loads."""
    (user_library / "models").mkdir(parents=True)
    (user_library / "models" / "broken.nam").write_text("{")
    found = {load.model: load for load in doctor.model_loads((256,))}
    assert found["broken"].loads == {} and found["broken"].problem.startswith("broken.nam: ")
    others = [load for name, load in found.items() if name != "broken"]
    assert others and all(load.loads[256] > 0 and not load.problem for load in others)


def test_the_verb_as_json(user_library: Path) -> None:
    """A verdict, all checks, and the loads by model and block."""
    found = tonerig("doctor", "--json")
    assert found.code == 0, found.err
    data = json.loads(found.out)
    assert data["verdict"].startswith("This machine")
    assert {"name", "good", "found", "advice"} == set(data["checks"][0])
    assert all(set(loads) == {"32", "64", "128", "256"} for loads in data["loads"].values())
