"""The shipped effects against their teachers, and the presets that play them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.export.files import load_model
from tonerig.export.model import NeuralModel
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.plucked import riff
from tonerig.realtime.presets import load_preset
from tonerig.training.effects import data
from tonerig.training.effects.play import play_model
from tonerig.training.effects.shipped import (
    RATE,
    TARGETS,
    Figures,
    ShippedError,
    evaluate_shipped,
    guitar,
    model_file,
    shipped_effects,
)
from tonerig.training.effects.teachers import TEACHERS, wet_signal

Array = NDArray[np.float32]

SECONDS = 3.0
SHIPPED = shipped_effects()
MOST_BYTES = 20_000_000


@pytest.fixture(autouse=True)
def no_user_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of a user's hides a shipped one."""
    monkeypatch.setenv("TONERIG_LIBRARY", str(tmp_path / "library"))


@cache
def recordings() -> dict[str, Array]:
    """Three seconds of a real guitar, and the plucked phrase, which is there everywhere."""
    sounds = {"riff": riff(RATE), **dict(list(data.held_out_guitar(RATE).items())[:1])}
    return {name: sound[: round(SECONDS * RATE)] for name, sound in sounds.items()}


@cache
def figures(effect: str) -> Figures:
    return evaluate_shipped(effect, recordings())


def model(effect: str) -> NeuralModel:
    loaded = load_model(model_file(effect))
    assert isinstance(loaded, NeuralModel)
    return loaded


def test_they_are_all_there() -> None:
    """Each effect with a target has a model and a teacher, and together they are under 20 MB."""
    assert list(TARGETS) == SHIPPED and set(SHIPPED) <= set(TEACHERS)
    assert sum(model_file(effect).stat().st_size for effect in SHIPPED) < MOST_BYTES


@pytest.mark.parametrize("effect", SHIPPED)
def test_targets_hold(effect: str) -> None:
    """Each is as near to its teacher as it must be, over sound that it was not trained on."""
    found = figures(effect)
    assert found.holds, found.overall
    for one in found.recordings.values():
        assert one.closer_in_logmel


@pytest.mark.parametrize("effect", SHIPPED)
def test_esr_is_that_of_the_samples(effect: str) -> None:
    """Energies of all recordings together, counted in NumPy over what the engine and the teacher put out."""
    error = energy = dry_error = 0.0
    for dry in recordings().values():
        wet = wet_signal(TEACHERS[effect], dry, RATE, {}).astype(np.float64)
        error += float(np.sum((play_model(model(effect), dry, block=256) - wet) ** 2))
        dry_error += float(np.sum((dry - wet) ** 2))
        energy += float(np.sum(wet**2))
    found = figures(effect).overall
    assert found.esr == pytest.approx(error / energy, rel=1e-3, abs=1e-15)
    assert found.esr_dry == pytest.approx(dry_error / energy, rel=1e-6)
    assert found.closer_in_waveform == (error < dry_error)
    assert found.closer_in_waveform or effect == "octave"


@pytest.mark.parametrize("effect", SHIPPED)
def test_its_preset_plays_it(effect: str) -> None:
    """The preset of the same name is the model at its raw level, with all of its knobs stated."""
    preset = load_preset(effect)
    assert preset.name and preset.author == "tonerig" and preset.description.endswith(".")
    (link,) = preset.chain
    knobs = model(effect).knobs
    names = [] if knobs is None else [knob.name for knob in knobs.knobs]
    assert set(names) <= set(link.values)
    dry = recordings()["riff"][:9600]
    played = Runner(Program(preset.build(), RATE, 64, 1)).process(dry[None])[0]
    assert np.abs(played).max() > 0.01
    stated = {name: float(link.values[name]) for name in names}
    assert np.array_equal(played, play_model(model(effect), dry, knobs=stated))


@pytest.mark.parametrize("effect", [effect for effect in SHIPPED if model(effect).knobs is not None])
def test_knobs_are_the_teachers(effect: str) -> None:
    """On a guitar, at either end of each knob, the model is far nearer to the teacher there than it is at the
    default."""
    known = {parameter.name: parameter for parameter in TEACHERS[effect].parameters}
    knobs = model(effect).knobs
    assert knobs is not None
    dry = list(recordings().values())[-1]
    for knob in knobs.knobs:
        parameter = known[knob.name]
        assert (knob.minimum, knob.maximum, knob.unit) == (
            parameter.minimum,
            parameter.maximum,
            parameter.unit,
        )
        for end in (knob.minimum, knob.maximum):
            wet = wet_signal(TEACHERS[effect], dry, RATE, {knob.name: end})
            there, default = (
                float(np.sum((play_model(model(effect), dry, knobs=stands) - wet) ** 2))
                for stands in ({knob.name: end}, {})
            )
            assert there < 0.3 * default, (knob.name, end)


def test_knobs_error_is_repeatable() -> None:
    """Settings drawn by chance are the same each time; a model without knobs has none."""
    assert all(figures(effect).knobs_esr is None for effect in SHIPPED)
    turned = [effect for effect in SHIPPED if model(effect).knobs is not None]
    short = {"riff": recordings()["riff"][:24000]}
    for effect in turned[:1]:
        first, second = (evaluate_shipped(effect, short, settings=3).knobs_esr for _ in range(2))
        assert first is not None and first == second and first.settings == 3
        assert 0.0 < first.median <= first.worst


def test_what_is_not_shipped() -> None:
    """An unknown name is answered with those that there are."""
    with pytest.raises(ShippedError, match="'wahwah'; there are lowpass"):
        evaluate_shipped("wahwah", recordings())


def test_the_guitar_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the recordings are not installed, the package to install is named."""
    monkeypatch.setattr(data, "GUITAR_FOLDER", tmp_path)
    with pytest.raises(ShippedError, match=r"guit_e_fifths\.flac is not there; install the Debian package"):
        guitar()
