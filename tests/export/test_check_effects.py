"""Tests of what is refused of learnt effects: unfit shapes, absurd sizes, knobs that cannot turn, damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tonerig.export.check import check_model
from tonerig.export.errors import ModelFileError
from tonerig.export.model import (
    Activation,
    Chain,
    Compression,
    Convolution,
    Dense,
    Echo,
    Gain,
    Knobs,
    Modulation,
    NeuralModel,
    Response,
    Stack,
    WaveNet,
)
from tonerig.export.onnx_file import read_onnx
from tonerig.export.streaming import to_onnx

from tests.export.learnt import LEARNT, learnt_model
from tests.models import random_model


def line(*values: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(values, np.float32)


ONE = line(1.0)
ECHO = Echo(ONE, ONE, line(0.5), 100)
MODULATION = Modulation(ONE, ONE, line(3.0, 4.0), line(1.0, 1.0), 2.0)
COMPRESSION = Compression(0.9, 0.99, line(-40.0, -20.0), line(0.0, -6.0), ONE)
AMP = learnt_model("amp", 0)
assert AMP.knobs is not None
DRIVE, TONE = AMP.knobs.knobs


def knobbed(*knobs: Any, features: Stack | None = None) -> NeuralModel:
    """A gain with these knobs, which make one feature."""
    plain = Stack((Dense(np.ones((1, len(knobs)), np.float32), np.zeros(1, np.float32)),))
    return NeuralModel(Gain(line(0.0, 1.0)), knobs=Knobs(tuple(knobs), features or plain))


def effect(network: Any, **changes: Any) -> NeuralModel:
    return NeuralModel(replace(network, **changes))


def part_of_amp(part: int, network: Any) -> NeuralModel:
    """The amp with another network at one place of its chain."""
    assert isinstance(AMP.network, Chain)
    models = list(AMP.network.models)
    models[part] = NeuralModel(network)
    return replace(AMP, network=Chain(tuple(models)))


REFUSED: list[tuple[str, Callable[[], NeuralModel]]] = [
    (r"delay of 63 samples, but 64 to 4194304", lambda: effect(ECHO, delay=63)),
    (r"delay of 4194305 samples", lambda: effect(ECHO, delay=2**22 + 1)),
    (r"loop amplifies 1.5 times", lambda: effect(ECHO, loop=line(1.0, -0.5))),
    (r"enter\) has 0 numbers", lambda: effect(ECHO, enter=line())),
    (r"direct\) has a weight that is not finite", lambda: effect(ECHO, direct=line(np.nan))),
    (r"loop\) has 2 dimensions", lambda: effect(ECHO, loop=np.zeros((1, 2), np.float32))),
    (r"delay\) has 1 numbers, but 2 to 65537", lambda: effect(MODULATION, delay=ONE)),
    (r"gain\) has 3 weights, but 2", lambda: effect(MODULATION, gain=line(1.0, 1.0, 1.0))),
    (r"delays from -1 to 4 samples", lambda: effect(MODULATION, delay=line(-1.0, 4.0))),
    (r"but 0 to 1048576 are expected", lambda: effect(MODULATION, delay=line(0.0, 2e6))),
    (r"modulation at 0 Hz", lambda: effect(MODULATION, rate_hz=0.0)),
    (r"modulation at 24000 Hz, but above 0 and below 24000", lambda: effect(MODULATION, rate_hz=24000.0)),
    (r"modulation at nan Hz", lambda: effect(MODULATION, rate_hz=float("nan"))),
    (r"the phase 1.5", lambda: effect(MODULATION, phase=1.5)),
    (r"has 17 voices, but 1 to 16", lambda: effect(MODULATION, voices=17)),
    (r"the attack 1, but 0 to below 1", lambda: effect(COMPRESSION, attack=1.0)),
    (r"the release nan", lambda: effect(COMPRESSION, release=float("nan"))),
    (r"levels do not ascend", lambda: effect(COMPRESSION, levels_db=line(-20.0, -20.0))),
    (r"gains\) has 1 weights, but 2", lambda: effect(COMPRESSION, gains_db=ONE)),
    (r"beyond 500 dB", lambda: effect(COMPRESSION, gains_db=line(0.0, 501.0))),
    (r"levels\) has 0 numbers, but 1 to 4096", lambda: effect(COMPRESSION, levels_db=line())),
    (r"exponent\) has 2 weights, but 1", lambda: effect(Gain(line(0.0, 1.0)))),
    (r"exponent beyond 50", lambda: effect(Gain(line(80.0)))),
    (r"taps\) has 1 dimensions", lambda: effect(Response(ONE))),
    (r"taps\) has 2 × 3 weights, but 4 × 3", lambda: part_of_amp(2, Response(np.ones((2, 3), np.float32)))),
    (r"taps, but at most 8388608", lambda: part_of_amp(2, Response(np.ones((4, 2**22), np.float32)))),
    (r"gives 2 channels to a network of the kind echo", lambda: NeuralModel(two_channels())),
    (r"knobs in a part of it", lambda: NeuralModel(Chain((knobbed(DRIVE),)))),
    (r"has 17 knobs", lambda: knobbed(*(replace(DRIVE, name=f"k{n}") for n in range(17)))),
    (r"has 0 knobs", lambda: knobbed()),
    (r"same name \(drive, drive\)", lambda: knobbed(DRIVE, DRIVE)),
    (r"knob named 'a b'", lambda: knobbed(replace(DRIVE, name="a b"))),
    (r"knob named ''", lambda: knobbed(replace(DRIVE, name=""))),
    (r"from 5 to 5 with the default 5", lambda: knobbed(replace(DRIVE, minimum=5, maximum=5, default=5))),
    (r"with the default nan", lambda: knobbed(replace(DRIVE, default=float("nan")))),
    (r"to inf with", lambda: knobbed(replace(DRIVE, maximum=float("inf")))),
    (r"logarithmic knob tone_hz from 0 to 6400, but it starts", lambda: knobbed(replace(TONE, minimum=0.0))),
    (r"turning it changes it", lambda: knobbed(replace(TONE, minimum=6400.0 - 1e-9, default=6400.0))),
    (r"unknown curve 'square'", lambda: knobbed(replace(TONE, curve="square"))),
    (r"says too much", lambda: knobbed(replace(TONE, description="x" * 501))),
    (r"cannot be printed", lambda: knobbed(replace(TONE, unit="\x1b[2J"))),
    (r"makes 65 features", lambda: knobbed(DRIVE, features=dense(65, 1))),
    (r"layer 0 has 1 × 2 weights, but 1 × 1", lambda: knobbed(DRIVE, features=dense(1, 2))),
    (r"no dense layer", lambda: knobbed(DRIVE, features=Stack((Activation("Tanh"),)))),
    (r"layers other than dense", lambda: knobbed(DRIVE, features=Stack((Convolution(np.ones((1, 1, 1))),)))),
    (r"a skip or a gain", lambda: knobbed(DRIVE, features=replace(dense(1, 1), input_gain=2.0))),
    (r"beside a condition network", lambda: part_of_amp(1, conditioned())),
    (r"mixin has 4 × 2 × 1 weights, but 4 × 4 × 1", lambda: part_of_amp(1, with_narrow_mixin())),
]


def dense(outputs: int, inputs: int) -> Stack:
    return Stack((Dense(np.ones((outputs, inputs), np.float32), np.zeros(outputs, np.float32)),))


def two_channels() -> Chain:
    return Chain((NeuralModel(dense(2, 1)), NeuralModel(ECHO)))


def amp_wavenet() -> WaveNet:
    assert isinstance(AMP.network, Chain)
    network = AMP.network.models[1].network
    assert isinstance(network, WaveNet)
    return network


def conditioned() -> WaveNet:
    return replace(amp_wavenet(), condition=random_model("a1_nano", 0))


def with_narrow_mixin() -> WaveNet:
    first, *others = amp_wavenet().arrays
    layer = replace(first.layers[0], mixin=Convolution(np.ones((4, 2, 1), np.float32)))
    narrow = replace(first, layers=(layer, *first.layers[1:]))
    return replace(amp_wavenet(), arrays=(narrow, *others))


@pytest.mark.parametrize(("problem", "make"), REFUSED, ids=[f"{n} {p}" for n, (p, _) in enumerate(REFUSED)])
def test_refused_with_a_sentence(problem: str, make: Callable[[], NeuralModel]) -> None:
    """Each names the file and what is wrong with it."""
    with pytest.raises(ModelFileError, match=problem) as caught:
        check_model(make(), "model.onnx")
    assert str(caught.value).startswith("model.onnx: ")


@pytest.mark.parametrize("kind", LEARNT)
def test_sound_models_pass(kind: str) -> None:
    """Every kind, as it is."""
    model = learnt_model(kind, 0)
    assert check_model(model, "model.onnx") is model


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The places of all values in a JSON document, the containers too."""
    found = [path] if path else []
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        found += leaves(child, (*path, key))
    return found


