"""Tests of AIDA-X files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tonerig.export.errors import FormatCannotSay, ModelFileError
from tonerig.export.model import Activation, BatchNorm, Convolution, Dense, NeuralModel, Stack
from tonerig.export.reference import evaluate
from tonerig.export.rtneural import read_rtneural, write_rtneural

from tests.export.same import same
from tests.export.test_nam import mutated
from tests.models import METADATA, random_model

SIGNAL = (0.3 * np.random.default_rng(1).standard_normal(600)).astype(np.float32)
SAYABLE = ("gru_1x12", "lstm_skip", "lstm_1x16", "lstm_2x8", "rtneural_conv", "convnet", "linear")


def write_document(folder: Path, document: Any) -> Path:
    path = folder / "model.aidax"
    path.write_text(json.dumps(document))
    return path


def keras_document(unit: str, hidden: int = 3, **changes: Any) -> tuple[dict[str, Any], torch.nn.Module]:
    """A recurrent layer and a dense one as Keras stores them, and the same in torch."""
    torch.manual_seed(0)
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[unit]
    layer, dense = kind(1, hidden, batch_first=True), torch.nn.Linear(hidden, 1)
    weight_x, weight_h, bias_x, bias_h = (p.detach().numpy() for p in layer.parameters())
    if unit == "lstm":
        weights = [weight_x.T.tolist(), weight_h.T.tolist(), (bias_x + bias_h).tolist()]
    else:
        swap = np.concatenate(
            [np.arange(hidden, 2 * hidden), np.arange(hidden), np.arange(2 * hidden, 3 * hidden)]
        )
        weights = [
            weight_x[swap].T.tolist(),
            weight_h[swap].T.tolist(),
            [bias_x[swap].tolist(), bias_h[swap].tolist()],
        ]
    document = {
        "in_shape": [None, None, 1],
        "layers": [
            {"type": unit, "activation": "", "shape": [None, None, hidden], "weights": weights},
            {
                "type": "dense",
                "activation": "",
                "shape": [None, None, 1],
                "weights": [dense.weight.detach().numpy().T.tolist(), dense.bias.detach().numpy().tolist()],
            },
        ],
    } | changes
    return document, torch.nn.ModuleList([layer, dense])


def torch_output(modules: torch.nn.Module, signal: Any) -> Any:
    layer, dense = modules
    with torch.no_grad():
        return dense(layer(torch.from_numpy(signal)[None, :, None])[0])[0, :, 0].numpy()


@pytest.mark.parametrize("unit", ["lstm", "gru"])
def test_keras_layers_compute_what_torch_computes(unit: str, tmp_path: Path) -> None:
    """Transposed kernels, and a GRU's gates in the order z, r, h."""
    document, modules = keras_document(unit)
    model = read_rtneural(write_document(tmp_path, document))
    np.testing.assert_allclose(evaluate(model, SIGNAL), torch_output(modules, SIGNAL), atol=1e-6)


def test_gains_and_skip(tmp_path: Path) -> None:
    """out_gain · (network(in_gain · x) + in_gain · x), gains in dB."""
    document, modules = keras_document("lstm", in_skip=1, in_gain=20.0, out_gain=-20.0)
    model = read_rtneural(write_document(tmp_path, document))
    expected = 0.1 * (torch_output(modules, 10 * SIGNAL) + 10 * SIGNAL)
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-6)


def test_a_convolution_is_that_of_keras(tmp_path: Path) -> None:
    """kernel[k, in, out] with the newest sample last, then tanh: torch's Conv1d with the axes swapped."""
    torch.manual_seed(1)
    convolution = torch.nn.Conv1d(1, 2, 3, dilation=2)
    weights = [convolution.weight.detach().numpy().transpose(2, 1, 0).tolist(), convolution.bias.tolist()]
    document = {
        "in_shape": [None, None, 1],
        "layers": [
            {
                "type": "conv1d",
                "activation": "tanh",
                "shape": [None, None, 2],
                "kernel_size": [3],
                "dilation": [2],
                "weights": weights,
            },
            {"type": "dense", "activation": "", "shape": [None, None, 1], "weights": [[[1.0], [1.0]], [0.0]]},
        ],
    }
    model = read_rtneural(write_document(tmp_path, document))
    padded = torch.nn.functional.pad(torch.from_numpy(SIGNAL)[None, None], (4, 0))
    expected = torch.tanh(convolution(padded)).sum(1)[0].detach().numpy()
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-6)


