"""pedalboard's own effects as processors, against pedalboard called directly."""

from __future__ import annotations

import inspect
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
from tonerig.realtime.plugins.inside.slot import Slot

from .hosts import noise, offline, rendered
from .inside.slots import RATE, through

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


def test_a_chain_of_them_gives_pedalboards_samples() -> None:
    """In their workers, and with what each of them holds back made up for."""
    limits = {"ceiling_db": -15.0, "true_peak": "on"}
    chain = builtins.Chorus({"mix": 0.7}), builtins.BrickwallLimiter(limits), builtins.Invert()
    signal = noise(2, 8000)
    limiter = pedalboard.BrickwallLimiter(ceiling_db=-15.0, true_peak=True)
    expected = -limiter(pedalboard.Chorus(mix=0.7)(signal, RATE, buffer_size=512), RATE, buffer_size=512)
    np.testing.assert_array_equal(rendered(offline(*chain, inputs=2), signal, 512), expected)
