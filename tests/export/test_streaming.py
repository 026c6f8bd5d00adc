"""Tests of the streaming ONNX files: what they compute in onnxruntime, and that they read back exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile
from tonerig.export.activations import FUNCTIONS
from tonerig.export.errors import ModelFileError
from tonerig.export.model import Activation, Chain, Container, Dense, NeuralModel, Stack, WaveNet
from tonerig.export.nam import read_nam
from tonerig.export.onnx_file import read_onnx
from tonerig.export.parity import compare, is_recurrent
from tonerig.export.reference import evaluate
from tonerig.export.streaming import to_onnx, write_onnx

from tests.export.same import same
from tests.models import KINDS, METADATA, random_model

SIGNAL = (0.3 * np.random.default_rng(1).standard_normal(4500)).astype(np.float32)
CAPTURES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "nam"
BLOCKS = (1, 16, 64, 96, 441, 2048)


def play(model: onnx.ModelProto, signal: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Run a streaming model block by block, the states fed back; the first call leaves them out."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    states: dict[str, NDArray[np.float32]] = {}
    blocks = []
    for start in range(0, len(signal), block):
        feed = {"input": signal[np.newaxis, np.newaxis, start : start + block]} | states
        results = dict(zip(names, session.run(None, feed), strict=True))
        blocks.append(results.pop("output")[0, 0])
        states = {name.removesuffix("_out"): value for name, value in results.items()}
    return np.concatenate(blocks)


@pytest.mark.parametrize("kind", KINDS)
def test_onnxruntime_plays_what_the_reference_says_at_every_block_length(kind: str) -> None:
    """From the first sample, after the prewarmed default states, within 1e-5."""
    model = random_model(kind, 1)
    proto = to_onnx(model)
    onnx.checker.check_model(proto, full_check=True)
    expected = evaluate(model, SIGNAL)
    for block in BLOCKS:
        frames = 300 if block == 1 else len(SIGNAL)
        np.testing.assert_allclose(play(proto, SIGNAL[:frames], block), expected[:frames], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_written_file_reads_back_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    """Network, weights, metadata, rate and prewarm; of a container, the submodel that plays."""
    model = random_model(kind, 2)
    write_onnx(model, tmp_path / "model.onnx")
    again = read_onnx(tmp_path / "model.onnx")
    assert same(again, model.playable())


def test_properties_say_what_the_model_is() -> None:
    """A person with any ONNX viewer sees the metadata as text."""
    properties = {entry.key: entry.value for entry in to_onnx(random_model("lstm_skip", 0)).metadata_props}
    assert properties["tonerig"] == "1"
    assert properties["architecture"] == "LSTM"
    assert properties["sample_rate"] == "44100"
    assert properties["prewarm"] == "0"
    assert properties["name"] == METADATA.name
    assert properties["input_level_dbu"] == "12.25"


def test_no_weight_is_stored_twice() -> None:
    """The file is as large as the weights, the states and a description: no more than three quarters more."""
    model = random_model("a1_standard", 0)
    proto = to_onnx(model)
    stored = sum(np.prod(tensor.dims) for tensor in proto.graph.initializer)
    states = sum(np.prod(tensor.dims) for tensor in proto.graph.initializer if tensor.name.endswith(".past"))
    assert stored - states < 13_802 + 100
    assert proto.ByteSize() < 4 * stored + 40_000


def test_names_can_be_read() -> None:
    """Weights and states are named by their place in the network."""
    graph = to_onnx(random_model("a1_nano", 0)).graph
    weights = {tensor.name for tensor in graph.initializer}
    assert {
        "array0.layer3.convolution.weight",
        "array1.head.bias",
        "array0.layer3.convolution.past",
    } <= weights
    assert graph.output[1].name == f"{graph.input[1].name}_out"


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_every_activation_has_its_operators(kind: str) -> None:
    """Each known activation between two dense layers, with constants other than the defaults."""
    rng = np.random.default_rng(3)
    constants = {
        "PReLU": (0.1, 0.2, 0.3),
        "ELU": (0.7,),
        "LeakyReLU": (0.3,),
        "Hardtanh": (-0.25, 0.5),
        "LeakyHardtanh": (-0.25, 0.5, 0.1, 0.2),
    }
    layers = (
        Dense(rng.standard_normal((3, 1)).astype(np.float32), rng.standard_normal(3).astype(np.float32)),
        Activation(kind, constants.get(kind, ())),
        Dense(np.ones((1, 3), np.float32), np.zeros(1, np.float32)),
    )
    model = NeuralModel(Stack(layers))
    signal = 10 * SIGNAL[:1000]
    np.testing.assert_allclose(play(to_onnx(model), signal, 100), evaluate(model, signal), atol=1e-5)


def test_a_chain_keeps_the_names_of_its_models_apart() -> None:
    """Two equal models in a row have a state each."""
    inner = random_model("convnet", 0)
    model = NeuralModel(Chain((inner, inner)), prewarm=62)
    np.testing.assert_allclose(play(to_onnx(model), SIGNAL, 64), evaluate(model, SIGNAL), atol=1e-5)


def test_of_a_container_the_largest_is_written() -> None:
    """The streaming file of a container is that of its active submodel."""
    model = random_model("a2", 0)
    assert isinstance(model.network, Container)
    assert to_onnx(model).graph == to_onnx(model.playable()).graph


@pytest.mark.skipif(not CAPTURES.exists(), reason="no captures in ../shared/data/nam")
@pytest.mark.parametrize("name", ["A2", "BossLSTM-1x16", "BossWN-nano", "lstm", "wavenet_a1_standard"])
def test_real_captures_play_in_onnxruntime_as_in_the_player_in_c(name: str) -> None:
    """From `.nam` to streaming ONNX: NeuralAmpModelerCore's outputs, from the first sample."""
    model = read_nam(CAPTURES / f"{name}.nam")
    _, signal = wavfile.read(CAPTURES / "input.wav")
    _, expected = wavfile.read(CAPTURES / f"{name}.output.wav")
    proto = to_onnx(model)
    assert compare(play(proto, signal, 441), expected).holds(model.network)
    tolerance = 1e-4 if is_recurrent(model.network) else 1e-5
    for block in BLOCKS:
        frames = 2000 if block == 1 else 12_000
        np.testing.assert_allclose(
            play(proto, signal[:frames], block), expected[:frames], atol=tolerance, rtol=0
        )


@pytest.mark.filterwarnings("error")
def test_a_network_that_silence_makes_overflow_is_not_written(tmp_path: Path) -> None:
    """Finite weights can still leave no finite state to start from; nothing is written then."""
    model = random_model("a1_nano", 1)
    network = model.network
    assert isinstance(network, WaveNet)
    for array in network.arrays:
        for layer in array.layers:
            layer.layer1x1.weight[:] = 3.0e38
            layer.layer1x1.bias[:] = 3.0e38
    with pytest.raises(ModelFileError, match=r"model\.onnx: cannot be written: after silence, .* not finite"):
        write_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
