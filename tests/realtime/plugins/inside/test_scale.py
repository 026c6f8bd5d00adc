"""What a plugin's parameters say, against pedalboard's own reading of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
import pytest
from pedalboard._pedalboard import to_python_parameter_name
from tonerig.realtime.plugins.inside import native
from tonerig.realtime.plugins.inside.scale import NoChoiceError, Scale

INSTALLED = Path("/usr/lib/vst3")


def scales(plugin: Any) -> dict[str, tuple[Any, Scale]]:
    """Each parameter by its name, as pedalboard calls it."""
    found = {}
    for parameter in plugin._parameters:
        name = to_python_parameter_name(parameter)
        try:
            found[name] = parameter, Scale(parameter, name)
        except NoChoiceError:
            continue
    return found


@pytest.mark.parametrize("name", ["ZamTube", "ZamEQ2", "ZamComp", "ZaMaximX2", "ZamPhono", "ZamDelay"])
def test_sets_what_pedalboard_sets(name: str) -> None:
    """To the bit: numbers of any kind, choices by text, switches; and reads what pedalboard reads."""
    path = INSTALLED / f"{name}.vst3"
    if not path.exists():
        pytest.skip(f"{name} is not installed (Debian package zam-plugins)")
    draw = random.Random(name)
    theirs, ours = pedalboard.load_plugin(str(path)), native.load(path)
    compared = 0
    for key, (knob, scale) in scales(ours).items():
        described = scale.parameter
        limits = described.minimum, described.maximum
        values = [*limits, described.default, *(draw.uniform(*limits) for _ in range(20))]
        values += [value for value in map(round, values) if limits[0] <= value <= limits[1]]
        of_text = theirs.parameters[key].type is str
        for value in range(len(described.choices)) if described.choices else values:
            setattr(theirs, key, described.choices[int(value)] if of_text else value)
            knob.raw_value = scale.raw(value)
            assert knob.raw_value == theirs.parameters[key].raw_value, (key, value)
            read = getattr(theirs, key)
            shown = scale.value(knob.raw_value)
            assert described.choices[int(shown)] == read if of_text else shown == read, (key, value)
            compared += 1
    assert compared > 50


def test_sets_what_pedalboard_sets_in_a_plugin_of_texts(test_plugins: Path) -> None:
    """Names, a switch of two texts, whole numbers."""
    path = test_plugins / "Trouble.vst3"
    theirs, ours = pedalboard.load_plugin(str(path)), native.load(path)
    found = scales(ours)
    voicing, bright = found["voicing"][1], found["bright"][1]
    assert voicing.parameter.choices == ("clean", "warm", "hard") and voicing.stepped
    for position, text in enumerate(voicing.parameter.choices):
        theirs.voicing = text
        assert voicing.raw(position) == theirs.parameters["voicing"].raw_value
    assert len(bright.parameter.choices) == 2
    for value in (False, True):
        theirs.bright = value
        assert bright.raw(float(value)) == theirs.parameters["bright"].raw_value
    for value in (0.0, 4.0, 2000.0, 4000.0):
        theirs.late_by = value
        raw = found["late_by"][1].raw(value)
        assert np.float32(raw) == np.float32(theirs.parameters["late_by"].raw_value), value


def test_describes_an_amp() -> None:
    """ZamTube's drive, its 25 tone stacks and its switch, as its source defines them."""
    path = INSTALLED / "ZamTube.vst3"
    if not path.exists():
        pytest.skip("ZamTube is not installed (Debian package zam-plugins)")
    plugin = native.load(path)
    found = scales(plugin)
    drive, stack, boost = (found[name][1] for name in ("tube_drive", "tone_stack_model", "insane_boost"))
    assert (drive.parameter.minimum, drive.parameter.maximum, drive.stepped) == (0.1, 11.0, False)
    assert len(stack.parameter.choices) == 25 and stack.parameter.choices[1] == "Mesa Boogie Mark"
    assert stack.stepped and boost.stepped and boost.parameter.choices == ("off", "on")
    assert "current_program" not in found, "it has one program, which is nothing to choose"


@dataclass
class Knob:
    """A parameter at pedalboard's interface, for kinds that no plugin at hand has."""

    text: Callable[[float], str]
    raw_of: Callable[[str], float] = lambda text: math.nan
    label: str = ""
    num_steps: int = 2**31 - 1
    raw_value: float = 0.0
    name: str = ""

    def get_text_for_raw_value(self, raw: float) -> str:
        return self.text(raw)

    def get_raw_value_for_text(self, text: str) -> float:
        return self.raw_of(text)


