"""VST3s in a worker: their shapes, their states, and instruments."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pedalboard
import pytest
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.inside import native
from tonerig.realtime.plugins.inside.slot import Slot

from ..hosts import MADE, ZAM, needs_made, needs_zam, noise
from .slots import RATE, STATED, WIDTHS, alone, order, pipe, ready, through, trouble, zam


def saved(name: str) -> pedalboard.VST3Plugin:
    """One of zam-plugins, its knobs turned away from where they are by default."""
    plugin = native.load(ZAM / f"{name}.vst3")
    natives = plugin._parameters
    for parameter in natives:
        if parameter.is_automatable and parameter.name != "Current Program":
            parameter.raw_value = (0.5 * parameter.raw_value + 0.31) % 1.0
    plugin.process(np.zeros((WIDTHS.get(name, 1), 64), np.float32), RATE, 64, False)
    return plugin


def text(state: bytes) -> str:
    """As it stands in presets."""
    return base64.b64encode(state).decode()


@needs_zam
def test_a_mono_plugin_runs_twice_for_two_channels() -> None:
    """Each channel has a compressor of its own, with the same knobs."""
    signal = noise(2, 5000) * np.array([[1.0], [0.1]], np.float32)
    slot = ready(zam("ZamComp", **STATED["ZamComp"]), 2)
    slot.turn(1, -20.0)
    settings = {**STATED["ZamComp"], "threshold_db": -20.0}
    expected = [alone(ZAM / "ZamComp.vst3", channel[None], 512, **settings)[0] for channel in signal]
    np.testing.assert_array_equal(through(slot, signal, 512), expected)
    assert slot.outputs == 2


@needs_zam
def test_a_stereo_plugin_gets_a_mono_signal_twice() -> None:
    """And two channels come out."""
    signal = noise(1, 5000)
    slot = ready(zam("ZaMaximX2"), 1)
    expected = alone(ZAM / "ZaMaximX2.vst3", np.repeat(signal, 2, axis=0), 512)
    np.testing.assert_array_equal(through(slot, signal, 512)[:, 480:], expected[:, : 5000 - 480])


@needs_zam
def test_may_be_prepared_again_in_another_shape() -> None:
    """Two channels, then one, then two: as if it had been so from the beginning."""
    slot, signal = Slot(zam("ZamDelay", **STATED["ZamDelay"])), noise(2, 3000)
    expected = alone(ZAM / "ZamDelay.vst3", signal[:1], 512, 44100.0, **STATED["ZamDelay"])
    for channels in (2, 1, 2):
        slot.prepare(44100.0, 512, channels)
        sound = through(slot, signal[:channels], 512)
        np.testing.assert_array_equal(sound[:1], expected)


@needs_zam
def test_a_state_is_taken_and_given_back() -> None:
    """All knobs are where they were saved, and stated values come on top."""
    plugin = saved("ZamComp")
    state = bytes(plugin.raw_state)
    slot = Slot(zam("ZamComp", "ratio", "knee_db", raw_state=text(state)))
    assert slot.raw_state == state
    assert slot.notices == []
    slot = Slot(zam("ZamComp", "knee_db", ratio=3.0, raw_state=text(state)))
    positions = {p.name: p.raw_value for p in plugin._parameters}
    knee, ratio = slot.values()
    assert knee == pytest.approx(8.0 * positions["Knee"], abs=0.01)
    assert ratio == pytest.approx(3.0, abs=0.02)


@needs_zam
@pytest.mark.parametrize("stranger", ["ZamTube", "ZamEQ2"])
def test_another_plugins_state_is_a_notice(stranger: str) -> None:
    """The plugin is named and plays with its own values."""
    named = ("attack_ms", "release_ms", "knee_db", "ratio", "threshold_db", "makeup_db", "slew")
    slot = Slot(zam("ZamComp", *named, raw_state=text(bytes(saved(stranger).raw_state))))
    assert [notice for notice in slot.notices if "ZamComp" in notice and "another plugin" in notice]
    assert slot.values() == Slot(zam("ZamComp", *named)).values()


@needs_zam
def test_another_versions_state_is_no_notice() -> None:
    """It differs from what the plugin gives back, but moves its knobs, be it to their defaults."""
    named = ("tube_drive", "bass", "mids", "treble", "insane_boost", "input_level")
    for plugin in (native.load(ZAM / "ZamTube.vst3"), saved("ZamTube")):
        plugin.process(np.zeros((1, 64), np.float32), RATE, 64, False)
        slot = Slot(zam("ZamTube", *named, raw_state=text(bytes(plugin.raw_state) + b"\0")))
        assert slot.notices == []
        assert slot.raw_state == bytes(plugin.raw_state)


@needs_made
def test_a_state_that_no_knob_shows_is_no_notice() -> None:
    """What the plugin keeps beside its parameters is enough."""
    plugin = native.load(MADE / "Trouble.vst3")
    empty = bytes(plugin.raw_state)
    learn = next(p for p in plugin._parameters if p.name == "Learn")
    learn.raw_value = 1.0
    plugin.process(np.full((2, 64), 0.125, np.float32), RATE, 64, False)
    learn.raw_value = 0.0
    plugin.process(np.zeros((2, 64), np.float32), RATE, 64, False)
    state = bytes(plugin.raw_state)
    assert state != empty
    for given in (state, state + b"\0"):
        slot = ready(trouble(raw_state=text(given)), 2)
        assert slot.notices == []
        np.testing.assert_allclose(slot.process(np.zeros((2, 64), np.float32)), 0.125)


@needs_zam
def test_a_preset_file_is_taken(tmp_path: Path) -> None:
    """A ``.vstpreset`` of the plugin sets its state; another plugin's is a notice, a missing one an error."""
    plugin, path = saved("ZamComp"), tmp_path / "mine.vstpreset"
    path.write_bytes(plugin.preset_data)
    slot = Slot(zam("ZamComp", vstpreset=path))
    assert slot.raw_state == bytes(plugin.raw_state)
    assert slot.notices == []
    (notice,) = Slot(zam("ZamTube", vstpreset=path)).notices
    assert "ZamTube" in notice
    assert "mine.vstpreset" in notice
    with pytest.raises(PluginError, match=r"gone\.vstpreset: there is no such file"):
        Slot(zam("ZamComp", vstpreset=tmp_path / "gone.vstpreset"))


