"""Which knob a person means."""

from __future__ import annotations

from pathlib import Path

import pytest
from tonerig.export.files import save_model
from tonerig.realtime.cli.knobs import Control, Setting, find, of_models
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.plugins.missing import Missing
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.gate import Gate
from tonerig.realtime.processors.limiter import Limiter
from tonerig.realtime.processors.neural import Neural
from tonerig.realtime.processors.parallel import Parallel
from tonerig.realtime.synths.four import FourOscillators

from ..kernels.knobbed import knobbed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("20=gate.threshold_db", (20, None, "gate", "threshold_db")),
        ("0@16=2.mix", (0, 16, "2", "mix")),
        (" 119 @ 1 = Glass bell . volume_db ", (119, 1, "Glass bell", "volume_db")),
        ("7=Comp v1.2=b.mix", (7, None, "Comp v1.2=b", "mix")),
    ],
)
def test_a_controller_is_given_a_knob(text: str, parts: tuple[int, int | None, str, str]) -> None:
    """A number, perhaps a channel, and a place; the parameter stands after the last point."""
    assert Control.read(text) == Control(*parts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected CONTROLLER=PROCESSOR.PARAMETER"),
        ("gate.threshold_db", "gives no controller a knob"),
        ("x=gate.threshold_db", "gives no controller a knob"),
        ("²=gate.threshold_db", "gives no controller a knob"),
        ("20@=gate.threshold_db", "gives no controller a knob"),
        ("20=gate", "gives no controller a knob"),
        ("20=.threshold_db", "gives no controller a knob"),
        ("9" * 5000, "gives no controller a knob"),
        ("120=gate.threshold_db", "there is no controller 120; they go from 0 to 119"),
        ("20@17=gate.threshold_db", "there is no channel 17; they go from 1 to 16"),
        ("20@0=gate.threshold_db", "there is no channel 0"),
    ],
)
def test_what_gives_no_controller_a_knob_is_refused(text: str, words: str) -> None:
    """One sentence says what is expected."""
    with pytest.raises(ParameterError, match=words):
        Control.read(text)


@pytest.mark.parametrize("text", ["", "gate", "gate.threshold_db", "=3", ".x=3", "gate.=3", "gate=3.5", "\0"])
def test_what_sets_no_knob_is_refused(text: str) -> None:
    """One sentence cites it and says what is expected."""
    with pytest.raises(ParameterError, match=r"sets no knob, expected PROCESSOR\.PARAMETER=VALUE"):
        Setting.read(text)


def test_a_knob_is_found_as_a_person_names_its_processor() -> None:
    """By name, number or patch, inside others too; the first one counts; a number is a place in the chain."""
    inner, effect, gate = Gain(), Limiter(), Gate()
    both, synth = Parallel(a=[inner]), FourOscillators(effects=[effect])
    synth.patch = "glass"
    chain = [gate, both, synth, Gain()]
    names = {"gate": gate, "gain": inner, "limiter": effect, "glass": synth, "four": synth, "2": both}
    assert {name: find(chain, name) for name in names} == names
    with pytest.raises(ParameterError, match="has no reverb; it has gate, parallel, gain, four, limiter"):
        find(chain, "reverb")


def test_a_setting_is_checked() -> None:
    """It sets the value in its unit, and says what is expected where that cannot be."""
    gate = Gate()
    Setting.read("gate.threshold_db = -60").set([gate])
    assert gate.values["threshold_db"] == -60
    with pytest.raises(ParameterError, match="threshold_db is 'loud', expected"):
        Setting.read("gate.threshold_db=loud").set([gate])


def test_a_fixed_knob_is_set_and_not_turned() -> None:
    """No controller turns what is read before it plays; ``--set`` sets it."""
    limiter = Limiter()
    Setting.read("limiter.look_ahead_ms=3").set([limiter])
    with pytest.raises(ParameterError, match="look_ahead_ms is read before it plays"):
        Control.read("20=limiter.look_ahead_ms").knob([limiter])


def test_a_plugin_that_is_missing_has_no_knobs() -> None:
    """Its own sentence says why: no option keeps the rest of the chain from playing; a line is answered."""
    missing = Missing(plugin="ZamComp")
    missing.problem = "ZamComp is not installed"
    assert Control.read("20=ZamComp.ratio").knob([missing]) is None
    Setting.read("ZamComp.ratio=3").set([missing])
    assert "ratio" not in missing.values
    with pytest.raises(ParameterError, match="ratio cannot be set"):
        missing.parameter("ratio")


def test_a_model_is_called_by_its_file_too(tmp_path: Path) -> None:
    """``amp.drive`` for the second of two models; each says where its own knobs stand."""
    save_model(knobbed("gain", 1), tmp_path / "fuzz.onnx")
    save_model(knobbed("gain", 2), tmp_path / "amp.onnx")
    first, second = Neural(model=tmp_path / "fuzz.onnx"), Neural({"drive": 7}, model=tmp_path / "amp.onnx")
    chain = [Gain(), first, Parallel(a=[second])]
    assert find(chain, "neural") is first and find(chain, "amp") is second
    Setting("fuzz", "cutoff_hz", "250").set(chain)
    assert of_models(chain) == [
        "knobs of fuzz: drive 5 (0 to 10), cutoff_hz 250 Hz (200 to 8000 Hz)",
        "knobs of amp: drive 7 (0 to 10), cutoff_hz 1000 Hz (200 to 8000 Hz)",
    ]