def test_logarithmic_range() -> None:
    """A knob from 20 Hz to 20 kHz in even octaves is logarithmic; its default is where it stands."""
    knob = Knob(lambda raw: f"{20 * 1000**raw:.3f}", label="Hz", raw_value=1 / 3)
    described = Scale(knob, "cutoff_hz").parameter
    assert (described.minimum, described.maximum, described.unit) == (20.0, 20000.0, "Hz")
    assert described.curve == "logarithmic" and described.default == 200.0
    assert Scale(Knob(lambda raw: f"{20 + 80 * raw:.3f}"), "x").parameter.curve == "linear"


def test_infinite_level() -> None:
    """``-inf dB`` does not count for the range, and reads as its least number."""
    knob = Knob(lambda raw: f"{60 * raw - 60:.1f} dB" if raw > 0.1 else "-inf dB")
    scale = Scale(knob, "level")
    assert (scale.parameter.minimum, scale.parameter.maximum) == (-53.9, 0.0)
    assert scale.parameter.unit == "dB" and scale.value(0.0) == -53.9
    assert scale.parameter.default == -53.9


def test_thousands_of_hertz() -> None:
    """Texts that change to kHz on the way are numbers in Hz, as pedalboard reads them."""
    knob = Knob(lambda raw: f"{10 + 990 * raw:.1f} Hz" if raw < 0.5 else f"{raw:.2f} kHz")
    scale = Scale(knob, "rate")
    assert (scale.parameter.minimum, scale.parameter.maximum) == (10.0, 1000.0)
    assert scale.parameter.unit == "Hz" and scale.value(0.75) == 750.0


def test_unit_that_pedalboard_does_not_know() -> None:
    """Numbers with one unit behind them are numbers; the plugin is told the text that it showed."""
    told = []

    def raw_of(text: str) -> float:
        told.append(text)
        return (float(text.split()[0]) + 12) / 24

    scale = Scale(Knob(lambda raw: f"{24 * raw - 12:.0f} st", raw_of), "pitch")
    assert (scale.parameter.minimum, scale.parameter.maximum, scale.parameter.unit) == (-12.0, 12.0, "st")
    assert scale.stepped and scale.raw(7.2) == 19 / 24 and told == ["7 st"]


@pytest.mark.parametrize("answer", [math.nan, 30.0, -1.0, 0.0])
def test_plugin_that_cannot_read(answer: float) -> None:
    """Where the plugin's answer to a text is a place without that text, the place that shows it is taken."""
    scale = Scale(Knob(lambda raw: f"{100 * raw:.1f}", lambda text: answer), "amount")
    assert scale.raw(25.0) == 0.25


def test_one_position() -> None:
    """A text that never changes is nothing to turn; a number or nothing may be, and is its position."""
    with pytest.raises(NoChoiceError):
        Scale(Knob(lambda raw: "Default"), "program")
    for text in ("", "0.000000"):
        scale = Scale(Knob(lambda raw, text=text: text, raw_value=0.3), "amount")
        assert (scale.parameter.minimum, scale.parameter.maximum) == (0.0, 1.0)
        assert scale.raw(0.7) == scale.value(0.7) == 0.7 and scale.parameter.default == 0.3


def test_too_many_words() -> None:
    """More texts than a switch has positions: the value is the position."""
    scale = Scale(Knob(lambda raw: f"Note {raw * 1000:.0f}x{raw}y"), "note")
    assert not scale.parameter.choices and scale.raw(0.25) == 0.25


def test_words_are_safe_to_print() -> None:
    """Control characters in choices and units are escaped, what is too long is cut."""
    scale = Scale(Knob(lambda raw: "\x1b[31m" if raw < 0.5 else "y" * 1000), "mode")
    assert scale.parameter.choices == ("\\x1b[31m", "y" * 100)
    assert Scale(Knob(lambda raw: f"{raw}", label="\a" * 99), "x").parameter.unit.isprintable()


def test_a_switch_upside_down() -> None:
    """On at position 0 is set at position 0."""
    scale = Scale(Knob(lambda raw: "On" if raw < 0.5 else "Off"), "bypass")
    assert scale.parameter.choices == ("On", "Off") and scale.stepped
    assert (scale.raw(0.0), scale.raw(1.0), scale.value(0.2), scale.value(0.9)) == (0.0, 1.0, 0.0, 1.0)
