"""A plugin in its slot: pedalboard's samples in their places, knobs that glide, states, notes."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
import pytest
from pedalboard._pedalboard import to_python_parameter_name
from tonerig.realtime.plugins import native
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.slot import GLIDE_S, PIECE, Slot

from .hosts import MADE, ZAM, Signal, Trouble, in_pieces, needs_made, needs_zam, noise

RATE = 48000.0
STATED = {
    "ZamComp": {"ratio": 8.0, "threshold_db": -30.0, "makeup_db": 6.0, "attack_ms": 5.0},
    "ZaMaximX2": {"threshold_db": -12.0},
    "ZamTube": {"tube_drive": 5.0, "bass": 7.0},
    "ZamDelay": {"time_ms": 120.0, "feedback": 0.5},
    "ZamGEQ31": {"master_gain_db": 3.0},
}
WIDTHS = {"ZaMaximX2": 2}
UNCERTAIN = {"ZamTube": 1e-2}
"""ZamTube begins with what its memory happens to hold: two runs of pedalboard itself may differ so much."""


def order(
    path: Path,
    *names: str,
    raw_state: str | None = None,
    vstpreset: Path | None = None,
    **stated: float | str | bool,
) -> dict[str, Any]:
    """What to load, with these parameters and those whose values are stated."""
    plugin = native.load(path)
    places = {to_python_parameter_name(parameter): parameter.index for parameter in plugin._parameters}
    return {
        "kind": "vst3",
        "path": str(path),
        "name": None,
        "instrument": plugin.is_instrument,
        "parameters": [{"name": name, "index": places[name]} for name in dict.fromkeys((*names, *stated))],
        "values": stated,
        "raw_state": raw_state,
        "vstpreset": None if vstpreset is None else str(vstpreset),
    }


def zam(name: str, *names: str, **stated: Any) -> dict[str, Any]:
    """The order for one of zam-plugins."""
    return order(ZAM / f"{name}.vst3", *names, **stated)


def trouble(name: str = "Trouble", **stated: Any) -> dict[str, Any]:
    """The order for a plugin made for the tests, all of its parameters named."""
    return order(MADE / f"{name}.vst3", *Trouble.places, **stated)


def ready(order: dict[str, Any], channels: int = 1, max_block: int = 512, rate: float = RATE) -> Slot:
    """A slot that is prepared."""
    slot = Slot(order)
    slot.prepare(rate, max_block, channels)
    return slot


def through(slot: Slot, signal: Signal, *sizes: int) -> Signal:
    """A signal in blocks of these sizes in turn, each of which must come out as long as it went in."""
    parts = []
    for part in in_pieces(signal, *sizes):
        parts.append(slot.process(np.ascontiguousarray(part)))
        assert parts[-1].shape == (slot.outputs, part.shape[1])
    return np.concatenate(parts, axis=1)


def alone(path: Path, signal: Signal, block: int, rate: float = RATE, **stated: Any) -> Signal:
    """What pedalboard gives for a signal by itself."""
    plugin = pedalboard.load_plugin(str(path))
    for name, value in stated.items():
        setattr(plugin, name, value)
    return np.asarray(plugin(signal, rate, buffer_size=block))


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
@pytest.mark.parametrize("block", [64, 512])
@pytest.mark.parametrize("name", STATED)
def test_gives_pedalboards_samples(name: str, block: int) -> None:
    """After the latency's zeros every sample is as without a slot, and again after a reset."""
    signal = noise(WIDTHS.get(name, 1), 20000)
    slot = ready(zam(name, **STATED[name]), len(signal), block)
    expected = alone(ZAM / f"{name}.vst3", signal, block, **STATED[name])
    for _ in range(2):
        sound = through(slot, signal, block)
        assert not sound[:, : slot.latency].any()
        delayed = expected[:, : 20000 - slot.latency]
        np.testing.assert_allclose(sound[:, slot.latency :], delayed, rtol=0, atol=UNCERTAIN.get(name, 0))
        slot.reset()
    assert slot.latency == (480 if name == "ZaMaximX2" else 0)
    assert slot.shortfall == 0


@needs_zam
@pytest.mark.parametrize("name", ["ZamComp", "ZaMaximX2", "ZamGEQ31"])
def test_blocks_may_have_any_lengths(name: str) -> None:
    """A block longer than those before it starts nothing anew, and two channels of two samples are two."""
    signal = noise(WIDTHS.get(name, 1), 6000)
    slot = ready(zam(name, **STATED[name]), len(signal))
    whole = through(slot, signal, 512)
    slot.reset()
    np.testing.assert_array_equal(through(slot, signal, 1, 2, 16, 512, 3, 441), whole)


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


