"""What is captured of a plugin gives the same plugin again."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.plugins.capture import capture
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.plugin import Plugin
from tonerig.realtime.plugins.scan import find

from tests.realtime.run import noise

from .hosts import needs_zam


def heard(signal: NDArray[np.float32], values: dict[str, Any], **texts: Any) -> NDArray[np.float32]:
    """What the plugin of the tests makes of a signal, its latency taken out."""
    program = Program([Plugin.variant({"plugin": "Trouble"})(values, **texts)], 48000, 256, 2)
    return Runner(program).process(signal)[:, program.latency :]


def test_all_values_and_the_state_are_captured(installed: Path) -> None:
    """Those that were asked for, and of the others what the plugin says."""
    found = capture("trouble", {"gain_db": "-6", "voicing": "hard"})
    assert (found.plugin, found.instrument) == ("Trouble", False)
    defaults = {part.parameter.name: part.parameter.default for part in find("Trouble").parameters}
    assert found.values == {**defaults, "gain_db": -6.0, "voicing": 2.0}
    assert found.raw_state is not None and len(base64.b64decode(found.raw_state, validate=True)) > 100


def test_state_or_values_alone_sound_the_same(installed: Path) -> None:
    """The captured state holds the settings: it gives what the values give, bit by bit."""
    signal = noise(0.1, 2)
    found = capture("Trouble", {"gain_db": -6.5, "bright": "on"})
    expected = heard(signal, {"gain_db": -6.5, "bright": "on"})
    assert np.abs(expected).max() > 0.1 and not np.allclose(expected, signal[:, : expected.shape[1]])
    assert np.array_equal(heard(signal, {}, raw_state=found.raw_state), expected)
    assert np.array_equal(heard(signal, found.values, raw_state=found.raw_state), expected)


def test_an_instrument_is_captured(installed: Path) -> None:
    """Its values and its state; that of hosting it has none."""
    found = capture("Pipe", {"volume_db": "-6"})
    assert (found.instrument, found.values) == (True, {"volume_db": -6.0})
    assert capture("Pipe", {}).raw_state != found.raw_state is not None


WRITE = """
import sys
from pathlib import Path
import numpy as np
from tonerig.realtime.plugins.inside import native
plugin = native.load(Path(sys.argv[1]), None)
parameters = {parameter.name: parameter for parameter in plugin._parameters}
parameters["Gain"].raw_value, parameters["Voicing"].raw_value = 0.4, 1.0
plugin.process(np.zeros((2, 512), np.float32), 48000, 512, False)
Path(sys.argv[2]).write_bytes(plugin.preset_data)
"""


def test_a_vstpreset_comes_before_the_settings(installed: Path, tmp_path: Path) -> None:
    """A file that pedalboard wrote of a turned plugin: its values, but for what was asked for."""
    file = tmp_path / "x.vstpreset"
    subprocess.run(
        [sys.executable, "-c", WRITE, installed / "Trouble.vst3", file], check=True, capture_output=True
    )
    found = capture("Trouble", {"bright": "on"}, file)
    assert (found.values["gain_db"], found.values["voicing"], found.values["bright"]) == (-28.0, 2.0, 1.0)
    signal = noise(0.1, 2)
    expected = heard(signal, {"gain_db": -28, "voicing": "hard", "bright": "on"})
    assert np.array_equal(heard(signal, found.values, raw_state=found.raw_state), expected)
    assert np.array_equal(heard(signal, {"bright": "on"}, vstpreset=file), expected)


def test_what_cannot_be_captured(installed: Path, tmp_path: Path) -> None:
    """No such plugin, a wrong setting, a file that is no preset of the plugin, or none at all."""
    with pytest.raises(
        PluginError, match=r"^there is no plugin Troubles; did you mean Trouble\?.*installed$"
    ):
        capture("Troubles", {})
    with pytest.raises(ParameterError, match="gain_db is 99"):
        capture("Trouble", {"gain_db": 99})
    (tmp_path / "x.vstpreset").write_bytes(b"VST3" + bytes(100))
    with pytest.raises(PluginError, match=r"Trouble does not take x\.vstpreset"):
        capture("Trouble", {}, tmp_path / "x.vstpreset")
    with pytest.raises(PluginError, match="there is no such file"):
        capture("Trouble", {}, tmp_path / "y.vstpreset")


@needs_zam
def test_what_a_plugin_rounds_is_no_setting() -> None:
    """ZamEQ2 says 1e-06 dB where its default is 0 dB; a setting keeps its digits."""
    values = capture("ZamEQ2", {"boost_cut_2_db": -3.125}).values
    assert values["boost_cut_1_db"] == 0.0
    assert values["boost_cut_2_db"] == pytest.approx(-3.125, abs=1e-5)
