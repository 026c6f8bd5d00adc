"""VST3 plugins as processors: their parameters, what a worker is told, and texts that mean none."""

from __future__ import annotations

import base64
import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.hosted import HOSTING
from tonerig.realtime.plugins.instrument import HostedInstrument
from tonerig.realtime.plugins.plugin import MAX_STATE, Instrument, Plugin
from tonerig.realtime.plugins.scan import find
from tonerig.realtime.processors.processor import problems

from tests.realtime.run import noise


def trouble(values: dict[str, object] | None = None, **texts: Any) -> Plugin:
    """The plugin made for the tests."""
    kind = Plugin.variant({"plugin": "Trouble"})
    assert issubclass(kind, Plugin)
    return kind(values, plugin="Trouble", **texts)


def workers() -> list[int]:
    """Worker processes that this one has started."""
    gc.collect()  # those of other tests
    lists = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    found = [int(number) for numbers in lists for number in numbers]
    return [n for n in found if b"plugins.inside.worker" in Path(f"/proc/{n}/cmdline").read_bytes()]


def test_a_plugin_has_its_own_parameters(installed: Path) -> None:
    """Those that its description has, and behind them those of every hosted processor."""
    kind = Plugin.variant({"plugin": "Trouble"})
    described = [part.parameter for part in find("Trouble").parameters]
    assert kind.parameters == (*described, *HOSTING)
    assert kind.name == "plugin" and kind.description == "Trouble by tonerig"
    assert kind.parameter("gain_db").range_text() == "-60 to 20 dB"
    assert "gain_db" not in {parameter.name for parameter in Plugin.parameters}


def test_one_plugin_has_one_class(installed: Path) -> None:
    """By name, in other capitals, and by path."""
    kind = Plugin.variant({"plugin": "Trouble"})
    assert Plugin.variant({"plugin": "trouble", "raw_state": "AAAA"}) is kind
    assert Plugin.variant({"plugin": str(installed / "Trouble.vst3")}) is kind
    assert Plugin.variant({"plugin": "TroubleMono"}) is not kind


def test_a_stereo_plugin_makes_two_channels_of_one(installed: Path) -> None:
    """A mono one leaves one, as its width says."""
    assert Plugin.variant({"plugin": "Trouble"}).least_outputs == 2
    assert Plugin.variant({"plugin": "TroubleMono"}).least_outputs == 1


def test_the_order_states_what_was_stated(installed: Path, tmp_path: Path) -> None:
    """All parameters by place, values of those that were given or turned, state and file."""
    state = base64.b64encode(b"state").decode()
    file = tmp_path / "a.vstpreset"
    plugin = trouble({"gain_db": -6, "voicing": "clean", "late": "silence"}, raw_state=state, vstpreset=file)
    described = find("Trouble")
    assert plugin.order() == {
        "kind": "vst3",
        "path": str(installed / "Trouble.vst3"),
        "name": "Trouble",
        "instrument": False,
        "parameters": [{"name": p.parameter.name, "index": p.index} for p in described.parameters],
        "values": {"gain_db": -6.0, "voicing": 0.0},
        "raw_state": state,
        "vstpreset": str(file),
    }
    plugin.set("bright", "off")  # as it is by default, but a state may say otherwise
    plugin.values["late_by"] = 100.0
    assert plugin.order()["values"] == {"gain_db": -6.0, "late_by": 100.0, "voicing": 0.0, "bright": 0.0}
    bare = trouble().order()
    assert (bare["values"], bare["raw_state"], bare["vstpreset"]) == ({}, None, None)


def test_it_sounds_like_its_formula(installed: Path) -> None:
    """Values reach the plugin: a gain, a word, a delay, with the block that a worker is behind taken out."""
    values = {"gain_db": -4, "voicing": "warm", "late_by": 100}
    program = Program([trouble(values)], 48000, 256, 2)
    assert problems(program.chain) == []
    signal = noise(0.2, 2)
    heard = Runner(program).process(signal)
    wet = np.tanh(10 ** (-4 / 20) * signal.astype(float))
    start = program.latency + 100
    np.testing.assert_allclose(heard[:, start:], wet[:, : signal.shape[1] - start], atol=1e-6)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gain": 3}, r"Trouble has no parameter gain; did you mean gain_db\? It has gain_db, mode"),
        ({"gain_db": 21}, r"gain_db is 21, expected -60 to 20 dB"),
        ({"voicing": "soft"}, r"voicing is 'soft', expected one of clean, warm, hard"),
    ],
)
def test_values_are_checked(installed: Path, values: dict[str, object], words: str) -> None:
    """A parameter that the plugin does not have, a number out of its range, an unknown word."""
    with pytest.raises(ParameterError, match=words):
        trouble(values)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({}, r'plugin is missing; say which one, as in plugin = "ZamComp"'),
        ({"plugin": " "}, r"plugin is missing"),
        ({"plugin": "Trouble", "raw_state": "no base64!"}, r"raw_state is no base64 text; take it out"),
        ({"plugin": "Nobody", "raw_state": "A"}, r"raw_state is no base64 text"),
        ({"plugin": "Trouble", "raw_state": "A" * (MAX_STATE + 4)}, r"raw_state has 1048580 characters"),
        ({"plugin": "Pipe"}, r"Pipe is an instrument, which notes play: its place is in a patch"),
    ],
)
def test_texts_that_mean_no_effect(installed: Path, texts: dict[str, str], words: str) -> None:
    """No name, a state that is none, an instrument."""
    with pytest.raises(PluginError, match=words):
        Plugin.variant(texts)


def test_one_that_is_not_there_is_a_wire(installed: Path) -> None:
    """Its class has the problem and takes any values; so has one that was left alone."""
    for text, words in (
        ("Troubles", "there is no plugin Troubles; did you mean Trouble"),
        (str(installed / "Gone.vst3"), r"Gone\.vst3: is not there"),
    ):
        kind: Any = Plugin.variant({"plugin": text})
        wire = kind({"gain_db": 3}, plugin=text)
        assert kind.problem.endswith("; its place in the chain is a wire") and not issubclass(kind, Plugin)
        with pytest.raises(ParameterError, match=words):
            wire.set("gain_db", 3)


def test_an_instrument_is_no_effect(installed: Path) -> None:
    """It has its own parameters alone; an effect is none; one that is not there says so."""
    kind = Instrument.variant({"plugin": "Pipe"})
    assert [parameter.name for parameter in kind.parameters] == ["volume_db"]
    with pytest.raises(
        PluginError, match="Trouble is an effect: its place is in a chain, or among a patch's"
    ):
        Instrument.variant({"plugin": "Trouble"})
    gone = Instrument.variant({"plugin": "Pipes"})
    assert gone.problem is not None and gone.problem.startswith(
        "there is no plugin Pipes; did you mean Pipe?"
    )
    assert gone.problem.endswith("; its patch is silent") and issubclass(gone, HostedInstrument)


def test_only_preparing_starts_a_worker(installed: Path) -> None:
    """What is built to see which code it needs, as 'tonerig compile' does, has no process."""
    plugin = trouble()
    assert [unit.module for unit in plugin.units()] == ["plugins.exchange"]
    assert not workers()
    plugin.prepare(48000, 256, 2)
    assert len(workers()) == 1
