"""The µ-law WaveNet: its classes against the formula, its causality, and its graph in ONNX Runtime."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tonerig.export.files import load_model
from tonerig.export.foreign import ForeignOnnx
from tonerig.training.effects.mulaw import MuLawWaveNet, decode, encode
from tonerig.training.effects.mulaw_onnx import write_mulaw


def test_the_curve_is_that_of_the_formula() -> None:
    """Each sample's class is the nearest of 256 equal steps of sgn(x) ln(1 + 255|x|) / ln 256."""
    for x in np.linspace(-1.0, 1.0, 101):
        curve = math.copysign(math.log(1 + 255 * abs(x)) / math.log(256), x)
        expected = (curve + 1) / 2 * 255
        assert abs(int(encode(torch.tensor(x))) - expected) <= 0.5 + 1e-9


def test_every_class_comes_back() -> None:
    """Decoding and encoding again changes no class, and full scale stays full scale."""
    classes = torch.arange(256)
    assert torch.equal(encode(decode(classes)), classes)
    assert decode(classes[[0, 255]]).tolist() == pytest.approx([-1.0, 1.0])


def test_a_sample_comes_back_within_its_step() -> None:
    """The round trip is off by at most half a step, which the slope of the curve gives."""
    x = torch.linspace(-1.0, 1.0, 4001, dtype=torch.float64)
    step = (1 + 255 * x.abs() + 3) * math.log(256) / 255 * (2 / 255)
    assert torch.all((decode(encode(x)) - x).abs() <= 0.55 * step)


def test_shapes_are_those_of_the_paper() -> None:
    """Dilations double up to 512 and begin again; of each frame comes a distribution over 256 classes."""
    network = MuLawWaveNet(4, 2)
    assert [layer.dilation for layer in network.layers] == 2 * [2**n for n in range(10)]
    assert network.receptive_field == 1 + 2 * 1023
    assert network(torch.zeros(3, 2046 + 7)).shape == (3, 256, 7)


def test_no_output_hears_what_comes_later() -> None:
    """A change of the newest sample changes the newest frame's logits alone."""
    network = MuLawWaveNet(4, 1)
    sound = 0.5 * torch.randn(1, 1023 + 20)
    changed = sound.clone()
    changed[0, -1] = -0.9
    difference = (network(sound) - network(changed)).abs().amax(dim=1)[0]
    assert difference[-1] > 0 and torch.all(difference[:-1] < 1e-5)


@pytest.mark.parametrize("block", [1, 64, 700])
def test_the_graph_streams_what_torch_plays(tmp_path: Path, block: int) -> None:
    """ONNX Runtime, block by block from the file's own states, gives the decoded classes of torch."""
    torch.manual_seed(1)
    network = MuLawWaveNet(4, 1)
    with torch.no_grad():
        network.logits.weight.mul_(20.0)
    sound = (0.3 * np.random.default_rng(0).standard_normal(1400)).astype(np.float32)
    sound[:100] = 0.0
    expected = network.play(torch.nn.functional.pad(torch.from_numpy(sound)[None], (1023, 0)))[0].numpy()
    write_mulaw(network, tmp_path / "mulaw.onnx", 48000.0, "a name")
    model = load_model(tmp_path / "mulaw.onnx")
    assert isinstance(model, ForeignOnnx)
    session = onnxruntime.InferenceSession(str(tmp_path / "mulaw.onnx"))
    feeds = {state.input: state.initial for state in model.states}
    played = []
    for start in range(0, len(sound), block):
        outputs = session.run(
            [model.output.name, *(state.output for state in model.states)],
            {model.input.name: sound[None, None, start : start + block], **feeds},
        )
        played.append(outputs[0][0, 0])
        feeds = {state.input: value for state, value in zip(model.states, outputs[1:], strict=True)}
    different = np.abs(np.concatenate(played) - expected) > 1e-5  # a tie of two classes may fall otherwise
    assert different.mean() < 0.002
    assert model.sample_rate == 48000.0 and model.metadata.name == "a name"