STRANGE: list[Any] = [None, True, -1, 0, 1.5, 1e308, -(10**40), "", "stack", "echo", "knobs", [], {}, [1, 2]]
DAMAGED = ("rig", "amp", "echo", "modulation", "compression")
PROTOS = {kind: to_onnx(learnt_model(kind, 0)) for kind in DAMAGED}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_descriptions_are_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    """Any value of the description replaced by a strange one raises nothing but `ModelFileError`."""
    proto = onnx.ModelProto()
    proto.CopyFrom(PROTOS[data.draw(st.sampled_from(DAMAGED))])
    entry = next(entry for entry in proto.metadata_props if entry.key == "model")
    document = json.loads(entry.value)
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(leaves(document)))
        place = document
        for key in way:
            place = place[key]
        place[last] = data.draw(st.sampled_from(STRANGE))
    entry.value = json.dumps(document)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    try:
        assert isinstance(read_onnx(path), NeuralModel)
    except ModelFileError as error:
        assert str(error).startswith("model.onnx: ")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    """Bytes changed anywhere in the file of a model with everything in it."""
    damaged = bytearray(PROTOS["rig"].SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(damaged))
    try:
        read_onnx(path)
    except ModelFileError as error:
        assert str(error).startswith("model.onnx: ")


def scan_of(proto: onnx.ModelProto) -> onnx.NodeProto:
    return next(node for node in proto.graph.node if node.op_type == "Scan")