@needs_made
def test_a_latency_that_is_reported_is_waited_for() -> None:
    """A plugin that is 100 samples late and says so is in its place; one that only says so is early."""
    signal = noise(2, 2000)
    for late_by in (100, 0):
        slot = ready(trouble(late_by=late_by, says_late_by=100), 2)
        assert slot.latency == 100
        sound = through(slot, signal, 64)
        assert not sound[:, :100].any()
        skipped = 100 - late_by
        np.testing.assert_allclose(sound[:, 100:], signal[:, skipped : skipped + 1900], atol=1e-6)


def test_what_comes_later_than_it_may_is_counted() -> None:
    """An MP3 encoder that is set anew while it plays keeps sound back once more; zeros come in between."""
    slot = ready(
        {
            "kind": "pedalboard",
            "effect": "MP3Compressor",
            "parameters": [{"name": "vbr_quality", "glide": "jump"}],
            "values": {"vbr_quality": 2.0},
        }
    )
    signal = np.full((1, 20 * 512), 0.5, np.float32)
    through(slot, signal, 512)
    assert slot.shortfall == 0
    slot.turn(0, 5.0)
    sound = through(slot, np.tile(signal, 2), 512)
    assert 1000 < slot.shortfall < 2 * slot.latency
    assert 1000 < np.sum(sound == 0.0) <= slot.shortfall + slot.latency
    np.testing.assert_allclose(sound[0, -4096:], 0.5, atol=0.05)


@needs_zam
def test_a_turned_knob_glides() -> None:
    """12 dB more make no step in a sine larger than one of the glide's, which ends at its goal."""
    slot = ready(zam("ZamComp", "makeup_db", threshold_db=0.0), max_block=256)
    time = np.arange(4800) / RATE
    sine = (0.1 * np.sin(2 * np.pi * 100.0 * time)).astype(np.float32)[None]
    before = through(slot, sine[:, :2400], 64)
    names = [row["name"] for row in zam("ZamComp", "makeup_db", threshold_db=0.0)["parameters"]]
    slot.turn(names.index("makeup_db"), 12.0)
    assert slot.values()[names.index("makeup_db")] == 12.0
    after = through(slot, sine[:, 2400:], 256, 64, 100)
    gain = 10.0 ** (12.0 / 20.0)
    sound = np.concatenate((before, after), axis=1)[0]
    steps = math.ceil(GLIDE_S * RATE / PIECE)
    slope = 2 * np.pi * 100.0 / RATE * 0.1 * gain
    one_step = 0.1 * gain * (1.0 - 10.0 ** (-12.0 / 20.0 / steps))
    assert np.abs(np.diff(sound)).max() < slope + 1.3 * one_step
    np.testing.assert_allclose(sound[2400 + 960 :], gain * sine[0, 2400 + 960 :], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(sound[:2400], sine[0, :2400], rtol=2e-3, atol=1e-5)


@needs_made
def test_a_gain_glides_along_a_line() -> None:
    """A gain in dB is linear in its position: after half the time half of the decibels are there."""
    slot = ready(trouble(), 2)
    ones = np.ones((2, 480), np.float32)
    slot.process(ones)
    slot.turn(0, -20.0)
    halfway, end = slot.process(ones), slot.process(ones)
    assert 20 * math.log10(halfway[0, -1]) == pytest.approx(-10.0, abs=0.05)
    assert 20 * math.log10(end[0, -1]) == pytest.approx(-20.0, abs=0.01)
    slot.turn(list(Trouble.places).index("voicing"), 2.0)
    np.testing.assert_allclose(slot.process(10 * ones), 0.25)


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


def pipe(notes: Sequence[tuple[int, int]], frames: int, rate: float) -> Signal:
    """Notes of the test instrument that are held: frame, key; velocity 100."""
    sound = np.zeros(frames)
    for frame, key in notes:
        n = np.arange(frames - frame)
        frequency = 440.0 * 2.0 ** ((key - 69) / 12.0)
        sound[frame:] += 0.2 * 100 / 127 * np.sin(2 * np.pi * frequency * n / rate)
    return np.repeat(sound[None], 2, axis=0).astype(np.float32)


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


@needs_made
def test_notes_keep_their_frames_while_a_knob_glides() -> None:
    """A block in pieces takes each note in the piece that it belongs to."""
    slot = ready(order(MADE / "Pipe.vst3", "volume_db", volume_db=-20.0))
    block, notes = np.zeros((1, 512), np.float32), [(0, 50), (63, 60), (64, 70), (300, 80)]
    slot.process(block)
    slot.turn(0, 0.0)
    slot.process(block)
    slot.process(block)
    slot.turn(0, 0.1)
    sound = slot.process(block, [(frame, bytes((0x90, key, 100))) for frame, key in notes])
    np.testing.assert_allclose(sound, pipe(notes, 512, RATE), atol=0.02)
