"""Tests of reading ONNX files: models of others, and everything that must be refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tonerig.export.errors import ModelFileError
from tonerig.export.foreign import ForeignOnnx
from tonerig.export.model import NeuralModel
from tonerig.export.onnx_file import read_onnx
from tonerig.export.streaming import to_onnx

from tests.models import random_model

FLOAT = TensorProto.FLOAT


def info(name: str, *shape: int | str | None, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))


def node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, outputs, **attributes)


def smoother(**changes: Any) -> onnx.ModelProto:
    """A foreign model: the sound times two plus one remembered number, [1, frames] and [1, 1]."""
    parts = {
        "nodes": [
            node("Add", ["audio", "audio"], ["double"]),
            node("Add", ["double", "h"], ["result"]),
            node("Identity", ["h"], ["h_out"]),
        ],
        "inputs": [info("audio", 1, "n"), info("h", 1, 1)],
        "outputs": [info("result", 1, "n"), info("h_out", 1, 1)],
        "initializers": [],
        "domains": [helper.make_opsetid("", 17)],
        "functions": [],
        "properties": {},
    } | changes
    graph = helper.make_graph(
        parts["nodes"], "g", parts["inputs"], parts["outputs"], initializer=parts["initializers"]
    )
    model = helper.make_model(
        graph, opset_imports=parts["domains"], functions=parts["functions"], ir_version=8
    )
    helper.set_model_props(model, parts["properties"])
    return model


def read(model: onnx.ModelProto, folder: Path) -> NeuralModel | ForeignOnnx:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return read_onnx(path)


def read_foreign(model: onnx.ModelProto, folder: Path) -> ForeignOnnx:
    foreign = read(model, folder)
    assert isinstance(foreign, ForeignOnnx)
    return foreign


def test_a_foreign_model_says_how_to_run_it(tmp_path: Path) -> None:
    """Audio tensors with their frames axis, states with zeros to start from, the default rate."""
    foreign = read_foreign(smoother(properties={"name": "Two"}), tmp_path)
    assert (foreign.input.name, foreign.input.shape(64)) == ("audio", (1, 64))
    assert (foreign.output.name, foreign.output.frames_axis) == ("result", 1)
    (state,) = foreign.states
    assert (state.input, state.output, state.shape) == ("h", "h_out", (1, 1))
    assert state.initial.tolist() == [[0.0]]
    assert (foreign.sample_rate, foreign.metadata.name) == (48000.0, "Two")


def test_a_states_default_is_its_start(tmp_path: Path) -> None:
    """An initializer of the same name as a state input is the first block's state."""
    default = numpy_helper.from_array(np.full((1, 1), 0.5, np.float32), "h")
    foreign = read_foreign(smoother(initializers=[default], properties={"sample_rate": "44100"}), tmp_path)
    assert foreign.states[0].initial.tolist() == [[0.5]]
    assert foreign.sample_rate == 44100.0


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("h", "h_out"),
        ("h0", "hn"),
        ("h_in", "h_out"),
        ("state", "new_state"),
        ("c", "next_c"),
        ("x_0", "x_n"),
    ],
)
def test_states_are_paired_by_name(source: str, target: str, tmp_path: Path) -> None:
    """Common names find each other even when the outputs are in another order."""
    model = smoother(
        nodes=[
            node("Add", ["audio", source], ["result"]),
            node("Identity", [source], [target]),
            node("Identity", ["other"], ["other_out"]),
        ],
        inputs=[info("audio", 1, 1, "n"), info(source, 1, 1, 1), info("other", 1, 1, 1)],
        outputs=[info("other_out", 1, 1, 1), info("result", 1, 1, "n"), info(target, 1, 1, 1)],
    )
    states = read_foreign(model, tmp_path).states
    assert [(state.input, state.output) for state in states] == [(source, target), ("other", "other_out")]


def test_states_without_telling_names_are_paired_in_order(tmp_path: Path) -> None:
    """Equal shapes at equal places belong together."""
    model = smoother(
        nodes=[
            node("Add", ["audio", "a"], ["result"]),
            node("Identity", ["a"], ["p"]),
            node("Identity", ["b"], ["q"]),
        ],
        inputs=[info("a", 1, 1), info("audio", 1, "n"), info("b", 3)],
        outputs=[info("p", 1, 1), info("q", 3), info("result", 1, "n")],
    )
    states = read_foreign(model, tmp_path).states
    assert [(state.input, state.output) for state in states] == [("a", "p"), ("b", "q")]


