"""ONNX Runtime in the callback: the same output as the kernels, for every architecture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tonerig.export.errors import ModelFileError
from tonerig.export.model import Echo, NeuralModel
from tonerig.export.reference import evaluate
from tonerig.export.streaming import write_onnx
from tonerig.realtime.kernels import kernel_for
from tonerig.realtime.kernels.graph import streaming_graph
from tonerig.realtime.kernels.onnx_runtime import OnnxRuntimeError, OnnxState, StreamingGraph
from tonerig.realtime.processors.neural import Neural

from tests.models import KINDS, random_model

from .play import BLOCKS, OnnxPlayer, Player, esr


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_kernel_callback_and_session_give_the_same_output(kind: str, tmp_path: Path) -> None:
    """A model sounds the same on its kernel, in the callback's ONNX Runtime and in a plain session."""
    import onnxruntime

    model = random_model(kind, 11).playable()
    signal = (0.2 * np.random.default_rng(2).standard_normal(2500)).astype(np.float32)
    write_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    reference = session.run(["output"], {"input": signal[None, None]})[0][0, 0]
    player = OnnxPlayer(streaming_graph(model))
    recurrent = "lstm" in kind or "gru" in kind or kind == "chain"
    limit = 1e-4 if recurrent else 1e-5
    for block in BLOCKS:
        assert np.abs(player.play(signal, block) - reference).max() < limit
    assert player.failures == 0
    if kernel_for(model) is not None:
        output = Player(model).play(signal, 64)
        assert np.abs(output - reference).max() < limit
        assert esr(output, reference) < 1e-8


def test_the_common_shapes_run_on_kernels() -> None:
    """LSTM, GRU, WaveNet A1 and A2, ConvNet and Linear need no ONNX Runtime."""
    for kind in ("lstm_1x16", "lstm_2x8", "gru_1x12", "a1_standard", "a1_nano", "a2", "convnet", "linear"):
        assert kernel_for(random_model(kind, 0).playable()) is not None, kind


def test_a_block_longer_than_an_echo_takes_is_cut() -> None:
    """A graph that is right for 100 samples at a time gives the reference's output at every block size."""
    taps = [np.array(values, np.float32) for values in ((1.0, 0.1), (0.5,), (0.3, 0.2))]
    model = NeuralModel(Echo(*taps, delay=100))
    signal = (0.2 * np.random.default_rng(2).standard_normal(2500)).astype(np.float32)
    player, reference = OnnxPlayer(streaming_graph(model)), evaluate(model, signal)
    for block in BLOCKS:
        assert np.abs(player.play(signal, block) - reference).max() < 1e-5
    assert player.failures == 0


def test_a_block_length_that_changes_grows_no_memory() -> None:
    """Audio tensors made anew for each block length are released again."""
    player = OnnxPlayer(streaming_graph(random_model("lstm_1x16", 0)))
    signal = np.zeros(20000, np.float32)
    player.play(signal, 1, 2)
    before = _resident_pages()
    for _ in range(4):
        player.play(signal, 1, 2)
    assert _resident_pages() - before < 64


def test_what_onnx_runtime_refuses_is_one_error() -> None:
    """Bytes that are no model give its own sentence."""
    with pytest.raises(OnnxRuntimeError):
        OnnxState(StreamingGraph(b"no model", "x", "y", (1, 0), (1, 0), ()))


def _stranger(path: Path, nodes: list[onnx.NodeProto]) -> Path:
    shape = [1, 1, "frames"]
    graph = helper.make_graph(
        nodes,
        "stranger",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(proto, path)
    return path


def test_a_strangers_model_plays(tmp_path: Path) -> None:
    """An ONNX file that we did not write, a tanh, plays through ONNX Runtime."""
    path = _stranger(tmp_path / "tanh.onnx", [helper.make_node("Tanh", ["x"], ["y"])])
    processor = Neural(model=path)
    assert not processor.on_kernel
    signal = np.linspace(-2, 2, 999).astype(np.float32)
    assert (
        np.abs(OnnxPlayer(streaming_graph(processor.model)).play(signal, 64) - np.tanh(signal)).max() < 1e-6
    )


def test_a_strangers_model_that_puts_out_nan_is_refused(tmp_path: Path) -> None:
    """A logarithm of noise fails its trial, in a sentence with the file's name."""
    path = _stranger(tmp_path / "log.onnx", [helper.make_node("Log", ["x"], ["y"])])
    with pytest.raises(ModelFileError, match=r"log\.onnx: failed a short test: it puts out NaN or Inf"):
        Neural(model=path)


@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("ReduceMean", ["x"], ["m"], axes=[2]), helper.make_node("Sub", ["x", "m"], ["y"])],
        [helper.make_node("CumSum", ["x", "axis"], ["y"])],
        [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[9], pads=[4, 4])],
        [helper.make_node("RandomNormalLike", ["x"], ["y"])],
    ],
    ids=["mean of the block", "sum of the block", "padding around the block", "chance"],
)
def test_a_strangers_model_that_hears_where_blocks_begin_is_refused(
    nodes: list[onnx.NodeProto], tmp_path: Path
) -> None:
    """A network whose output depends on the block length cannot stream, whatever its shapes say."""
    axis = helper.make_node("Constant", [], ["axis"], value_int=2)
    path = _stranger(tmp_path / "block.onnx", [axis, *nodes])
    with pytest.raises(ModelFileError, match=r"block\.onnx: .* how the sound is cut into blocks"):
        Neural(model=path)


def test_a_strangers_model_of_another_length_is_refused(tmp_path: Path) -> None:
    """A network that gives back fewer samples than it got cannot stream."""
    path = _stranger(
        tmp_path / "short.onnx", [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[9])]
    )
    with pytest.raises(ModelFileError, match=r"short\.onnx: .* does not make 64 samples of 64"):
        Neural(model=path)


def test_a_file_that_changed_after_its_trial_does_not_play(tmp_path: Path) -> None:
    """What plays is what was tried: other contents under the same name are refused."""
    path = _stranger(tmp_path / "tanh.onnx", [helper.make_node("Tanh", ["x"], ["y"])])
    processor = Neural(model=path)
    _stranger(path, [helper.make_node("Exp", ["x"], ["y"])])
    with pytest.raises(ModelFileError, match=r"tanh\.onnx: changed since it was tried"):
        streaming_graph(processor.model)


def _resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])