@needs_zam
def test_a_huge_preset_file_is_a_notice(tmp_path: Path) -> None:
    """3 GB, more than a worker may hold, are not read."""
    path = tmp_path / "huge.vstpreset"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    (notice,) = Slot(zam("ZamComp", vstpreset=path)).notices
    assert "huge.vstpreset, which has 3072 MB, expected at most 16 MB" in notice


@needs_zam
def test_broken_orders_are_refused() -> None:
    """A state that is no base64, a parameter that the plugin has not, a plugin that is not there."""
    with pytest.raises(PluginError, match=r"ZamComp: its raw_state is no base64"):
        Slot(zam("ZamComp", raw_state="***"))
    with pytest.raises(PluginError, match="other parameters than when it was scanned"):
        Slot({**zam("ZamComp"), "parameters": [{"name": "ghost", "index": 999}]})
    with pytest.raises(PluginError, match="there is no such plugin"):
        Slot({**zam("ZamComp"), "path": "/nowhere/Gone.vst3"})


@needs_made
def test_a_plugin_of_eight_channels_is_refused() -> None:
    """With its name."""
    slot = Slot(order(MADE / "Eight.vst3"))
    with pytest.raises(PluginError, match="Eight takes neither one nor two channels"):
        slot.prepare(RATE, 64, 2)


@needs_made
@pytest.mark.parametrize("rate", [44100.0, 48000.0, 96000.0])
def test_notes_sound_at_their_frames(rate: float) -> None:
    """At every frame of a block, whatever the rounding of times; its sound is the formula's."""
    slot = ready(order(MADE / "Pipe.vst3"), max_block=441, rate=rate)
    block, events = np.zeros((1, 441), np.float32), [(7 * k, 40 + k) for k in range(60)]
    parts = [slot.process(block, [(frame, bytes((0x90, key, 100))) for frame, key in events])]
    parts += [slot.process(block[:, :count]) for count in (1, 2, 16, 441)]
    sound = np.concatenate(parts, axis=1)
    np.testing.assert_allclose(sound, pipe(events, sound.shape[1], rate), atol=2e-4)
    assert slot.outputs == 2


@needs_made
def test_no_note_hangs() -> None:
    """Neither the one that pedalboard plays when it loads an instrument, nor a held one after a reset."""
    slot = ready(order(MADE / "Pipe.vst3", "volume_db", volume_db=6.0))
    block = np.zeros((1, 512), np.float32)
    assert not slot.process(block).any()
    assert slot.process(block, [(0, bytes((0x93, 60, 100)))]).any()
    slot.reset()
    assert not slot.process(block).any()
    assert slot.values() == [pytest.approx(6.0, abs=0.1)]
