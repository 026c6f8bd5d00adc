"""Tests of the streaming ONNX files of learnt effects: what onnxruntime plays, knobs and limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tonerig.export.contract import describe_foreign
from tonerig.export.files import load_model
from tonerig.export.model import Dense, Echo, Gain, Knob, Knobs, Modulation, NeuralModel, Stack
from tonerig.export.onnx_file import read_onnx
from tonerig.export.parity import compare, verify_file
from tonerig.export.reference import evaluate, turns_of
from tonerig.export.streaming import longest_block, to_onnx, write_onnx

from tests.export.learnt import LEARNT, learnt_model
from tests.export.same import same

SIGNAL = (0.3 * np.random.default_rng(1).standard_normal(3000)).astype(np.float32)
BLOCKS = (1, 7, 64, 96)


def play(
    model: onnx.ModelProto, signal: NDArray[np.float32], block: int, turns: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Run block by block, the states fed back; the first call leaves them out."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    fixed = {} if turns is None else {"knobs": turns.astype(np.float32).reshape(1, -1, 1)}
    states: dict[str, NDArray[np.float32]] = {}
    blocks = []
    for start in range(0, len(signal), block):
        feed = {"input": signal[np.newaxis, np.newaxis, start : start + block]} | states | fixed
        results = dict(zip(names, session.run(None, feed), strict=True))
        blocks.append(results.pop("output")[0, 0])
        states = {name.removesuffix("_out"): value for name, value in results.items()}
    return np.concatenate(blocks)


@pytest.mark.parametrize("kind", LEARNT)
def test_onnxruntime_plays_what_the_reference_says(kind: str) -> None:
    """At every block length, from the first sample, with the knobs at their defaults and turned."""
    model = learnt_model(kind, 1)
    proto = to_onnx(model)
    onnx.checker.check_model(proto, full_check=True)
    held: list[dict[str, float]] = [{}]
    if model.knobs is not None:
        held.append({"drive": 9.0, "tone_hz": 200.0})
    for values in held:
        expected = evaluate(model, SIGNAL, knobs=values)
        turns = turns_of(model, values) if values else None
        for block in BLOCKS:
            frames = 300 if block == 1 else len(SIGNAL)
            output = play(proto, SIGNAL[:frames], block, turns)
            assert compare(output, expected[:frames]).holds(model.network)


@pytest.mark.parametrize("kind", LEARNT)
def test_a_written_file_reads_back_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    """Network, knobs, weights, metadata, rate and prewarm; and the file plays what it says."""
    model = learnt_model(kind, 2)
    write_onnx(model, tmp_path / "model.onnx")
    assert same(read_onnx(tmp_path / "model.onnx"), model)
    assert verify_file(tmp_path / "model.onnx", (64, 2048)).holds(model.network)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_knobs_read_back_as_they_were(data: st.DataObject, tmp_path: Path) -> None:
    """Names, ranges, curves, units and descriptions in any script, through a file."""
    number = st.floats(-1e6, 1e6, allow_subnormal=False)
    name = st.from_regex("[a-z_][a-z0-9_]{0,20}", fullmatch=True)
    names = data.draw(st.lists(name, unique=True, min_size=1, max_size=4))
    printable = st.text(max_size=20).map(lambda text: "".join(filter(str.isprintable, text)))
    made = []
    for each in names:
        low, default, high = sorted(data.draw(st.lists(number, min_size=3, max_size=3)))
        curve = "logarithmic" if low > 1e-6 else "linear"
        high = max(high, low + 1.0 + 0.001 * abs(low))
        made.append(Knob(each, low, high, default, data.draw(printable), curve, data.draw(printable)))
    features = Stack((Dense(np.ones((1, len(made)), np.float32), np.zeros(1, np.float32)),))
    model = NeuralModel(Gain(np.ones(2, np.float32)), knobs=Knobs(tuple(made), features))
    write_onnx(model, tmp_path / "model.onnx")
    assert same(load_model(tmp_path / "model.onnx"), model)


def test_our_graph_says_where_its_knobs_are() -> None:
    """The input for knobs is no state, and its default are the knobs' own turns."""
    proto = to_onnx(learnt_model("amp", 0))
    contract = describe_foreign(proto, Path("model.onnx"))
    assert contract.knobs == ("knobs", 2)
    assert "knobs" not in {state.input for state in contract.states}
    (default,) = (onnx.numpy_helper.to_array(t) for t in proto.graph.initializer if t.name == "knobs")
    np.testing.assert_allclose(default, [[[0.4], [0.5]]], rtol=1e-6)
    assert describe_foreign(to_onnx(learnt_model("echo", 0)), Path("model.onnx")).knobs is None


def test_an_echo_says_how_long_a_block_may_be() -> None:
    """As long as its delay, the shortest one of a chain; a longer block is refused by the runtime."""
    model = learnt_model("echo", 0)
    assert isinstance(model.network, Echo)
    proto = to_onnx(model)
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    assert properties["longest_block"] == str(longest_block(model.network)) == "100"
    assert longest_block(learnt_model("rig", 0).network) == 100
    assert longest_block(learnt_model("amp", 0).network) is None
    np.testing.assert_allclose(play(proto, SIGNAL, 100), evaluate(model, SIGNAL), atol=1e-5)
    with pytest.raises(Exception, match=r"Add|broadcast"):
        play(proto, SIGNAL, 101)


def test_an_oscillator_keeps_its_phase() -> None:
    """After 20 000 blocks, its phase is off by less than a billionth of a turn."""
    model = NeuralModel(learnt_model("modulation", 0).network, 48000.0)
    assert isinstance(model.network, Modulation)
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString())
    names = [output.name for output in session.get_outputs()]
    silence, blocks = np.zeros((1, 1, 480), np.float32), 20_000
    states: dict[str, NDArray[np.float32]] = {}
    for _ in range(blocks):
        results = dict(zip(names, session.run(None, {"input": silence} | states), strict=True))
        results.pop("output")
        states = {name.removesuffix("_out"): value for name, value in results.items()}
    phase = states["phase"].astype(np.float64).sum()
    expected = (model.network.phase + blocks * 480 * model.network.rate_hz / 48000.0) % 1.0
    assert abs(phase - expected) < 1e-9
