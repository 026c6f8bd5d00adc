"""Tests of holding a model's knobs: the same sound, in formats that have no knobs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tonerig.export.errors import FormatCannotSay
from tonerig.export.files import load_model, save_model
from tonerig.export.freeze import freeze
from tonerig.export.model import Chain, Container, NeuralModel, Stack, WaveNet
from tonerig.export.reference import evaluate

from tests.export.learnt import LEARNT, gain, learnt_model, wavenet
from tests.export.same import same

SIGNAL = (0.3 * np.random.default_rng(1).standard_normal(1500)).astype(np.float32)
VALUES = {"drive": 7.0, "tone_hz": 300.0}
KNOBBED = [kind for kind in LEARNT if learnt_model(kind, 0).knobs is not None]


@pytest.mark.parametrize("kind", KNOBBED)
def test_a_held_model_sounds_as_the_knobs_stand(kind: str) -> None:
    """With the knobs turned, without a prewarm that stands at the defaults: within 1e-5."""
    model = replace(learnt_model(kind, 3), prewarm=0)
    held = freeze(model, VALUES)
    assert held.knobs is None
    assert held.metadata.extra["settings"] == VALUES
    expected = evaluate(model, SIGNAL, knobs=VALUES)
    assert np.abs(expected - evaluate(model, SIGNAL)).max() > 1e-3
    if kind in ("knobbed_wavenet", "amp"):  # zeros before the first sample are heard as other zeros
        held, expected = (
            replace(held, prewarm=400),
            evaluate(model, np.pad(SIGNAL, (400, 0)), knobs=VALUES)[400:],
        )
    np.testing.assert_allclose(evaluate(held, SIGNAL), expected, atol=1e-5 * np.abs(expected).max())


def test_an_amp_becomes_a_nam_file(tmp_path: Path) -> None:
    """Gain, WaveNet with FiLM, and response: a Sequential of two with a WaveNet of the first generation."""
    model = learnt_model("amp", 4)
    with pytest.raises(FormatCannotSay, match=r"cannot say knobs; .* --set drive=4 --set tone_hz=800"):
        save_model(model, tmp_path / "amp.nam")
    held = freeze(model, VALUES)
    save_model(held, tmp_path / "amp.nam")
    document = json.loads((tmp_path / "amp.nam").read_text())
    inner = document["config"]["models"]
    assert [part["architecture"] for part in inner] == ["WaveNet", "Linear"]
    assert inner[0]["version"] == "0.5.4"
    assert document["metadata"]["settings"] == VALUES
    again = load_model(tmp_path / "amp.nam")
    assert isinstance(again, NeuralModel)
    np.testing.assert_allclose(evaluate(again, SIGNAL), evaluate(held, SIGNAL), atol=1e-12)


def test_a_gain_and_a_wavenet_become_one_that_every_plugin_reads(tmp_path: Path) -> None:
    """The gain goes into the weights, and no chain is left."""
    rng = np.random.default_rng(0)
    amp = learnt_model("amp", 5)
    model = replace(amp, network=Chain((NeuralModel(gain(rng)), NeuralModel(wavenet(rng)))))
    held = freeze(model, VALUES)
    assert isinstance(held.network, WaveNet)
    save_model(held, tmp_path / "amp.nam")
    assert json.loads((tmp_path / "amp.nam").read_text())["version"] == "0.5.4"
    late = evaluate(model, SIGNAL, knobs=VALUES)[100:]
    np.testing.assert_allclose(evaluate(held, SIGNAL)[100:], late, atol=1e-5)


def test_a_recurrent_model_becomes_an_aida_x_file(tmp_path: Path) -> None:
    """Its features go into the biases, and a gain before it into its own."""
    lstm = learnt_model("knobbed_lstm", 6)
    parts = (NeuralModel(gain(np.random.default_rng(1))), NeuralModel(lstm.network))
    model = replace(lstm, network=Chain(parts), prewarm=0)
    held = freeze(model, VALUES)
    assert isinstance(held.network, Stack)
    save_model(held, tmp_path / "amp.json")
    again = load_model(tmp_path / "amp.json")
    assert isinstance(again, NeuralModel)
    np.testing.assert_allclose(evaluate(again, SIGNAL), evaluate(model, SIGNAL, knobs=VALUES), atol=1e-5)


@pytest.mark.parametrize(("suffix", "what"), [("nam", "Compression"), ("json", "Chain")])
def test_what_no_format_can_say(suffix: str, what: str, tmp_path: Path) -> None:
    """A held rig still has a compression and an echo; the sentence names what is missing."""
    held = freeze(learnt_model("rig", 7), {})
    with pytest.raises(FormatCannotSay, match=rf"cannot say a .*{what}; save as \.onnx"):
        save_model(held, tmp_path / f"rig.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_knobs_is_what_it_was() -> None:
    """Nothing to hold; a knob that it does not have is refused."""
    model = learnt_model("echo", 0)
    assert freeze(model, {}) is model
    with pytest.raises(ValueError, match="no knob 'drive'; its knobs are none"):
        freeze(model, {"drive": 1.0})
    with pytest.raises(ValueError, match="drive is 11, but 0 to 10 is expected"):
        freeze(learnt_model("amp", 0), {"drive": 11.0})


def test_of_a_container_the_largest_is_held() -> None:
    """The submodel that plays, with the knobs of the whole."""
    model = learnt_model("amp", 8)
    inside = Container(((1.0, replace(model, knobs=None)),))
    assert same(freeze(replace(model, network=inside), VALUES).network, freeze(model, VALUES).network)