def test_prelu_and_batch_normalization(tmp_path: Path) -> None:
    """Slopes for each channel; gamma, beta, mean, variance and epsilon as in Keras."""
    document = {
        "in_shape": [None, None, 1],
        "layers": [
            {"type": "dense", "shape": [None, None, 2], "weights": [[[1.0, -1.0]], [0.0, 0.0]]},
            {"type": "prelu", "shape": [None, None, 2], "weights": [[[0.5, 0.25]]]},
            {
                "type": "batchnorm",
                "shape": [None, None, 2],
                "weights": [[2.0, 1.0], [0.5, 0.0], [0.125, 0.0], [3.0, 0.0]],
                "epsilon": 1.0,
            },
            {"type": "dense", "shape": [None, None, 1], "weights": [[[1.0], [1.0]], [0.0]]},
        ],
    }
    model = read_rtneural(write_document(tmp_path, document))
    np.testing.assert_allclose(evaluate(model, [1.0]), [2.0 * (1.0 - 0.125) / 2.0 + 0.5 - 0.25])


def test_metadata_of_a_trained_file(tmp_path: Path) -> None:
    """The trainer's keys, a sample rate written as text, and the gear in one phrase."""
    metadata = {
        "name": "tweed",
        "samplerate": "44100",
        "style": "clean",
        "based": "Maker Model 5",
        "author": "somebody",
        "license": "CC0",
        "esr": 0.0165,
    }
    model = read_rtneural(write_document(tmp_path, keras_document("lstm", metadata=metadata)[0]))
    assert model.sample_rate == 44100.0
    found = model.metadata
    assert (found.name, found.author, found.tone_type) == ("tweed", "somebody", "clean")
    assert (found.gear_model, found.validation_esr, found.extra) == (
        "Maker Model 5",
        0.0165,
        {"license": "CC0"},
    )


def test_the_golden_pair_is_checked(tmp_path: Path) -> None:
    """The right pair passes, the same with a wrong weight in the file does not."""
    document, modules = keras_document("gru", in_skip=1)
    golden = {
        "input_batch": SIGNAL.tolist(),
        "output_batch": (torch_output(modules, SIGNAL) + SIGNAL).tolist(),
    }
    model = read_rtneural(write_document(tmp_path, document | golden))
    assert model.golden is not None and len(model.golden.input) == 600
    document["layers"][0]["weights"][0][0].reverse()
    with pytest.raises(ModelFileError, match=r"does not compute its own output_batch \(off by"):
        read_rtneural(write_document(tmp_path, document | golden))


def test_a_golden_pair_with_the_gains_in_it_is_right_too(tmp_path: Path) -> None:
    """Trainers know no gains, but who adds them to a file may add them to its pair."""
    document, modules = keras_document("lstm", in_gain=6.0, out_gain=12.0)
    before, after = 10 ** (6 / 20), 10 ** (12 / 20)
    for output in (
        torch_output(modules, SIGNAL),
        after * torch_output(modules, (before * SIGNAL).astype(np.float32)),
    ):
        golden = {"input_batch": SIGNAL.tolist(), "output_batch": output.tolist()}
        assert read_rtneural(write_document(tmp_path, document | golden)).golden is not None


@pytest.mark.parametrize("kind", SAYABLE)
def test_round_trip(kind: str, tmp_path: Path) -> None:
    """What is written reads back to the same sound from the first sample, and to the same metadata."""
    model = random_model(kind, 4)
    write_rtneural(model, tmp_path / "model.aidax")
    again = read_rtneural(tmp_path / "model.aidax")
    assert again.metadata == METADATA
    assert again.sample_rate == model.sample_rate
    if kind not in ("convnet", "linear"):
        assert again.prewarm == model.prewarm
        np.testing.assert_allclose(evaluate(again, SIGNAL), evaluate(model, SIGNAL), atol=1e-12)
    np.testing.assert_allclose(
        evaluate(again, SIGNAL, prewarm=False), evaluate(model, SIGNAL, prewarm=False), atol=1e-12
    )
    write_rtneural(again, tmp_path / "again.aidax")
    assert same(read_rtneural(tmp_path / "again.aidax"), again)


def test_written_json_is_what_rtneural_reads(tmp_path: Path) -> None:
    """Types, shapes and nesting of the loader's contract, an activation inside the layer before it."""
    write_rtneural(random_model("rtneural_conv", 0), tmp_path / "model.json")
    document = json.loads((tmp_path / "model.json").read_text())
    assert document["in_shape"][-1] == 1
    kinds = [(layer["type"], layer["activation"], layer["shape"][-1]) for layer in document["layers"]]
    assert kinds == [
        ("dense", "tanh", 4),
        ("conv1d", "", 6),
        ("prelu", "", 6),
        ("batchnorm", "", 6),
        ("dense", "elu", 3),
        ("dense", "", 1),
    ]
    convolution = document["layers"][1]
    assert np.shape(convolution["weights"][0]) == (5, 4, 6)
    assert (convolution["kernel_size"], convolution["dilation"]) == ([5], [3])
    assert len(document["input_batch"]) == len(document["output_batch"]) == 2048