def looping() -> onnx.ModelProto:
    """A Loop without end, inside a function, where a careless reader would not look."""
    body = helper.make_graph(
        [node("Identity", ["go"], ["again"])],
        "body",
        [info("i", kind=TensorProto.INT64), info("go", kind=TensorProto.BOOL)],
        [info("again", kind=TensorProto.BOOL)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    function = helper.make_function(
        "own",
        "Calm",
        ["x"],
        ["y"],
        [node("Loop", ["", ""], [], body=body), node("Identity", ["x"], ["y"])],
        opsets,
    )
    return smoother(
        nodes=[
            helper.make_node("Calm", ["audio"], ["result"], domain="own"),
            node("Identity", ["h"], ["h_out"]),
        ],
        domains=opsets,
        functions=[function],
    )


def branching() -> onnx.ModelProto:
    branches = {
        f"{name}_branch": helper.make_graph(
            [node("Identity", ["audio"], [name])], name, [], [info(name, 1, "n")]
        )
        for name in ("then", "else")
    }
    yes = numpy_helper.from_array(np.array(True), "yes")
    nodes = [node("If", ["yes"], ["result"], **branches), node("Identity", ["h"], ["h_out"])]
    return smoother(nodes=nodes, initializers=[yes])


def external(location: str) -> onnx.ModelProto:
    model = smoother()
    tensor = model.graph.initializer.add(name="w", data_type=FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


def hidden_external() -> onnx.ModelProto:
    constant = TensorProto(name="w", data_type=FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    constant.external_data.add(key="location", value="../../etc/passwd")
    model = smoother()
    model.graph.node.insert(0, node("Constant", [], ["w"], value=constant))
    return model


def exploding() -> onnx.ModelProto:
    """Functions that call functions: 2^40 operators in a few hundred bytes."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = []
    for n in range(40):
        call = {"domain": "own"} if n else {}
        kind = f"F{n - 1}" if n else "Neg"
        nodes = [helper.make_node(kind, ["x"], ["m"], **call), helper.make_node(kind, ["m"], ["y"], **call)]
        functions.append(helper.make_function("own", f"F{n}", ["x"], ["y"], nodes, opsets))
    calling = helper.make_node("F39", ["audio"], ["result"], domain="own")
    return smoother(nodes=[calling, node("Identity", ["h"], ["h_out"])], domains=opsets, functions=functions)


def recursive() -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    inner = helper.make_node("F", ["x"], ["y"], domain="own")
    function = helper.make_function("own", "F", ["x"], ["y"], [inner], opsets)
    outer = helper.make_node("F", ["audio"], ["result"], domain="own")
    return smoother(nodes=[outer, node("Identity", ["h"], ["h_out"])], domains=opsets, functions=[function])


def custom() -> onnx.ModelProto:
    strange = helper.make_node("Reverb", ["audio"], ["result"], domain="com.example")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    return smoother(nodes=[strange, node("Identity", ["h"], ["h_out"])], domains=opsets)


def huge_tensor() -> onnx.ModelProto:
    model = smoother()
    model.graph.initializer.add(name="w", data_type=FLOAT, dims=[10**7, 10**7])
    return model


def short_tensor() -> onnx.ModelProto:
    model = smoother()
    model.graph.initializer.add(name="w", data_type=FLOAT, dims=[4], raw_data=b"abc")
    return model


def two_sounds() -> onnx.ModelProto:
    nodes = [node("Add", ["audio", "side"], ["result"])]
    return smoother(
        nodes=nodes, inputs=[info("audio", 1, "n"), info("side", 1, "n")], outputs=[info("result", 1, "n")]
    )


def of_the_future() -> onnx.ModelProto:
    model = smoother()
    model.opset_import[0].version = 999
    return model


def one_input(*shape: int | str | None, kind: int = FLOAT) -> onnx.ModelProto:
    return smoother(
        nodes=[node("Identity", ["audio"], ["result"])],
        inputs=[info("audio", *shape, kind=kind)],
        outputs=[info("result", *shape, kind=kind)],
    )


REFUSED: list[tuple[str, Callable[[], onnx.ModelProto]]] = [
    ("uses Loop, which may never return", looping),
    ("uses If, which may never return", branching),
    ("'weights.bin'), which is never opened", lambda: external("weights.bin")),
    ("'/etc/passwd'), which is never opened", lambda: external("/etc/passwd")),
    ("'../../etc/passwd'), which is never opened", hidden_external),
    ("operators, but at most", exploding),
    ("call each other without end", recursive),
    ("uses the operator Reverb of 'com.example'", custom),
    ("which is too large", huge_tensor),
    ("has 3 bytes for w, but 16 are expected", short_tensor),
    ("has 2 inputs of any length", two_sounds),
    ("is of opset 999", of_the_future),
    ("of 9 dimensions", lambda: one_input(*[1] * 8, "n")),
    ("no audio input for blocks of any length", lambda: one_input(1, 64)),
    ("2 dimensions of any length", lambda: one_input("batch", "n")),
    ("but one channel is expected", lambda: one_input(1, 2, "n")),
    ("of double, but float32 is expected", lambda: one_input(1, "n", kind=TensorProto.DOUBLE)),
    ("match no outputs", lambda: smoother(outputs=[info("result", 1, "n")])),
    ("match no outputs", lambda: smoother(outputs=[info("result", 1, "n"), info("h_out", 2, 1)])),
    (
        "sane size",
        lambda: smoother(
            inputs=[info("audio", 1, "n"), info("h", 1, 0)],
            outputs=[info("result", 1, "n"), info("h_out", 1, 0)],
        ),
    ),
    ("sample rate of '0'", lambda: smoother(properties={"sample_rate": "0"})),
    ("is not valid ONNX", lambda: smoother(nodes=[node("Gain", ["audio"], ["result"])])),
    ("schema '2'", lambda: smoother(properties={"tonerig": "2"})),
    ("does not say what its network is", lambda: smoother(properties={"tonerig": "1"})),
    ("has no 'network'", lambda: smoother(properties={"tonerig": "1", "model": "{}"})),
]


@pytest.mark.parametrize(("problem", "make"), REFUSED, ids=[f"{n} {p}" for n, (p, _) in enumerate(REFUSED)])
def test_refused_with_a_sentence(problem: str, make: Callable[[], onnx.ModelProto], tmp_path: Path) -> None:
    """Each names the file and what is wrong with it."""
    with pytest.raises(ModelFileError) as caught:
        read(make(), tmp_path)
    assert str(caught.value).startswith("model.onnx: ")
    assert problem in str(caught.value)


def test_what_is_no_onnx_is_refused(tmp_path: Path) -> None:
    """Empty, text, cut off."""
    path = tmp_path / "model.onnx"
    whole = to_onnx(random_model("a1_nano", 0)).SerializeToString()
    for content in (b"", b"hello, this is text", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"^model\.onnx: "):
            read_onnx(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Half a gigabyte of nothing."""
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**29)
    with pytest.raises(ModelFileError, match="512 MB"):
        read_onnx(path)


def test_nan_weights_are_refused(tmp_path: Path) -> None:
    """A weight that is not finite is found in our own files too."""
    model = random_model("linear", 0)
    proto = to_onnx(model)
    weight = next(tensor for tensor in proto.graph.initializer if tensor.name == "layer0.weight")
    values = np.array(numpy_helper.to_array(weight))
    values[0, 0, 7] = np.nan
    weight.raw_data = values.tobytes()
    with pytest.raises(ModelFileError, match="layer 0 has a weight that is not finite"):
        read(proto, tmp_path)


def test_weights_that_do_not_fit_the_description_are_refused(tmp_path: Path) -> None:
    """The description asks for groups that the weights cannot have."""
    proto = to_onnx(random_model("convnet", 0))
    entry = next(entry for entry in proto.metadata_props if entry.key == "model")
    document = json.loads(entry.value)
    document["network"]["layers"][0]["groups"] = 5
    entry.value = json.dumps(document)
    with pytest.raises(ModelFileError, match="5 groups"):
        read(proto, tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    """Bytes changed anywhere in a file of ours or another's raise nothing but `ModelFileError`."""
    whole = data.draw(st.sampled_from(FILES))
    damaged = bytearray(whole)
    for position, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=4)
    ):
        damaged[position] = byte
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(damaged[: data.draw(st.integers(1, len(whole)))]))
    try:
        assert dataclasses.is_dataclass(read_onnx(path))
    except ModelFileError as error:
        assert str(error).startswith("model.onnx: ")


FILES = [
    smoother().SerializeToString(),
    to_onnx(random_model("lstm_2x8", 0)).SerializeToString(),
    to_onnx(random_model("wavenet_film", 0)).SerializeToString(),
]
