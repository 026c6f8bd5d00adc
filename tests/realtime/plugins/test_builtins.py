"""pedalboard's own effects as processors, against pedalboard called directly."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
import pytest
from pedalboard.io import AudioFile
from tonerig.realtime.audio_files import AudioFileError
from tonerig.realtime.parameters import Parameter, ParameterError
from tonerig.realtime.plugins import builtins
from tonerig.realtime.plugins.builtins import Builtin
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.hosted import HOSTING
from tonerig.realtime.plugins.slot import Slot

from .hosts import Signal, in_pieces, noise

RATE = 48000.0
CLASSES = {
    kind.name: kind
    for _, kind in inspect.getmembers(builtins, inspect.isclass)
    if issubclass(kind, Builtin) and kind is not Builtin
}
FORGETFUL = ("pitch_shift", "gsm")
"""They lose their sound between blocks in pedalboard 0.9.26 (https://github.com/spotify/pedalboard/issues/415)."""
TURNED: dict[str, dict[str, Any]] = {
    "chorus": {"rate_hz": 3.0, "depth": 0.6, "feedback": 0.3},
    "phaser": {"rate_hz": 2.0, "mix": 0.8},
    "distortion": {"drive_db": 12.0},
    "clipping": {"threshold_db": -20.0},
    "bitcrush": {"bit_depth": 5.0},
    "pitch_shift": {"semitones": 7.0},
    "high_pass": {"cutoff_frequency_hz": 700.0},
    "low_pass": {"cutoff_frequency_hz": 900.0},
    "high_shelf": {"gain_db": 9.0},
    "low_shelf": {"gain_db": -9.0},
    "peak_filter": {"gain_db": 12.0, "q": 3.0},
    "ladder_filter": {"mode": "BPF24", "resonance": 0.7, "drive": 3.0},
    "resample": {"target_sample_rate": 6000.0, "quality": "Linear"},
    "mp3": {"vbr_quality": 8.0},
    "gsm": {"quality": "Linear"},
    "convolution": {"mix": 0.5},
    "brickwall_limiter": {"ceiling_db": -15.0, "lookahead_ms": 2.0, "true_peak": "on"},
    "pedalboard_compressor": {"threshold_db": -30.0, "ratio": 6.0},
    "pedalboard_delay": {"delay_seconds": 0.05, "feedback": 0.5},
    "pedalboard_gain": {"gain_db": -7.0},
    "pedalboard_limiter": {"threshold_db": -20.0},
    "pedalboard_noise_gate": {"threshold_db": -15.0},
    "pedalboard_reverb": {"room_size": 0.9, "freeze_mode": "off"},
}


@pytest.fixture
def impulse(tmp_path: Path) -> Path:
    """A decaying impulse response."""
    path = tmp_path / "hall.wav"
    decay = np.exp(-np.arange(4000) / 500.0)
    with AudioFile(str(path), "w", 44100, 1, bit_depth=32) as file:
        file.write((noise(1, 4000, 0.3) * decay).astype(np.float32))
    return path


def made(name: str, impulse: Path, values: dict[str, Any] | None = None) -> Builtin:
    """A processor, with an impulse response where it takes one."""
    kind = CLASSES[name]
    return kind(values, **({"impulse": impulse} if kind.files else {}))


def alone(processor: Builtin, impulse: Path) -> Any:
    """The same effect of pedalboard's, set by its attributes."""
    kind = getattr(pedalboard, processor.effect)
    plugin = kind(str(impulse)) if processor.files else kind()
    for parameter in own(processor):
        value: Any = processor.values[parameter.name]
        present = getattr(plugin, parameter.name)
        if isinstance(present, bool):
            value = bool(value)
        elif not isinstance(present, int | float):
            value = getattr(type(present), parameter.choices[int(value)])
        setattr(plugin, parameter.name, value)
    return plugin


def own(processor: Builtin | type[Builtin]) -> list[Parameter]:
    """The effect's own parameters."""
    return [parameter for parameter in processor.parameters if parameter not in HOSTING]


def through(slot: Slot, signal: Signal, *sizes: int) -> Signal:
    """A signal in blocks of these sizes in turn, each of which must come out as long as it went in."""
    parts = []
    for part in in_pieces(signal, *sizes):
        parts.append(slot.process(np.ascontiguousarray(part)))
        assert parts[-1].shape == part.shape
    return np.concatenate(parts, axis=1)


def test_every_effect_of_pedalboard_is_there() -> None:
    """One processor for each, with each of its attributes as a parameter."""
    no_effects = {"Pedalboard", "Chain", "Mix", "PluginContainer", "Plugin", "ExternalPlugin", "VST3Plugin"}
    abstract = {"IIRFilter", "AudioUnitPlugin"}
    brought = {
        name
        for name, kind in inspect.getmembers(pedalboard, inspect.isclass)
        if issubclass(kind, pedalboard.Plugin) and name == kind.__name__ and name not in no_effects | abstract
    }
    assert {kind.effect for kind in CLASSES.values()} == brought
    for kind in CLASSES.values():
        attributes = {
            name
            for name, member in inspect.getmembers(getattr(pedalboard, kind.effect))
            if isinstance(member, property) and member.fset is not None
        }
        assert {parameter.name for parameter in own(kind)} == attributes


@pytest.mark.parametrize("name", CLASSES)
def test_parameters_are_pedalboards(name: str, impulse: Path) -> None:
    """The defaults are pedalboard's, switches have the names of its enumerations in their order."""
    processor = made(name, impulse)
    plugin = getattr(pedalboard, processor.effect)(*([str(impulse)] if processor.files else []))
    for parameter in own(processor):
        present = getattr(plugin, parameter.name)
        members = getattr(type(present), "__members__", None)
        if members is not None:
            assert parameter.choices == tuple(members)
            assert parameter.choices[int(parameter.default)] == present.name
        else:
            assert parameter.default == pytest.approx(float(present), rel=1e-6)


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in FORGETFUL])
def test_takes_both_ends_of_its_ranges(name: str, impulse: Path) -> None:
    """All knobs at their least, and at their most: it plays, and its sound is finite."""
    for end in ("minimum", "maximum"):
        processor = made(name, impulse)
        for parameter in own(processor):
            processor.values[parameter.name] = getattr(parameter, end)
        slot = Slot(processor.order())
        slot.prepare(RATE, 256, 2)
        turned = [p for p in own(processor) if p.name not in processor.fixed]
        assert slot.values() == pytest.approx([processor.values[p.name] for p in turned])
        assert np.isfinite(through(slot, noise(2, 4096), 256)).all()