def test_a_folded_normalization_without_statistics_can_be_said(tmp_path: Path) -> None:
    """Scale and offset become gamma and beta."""
    one = np.ones((1, 1), np.float32)
    norm = BatchNorm(np.array([2.0], np.float32), np.array([0.25], np.float32))
    model = NeuralModel(Stack((Dense(one, np.zeros(1, np.float32)), norm)))
    write_rtneural(model, tmp_path / "model.aidax")
    np.testing.assert_allclose(evaluate(read_rtneural(tmp_path / "model.aidax"), [1.0]), [2.25])


@pytest.mark.parametrize("kind", ["a1_nano", "a2", "chain"])
def test_what_the_format_cannot_say(kind: str, tmp_path: Path) -> None:
    """A network without layers in RTNeural is refused, and no file is left."""
    with pytest.raises(FormatCannotSay, match=r"AIDA-X cannot say a (WaveNet|Container|Chain)"):
        write_rtneural(random_model(kind, 0), tmp_path / "model.aidax")
    weight = np.ones((1, 1, 1), np.float32)
    silu = NeuralModel(Stack((Convolution(weight), Activation("SiLU"))))
    with pytest.raises(FormatCannotSay, match="the activation SiLU"):
        write_rtneural(silu, tmp_path / "model.aidax")
    assert list(tmp_path.iterdir()) == []


BAD: list[tuple[str, dict[str, Any]]] = [
    ("asks for 3 inputs", {"in_shape": [None, None, 3]}),
    ("in_skip is 2", {"in_skip": 2}),
    ('in_gain is "loud"', {"in_gain": "loud"}),
    ("layers is a list of 0", {"layers": []}),
    ("the layer 'transformer', which is not known", {"layers": [{"type": "transformer"}]}),
    ("layers[0] has no 'weights'", {"layers": [{"type": "lstm"}]}),
    ("is 10000000", {"layers": [{"type": "lstm", "shape": [None, None, 10**7], "weights": []}]}),
    (
        "has 0 rows, but 2 are expected",
        {"layers": [{"type": "gru", "shape": [5], "weights": [[[0.0] * 15], [[0.0]], []]}]},
    ),
    ("the unknown activation 'gelu'", {"layers": [{"type": "activation", "activation": "gelu"}]}),
    ('metadata.samplerate is "fast"', {"metadata": {"samplerate": "fast"}}),
    ("has 2 frames, but input_batch has 3", {"input_batch": [0, 0, 0], "output_batch": [0, 0]}),
    (
        "2 output channels",
        {"layers": [{"type": "dense", "shape": [2], "weights": [[[1.0, 1.0]], [0.0, 0.0]]}]},
    ),
    (
        "strides is a stride",
        {
            "layers": [
                {
                    "type": "conv1d",
                    "shape": [1],
                    "kernel_size": [1],
                    "strides": 2,
                    "weights": [[[[1.0]]], [0.0]],
                }
            ]
        },
    ),
]


@pytest.mark.parametrize(("problem", "changes"), BAD, ids=[problem for problem, _ in BAD])
def test_bad_documents_are_refused_with_a_sentence(
    problem: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    """Wrong types, shapes and names are named, with the file and the place in it."""
    with pytest.raises(ModelFileError) as caught:
        read_rtneural(write_document(tmp_path, keras_document("lstm")[0] | changes))
    assert str(caught.value).startswith("model.aidax: ")
    assert problem in str(caught.value)


@st.composite
def almost_models(draw: st.DrawFn) -> Any:
    return mutated(draw(st.sampled_from([keras_document("lstm")[0], keras_document("gru")[0]])), draw)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=almost_models())
def test_whatever_the_document_says_it_is_read_or_refused(document: Any, tmp_path: Path) -> None:
    """A document with any one thing wrong gives a model that plays or a `ModelFileError`, nothing else."""
    try:
        model = read_rtneural(write_document(tmp_path, document))
    except ModelFileError as error:
        assert str(error).startswith("model.aidax: ")
    else:
        assert evaluate(model, np.zeros(2), prewarm=False).shape == (2,)