def body_of(proto: onnx.ModelProto) -> onnx.GraphProto:
    return next(a.g for a in scan_of(proto).attribute if a.HasField("g"))


def loop_inside(proto: onnx.ModelProto) -> None:
    graph = helper.make_graph([], "body", [], [])
    body_of(proto).node.append(helper.make_node("Loop", ["", ""], [], body=graph))


def scan_inside(proto: onnx.ModelProto) -> None:
    body_of(proto).node.append(scan_of(proto))


def many_inside(proto: onnx.ModelProto) -> None:
    body_of(proto).node.extend([body_of(proto).node[0]] * 20)


def outside_inside(proto: onnx.ModelProto) -> None:
    tensor = body_of(proto).initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../weights.bin")


def forgotten_property(proto: onnx.ModelProto) -> None:
    del proto.metadata_props[:]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (loop_inside, "uses Loop"),
        (scan_inside, "uses Scan"),
        (many_inside, "Scan of 28 operators, but at most 16"),
        (outside_inside, "which is never opened"),
        (forgotten_property, "uses Scan"),
    ],
)
def test_a_scan_may_only_hold_plain_operators(
    damage: Callable[[onnx.ModelProto], None], problem: str, tmp_path: Path
) -> None:
    """Nothing in it loops, loads or calls; and only a file that describes itself may have one."""
    proto = to_onnx(learnt_model("compression", 0))
    damage(proto)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelFileError, match=problem):
        read_onnx(path)
