"""Reading estimators: what is refused, and what the probabilities are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import scipy.special
from onnx import TensorProto, helper, numpy_helper
from tonerig.realtime.match.estimator import (
    KEY,
    EstimatorError,
    described,
    load_estimator,
    probabilities,
    shipped_estimator,
)
from tonerig.realtime.match.synths import FOUR, SYNTHS, MatchedSynth, UnknownSynthError


def tiny(path: Path, synth: MatchedSynth = FOUR, operator: str = "Gemm", /, **said: Any) -> Path:
    """An estimator that says the same of every sound, written to a path."""
    total, bins = sum(synth.levels), synth.window // 2 + 1
    weights = [
        numpy_helper.from_array(np.zeros((bins, total), np.float32), "weights"),
        numpy_helper.from_array(np.arange(total, dtype=np.float32) / 100, "biases"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["magnitudes"], ["mean"], axes=[1], keepdims=0),
        helper.make_node(operator, ["mean", "weights", "biases"], ["logits"]),
    ]
    heard = helper.make_tensor_value_info("magnitudes", TensorProto.FLOAT, ["sounds", "windows", bins])
    told = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["sounds", total])
    graph = helper.make_graph(nodes, "tiny", [heard], [told], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {KEY: json.dumps({**described(synth), **said})})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("name", SYNTHS)
def test_the_shipped_ones_tell_their_synths_parameters(name: str) -> None:
    """Each is there, and its probabilities of a parameter's levels sum to 1."""
    estimator = load_estimator(shipped_estimator(name))
    synth = SYNTHS[name]
    assert estimator.synth is synth
    heard = np.abs(np.random.default_rng(0).normal(size=(3, -(-synth.frames // 256), synth.window // 2 + 1)))
    found = estimator.probabilities(heard.astype(np.float32))
    assert [part.shape for part in found] == [(3, count) for count in synth.levels]
    assert all(np.allclose(part.sum(axis=1), 1, atol=1e-5) for part in found)


def test_the_shipped_ones_are_small() -> None:
    """Under 15 MB together."""
    assert sum(shipped_estimator(name).stat().st_size for name in SYNTHS) < 15e6


def test_probabilities_are_a_softmax_for_each_parameter() -> None:
    """Against SciPy's, with numbers whose exponentials overflow."""
    logits = np.array([[1000.0, 1001.0, 3.0, -2.0, 0.5]], np.float32)
    found = probabilities(logits, (2, 3))
    assert np.allclose(found[0], scipy.special.softmax(logits[:, :2], axis=1))
    assert np.allclose(found[1], scipy.special.softmax(logits[:, 2:], axis=1))


def test_a_tiny_one_is_read(tmp_path: Path) -> None:
    """What it says of its training comes back."""
    estimator = load_estimator(tiny(tmp_path / "tiny.onnx", training={"sounds": 3}))
    assert estimator.training == {"sounds": 3}
    assert estimator.logits(np.zeros((2, 64, 257), np.float32))[1, 5] == pytest.approx(0.05)


def test_one_of_another_synth_is_refused_by_name(tmp_path: Path) -> None:
    """Both names are in the sentence."""
    path = tiny(tmp_path / "tiny.onnx", SYNTHS["two"])
    with pytest.raises(
        EstimatorError, match=r"tiny.onnx: tells the parameters of the synth 'two', not of 'four'"
    ):
        load_estimator(path, FOUR)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"synth": "moog"}, "there is no estimator for a synth 'moog', only for four, two"),
        ({"window": 1024}, r"another form of the synth 'four' \(window\); train it again"),
        ({"parameters": [["cutoff_hz", 16]]}, r"another form of the synth 'four' \(parameters\)"),
        ({"training": 3}, "its description cannot be read"),
    ],
)
def test_one_of_another_form_is_refused(said: dict[str, Any], why: str, tmp_path: Path) -> None:
    """Every field of the description counts."""
    with pytest.raises(EstimatorError, match=why):
        load_estimator(tiny(tmp_path / "tiny.onnx", FOUR, **said))


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A missing file, a text, a model of an effect."""
    path = tmp_path / "it.onnx"
    with pytest.raises(EstimatorError, match=r"it.onnx: cannot be read \(No such file"):
        load_estimator(path)
    path.write_text("no model at all")
    with pytest.raises(EstimatorError, match=r"it.onnx: is no"):
        load_estimator(path)
    chorus = shipped_estimator("four").parents[1] / "models" / "chorus.onnx"
    with pytest.raises(
        EstimatorError, match=r"chorus\.onnx: is no estimator; tonerig train match writes them"
    ):
        load_estimator(chorus)


def test_what_no_estimator_computes_is_refused(tmp_path: Path) -> None:
    """A loop, say, might never return."""
    with pytest.raises(EstimatorError, match="uses Loop, which may never return"):
        load_estimator(tiny(tmp_path / "tiny.onnx", FOUR, "Loop"))


def changed(path: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A tiny one, changed."""
    model = onnx.load(tiny(path))
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_other_files_are_not_read(tmp_path: Path) -> None:
    """Weights in another file might be any file of the person's."""

    def point(model: onnx.ModelProto) -> None:
        weights = model.graph.initializer[0]
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="secret")

    with pytest.raises(EstimatorError, match="in another file \\('secret'\\), which is never opened"):
        load_estimator(changed(tmp_path / "tiny.onnx", point))


def test_a_truncated_one_is_refused(tmp_path: Path) -> None:
    """Every part of a file that is shorter."""
    path = tiny(tmp_path / "tiny.onnx")
    whole = path.read_bytes()
    for count in (0, 10, 1000, len(whole) - 1):
        path.write_bytes(whole[:count])
        with pytest.raises(EstimatorError, match=r"tiny.onnx: "):
            load_estimator(path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """As a training that failed leaves them."""

    def spoil(model: onnx.ModelProto) -> None:
        biases = numpy_helper.from_array(np.full(sum(FOUR.levels), np.nan, np.float32), "biases")
        model.graph.initializer[1].CopyFrom(biases)

    with pytest.raises(EstimatorError, match=r"tiny.onnx: tells values that are no numbers; train it again"):
        load_estimator(changed(tmp_path / "tiny.onnx", spoil))


def test_one_for_single_sounds_is_refused(tmp_path: Path) -> None:
    """A match asks it of several ways to hear a sound at once."""

    def single(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1

    with pytest.raises(EstimatorError, match=r"tiny.onnx: cannot be run"):
        load_estimator(changed(tmp_path / "tiny.onnx", single))


def test_what_a_terminal_would_obey_is_escaped(tmp_path: Path) -> None:
    """An operator's name is whatever the file's maker wanted it to be."""

    def colour(model: onnx.ModelProto) -> None:
        model.graph.node[0].op_type = "\x1b[31mRed"

    with pytest.raises(EstimatorError) as refused:
        load_estimator(changed(tmp_path / "tiny.onnx", colour))
    assert "\x1b" not in str(refused.value) and "Red" in str(refused.value)


def test_a_description_without_end_is_refused(tmp_path: Path) -> None:
    """JSON of a hundred thousand brackets."""

    def nest(model: onnx.ModelProto) -> None:
        model.metadata_props[0].value = "[" * 100_000

    with pytest.raises(EstimatorError, match="its description cannot be read"):
        load_estimator(changed(tmp_path / "tiny.onnx", nest))


def test_there_is_none_for_another_synth() -> None:
    """The sampler has none."""
    with pytest.raises(UnknownSynthError, match="no estimator for a synth 'sampler'"):
        shipped_estimator("sampler")