@pytest.mark.parametrize("block", [16, 64, 441, 4096])
@pytest.mark.parametrize("name", [name for name in CLASSES if name not in FORGETFUL])
def test_gives_pedalboards_samples(name: str, block: int, impulse: Path) -> None:
    """After the latency's zeros every sample is as pedalboard gives it, none is late; and after a reset."""
    processor = made(name, impulse, TURNED.get(name))
    slot, signal = Slot(processor.order()), noise(2, 12 * 4096)
    slot.prepare(RATE, block, 2)
    signal = signal[:, : max(400 * block, 2 * slot.latency)]
    expected = alone(processor, impulse)(signal, RATE, buffer_size=block)
    for _ in range(2):
        sound = through(slot, signal, block)
        assert not sound[:, : slot.latency].any()
        delayed = expected[:, : signal.shape[1] - slot.latency]
        np.testing.assert_array_equal(sound[:, slot.latency :], delayed)
        slot.reset()
    assert slot.shortfall == 0


@pytest.mark.parametrize(
    "name", ["chorus", "pedalboard_reverb", "pedalboard_delay", "convolution", "bitcrush"]
)
def test_blocks_may_have_any_lengths(name: str, impulse: Path) -> None:
    """A block longer than those before it starts nothing anew, and two channels of two samples are two."""
    processor = made(name, impulse, TURNED[name])
    slot, signal = Slot(processor.order()), noise(2, 6000)
    slot.prepare(RATE, 512, 2)
    whole = through(slot, signal, 512)
    slot.reset()
    np.testing.assert_allclose(through(slot, signal, 1, 2, 16, 512, 3, 441), whole, atol=1e-6)


@pytest.mark.parametrize("name", ["resample", "mp3", "brickwall_limiter"])
@pytest.mark.parametrize("max_block", [64, 512])
def test_effects_that_hold_sound_back_are_never_late(name: str, max_block: int, impulse: Path) -> None:
    """Whatever the lengths of blocks, one sample of two channels included."""
    processor = made(name, impulse)
    slot, signal = Slot(processor.order()), noise(2, 20000)
    slot.prepare(RATE, max_block, 2)
    for sizes in ((16,), (1, max_block), (max_block, 16, 2), (63, 1, 5)):
        slot.reset()
        sound = through(slot, signal, *sizes)
        assert slot.shortfall == 0
        assert np.abs(sound[:, -1000:]).max() > 0.05


@pytest.mark.parametrize("name", FORGETFUL)
def test_an_effect_that_forgets_is_refused(name: str, impulse: Path) -> None:
    """pedalboard would give silence or gaps for sound in blocks."""
    slot = Slot(made(name, impulse, TURNED[name]).order())
    with pytest.raises(PluginError, match=f"{CLASSES[name].effect} forgets its sound from block to block"):
        slot.prepare(RATE, 64, 1)


def test_a_rate_that_an_effect_does_not_know() -> None:
    """MP3 has no 96 kHz; the sentence says so."""
    slot = Slot(builtins.Mp3().order())
    with pytest.raises(PluginError, match=r"MP3Compressor does not run at 96000 Hz: .*48kHz"):
        slot.prepare(96000.0, 64, 1)


def test_a_frequency_glides_in_octaves() -> None:
    """Halfway through its glide a cutoff is at the geometric mean, at the end at its goal."""
    slot = Slot(builtins.LowPass({"cutoff_frequency_hz": 100.0}).order())
    slot.prepare(RATE, 480, 1)
    ones = np.ones((1, 480), np.float32)
    loaded: Any = slot._loaded
    slot.process(ones)
    slot.turn(0, 6400.0)
    assert slot.values() == [6400.0]
    slot.process(ones)
    assert loaded._plugin.cutoff_frequency_hz == pytest.approx(800.0, rel=1e-5)
    slot.process(ones)
    assert loaded._plugin.cutoff_frequency_hz == pytest.approx(6400.0, rel=1e-5)


def test_a_gain_glides_without_clicks() -> None:
    """20 dB less in 15 steps of 64 samples; a fresh one starts where it is."""
    slot = Slot(builtins.PedalboardGain({"gain_db": 0.0}).order())
    slot.prepare(RATE, 960, 1)
    slot.turn(0, 20.0)
    ones = np.ones((1, 960), np.float32)
    np.testing.assert_allclose(slot.process(ones)[0, 200:], 10.0, rtol=1e-3)
    slot.turn(0, 0.0)
    sound = np.concatenate((slot.process(ones), slot.process(ones)), axis=1)[0]
    steps = -np.diff(20 * np.log10(sound))
    assert steps.max() < 1.4 < 20.0 * 15 / 200
    assert sound[-1] == pytest.approx(1.0, rel=1e-3)
    assert math.isclose(float(np.sum(steps)), 20.0, rel_tol=0.1)


def test_orders_tell_glides_from_jumps(impulse: Path) -> None:
    """A switch jumps, a logarithmic knob glides in its logarithm, what is fixed is no knob; a file's path."""
    order = builtins.LadderFilter({"mode": "HPF24"}).order()
    ways = {row["name"]: row["glide"] for row in order["parameters"]}
    assert ways == {
        "mode": "jump",
        "cutoff_hz": "logarithmic",
        "resonance": "linear",
        "drive": "logarithmic",
    }
    assert order["values"]["mode"] == 4.0
    order = builtins.BrickwallLimiter({"lookahead_ms": 2.0}).order()
    assert [row["name"] for row in order["parameters"]] == ["ceiling_db", "release_ms"]
    assert order["fixed"] == {"lookahead_ms": 2.0, "true_peak": 0.0}
    assert made("convolution", impulse).order()["files"] == {"impulse": str(impulse)}


def test_bad_input_is_refused(tmp_path: Path, impulse: Path) -> None:
    """A value out of range, a parameter that is not there, a file without sound, one that is gone by now."""
    with pytest.raises(ParameterError, match=r"rate_hz is 500, expected 0\.01 to 20 Hz"):
        builtins.Chorus({"rate_hz": 500.0})
    with pytest.raises(ParameterError, match="phaser has no parameter speed; it has rate_hz"):
        builtins.Phaser({"speed": 1.0})
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound")
    with pytest.raises(AudioFileError, match=r"broken\.wav"):
        builtins.Convolution(impulse=broken)
    order = made("convolution", impulse).order()
    impulse.unlink()
    with pytest.raises(PluginError, match=r"hall\.wav: is no sound that can be read"):
        Slot(order)
    with pytest.raises(PluginError, match="this pedalboard has no effect Wobble"):
        Slot({"kind": "pedalboard", "effect": "Wobble", "parameters": [], "values": {}})
