"""Tests of reading and writing `.nam` files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tonerig.export.document import Node
from tonerig.export.errors import FormatCannotSay, ModelFileError
from tonerig.export.model import Activation, Container, Lstm, NeuralModel, Stack, WaveNet
from tonerig.export.nam import nam_from_document, read_nam, write_nam
from tonerig.export.reference import evaluate

from tests.export.same import same
from tests.models import KINDS, METADATA, random_model

SAYABLE = [kind for kind in KINDS if kind not in ("gru_1x12", "rtneural_conv", "lstm_skip")]
SIGNAL = np.random.default_rng(0).standard_normal(500)


def write_document(folder: Path, document: Any) -> Path:
    path = folder / "model.nam"
    path.write_text(json.dumps(document))
    return path


def linear_document(**changes: Any) -> dict[str, Any]:
    """The smallest `.nam` file: three taps, the newest first, and a bias."""
    return {
        "version": "0.5.4",
        "architecture": "Linear",
        "config": {"receptive_field": 3, "bias": True},
        "weights": [1.0, 0.5, 0.25, -0.125],
    } | changes


def lstm_document(**changes: Any) -> dict[str, Any]:
    """One LSTM cell: W [4, 1 + 1], bias [4], h, c, then the head's weight and bias."""
    return {
        "version": "0.5.4",
        "architecture": "LSTM",
        "config": {"input_size": 1, "hidden_size": 1, "num_layers": 1},
        "weights": [float(n) for n in range(16)],
    } | changes


def wavenet_document(**layer: Any) -> dict[str, Any]:
    """One array of two layers of two channels, in the old form of the config; weights count up from 0."""
    array = {
        "input_size": 1,
        "condition_size": 1,
        "channels": 2,
        "kernel_size": 2,
        "dilations": [1, 2],
        "activation": "Tanh",
        "head_size": 1,
        "head_bias": True,
        "gated": False,
    }
    weights = 2 + 2 * (2 * 2 * 2 + 2 + 2 + 2 * 2 + 2) + 2 + 1 + 1
    return {
        "version": "0.5.0",
        "architecture": "WaveNet",
        "config": {"layers": [array | layer], "head": None, "head_scale": 0.5},
        "weights": [float(n) for n in range(weights)],
    }


def newer_document() -> dict[str, Any]:
    """The same in the new form of the config."""
    document = wavenet_document(
        kernel_sizes=[2, 2],
        activation=[{"type": "Tanh"}, "Tanh"],
        head={"out_channels": 1, "kernel_size": 1, "bias": True},
        bottleneck=2,
        gating_mode=["none", "none"],
        secondary_activation=[None, None],
        layer1x1={"active": True, "groups": 1},
        head1x1={"active": False, "out_channels": 1, "groups": 1},
        groups_input=1,
        groups_input_mixin=1,
        conv_pre_film=False,
        conv_post_film={"active": False, "shift": True, "groups": 1},
        slimmable=None,
    )
    for key in ("kernel_size", "head_size", "head_bias", "gated"):
        del document["config"]["layers"][0][key]
    return document | {"version": "0.7.0"}


def sized(**layer: Any) -> dict[str, Any]:
    """`wavenet_document` with as many weights as its config asks for."""
    document = wavenet_document(**layer)
    with pytest.raises(ModelFileError) as caught:
        nam_from_document(Node(document, "", Path("model.nam")))
    match = re.search(r"config has (\d+) weights", str(caught.value))
    return document | {"weights": [0.5] * (int(match[1]) if match else 0)}


def test_linear_lists_its_newest_tap_first(tmp_path: Path) -> None:
    """A Linear's weights are its impulse response, as in NeuralAmpModelerCore's linear.cpp."""
    model = read_nam(write_document(tmp_path, linear_document()))
    impulse = np.zeros(5)
    impulse[0] = 1.0
    np.testing.assert_allclose(evaluate(model, impulse), [0.875, 0.375, 0.125, -0.125, -0.125])


def test_lstm_weights_are_row_major_with_input_and_state_in_a_row(tmp_path: Path) -> None:
    """W[4H, in + H] is read row by row, then bias, h, c and the head."""
    network = read_nam(write_document(tmp_path, lstm_document())).network
    assert isinstance(network, Stack)
    cell, dense = network.layers
    assert isinstance(cell, Lstm)
    assert cell.weight_x.ravel().tolist() == [0, 2, 4, 6]
    assert cell.weight_h.ravel().tolist() == [1, 3, 5, 7]
    assert cell.bias.tolist() == [8, 9, 10, 11]
    assert (cell.h.tolist(), cell.c.tolist()) == ([12], [13])
    assert not isinstance(dense, Activation | Lstm)


def test_wavenet_weights_in_their_order(tmp_path: Path) -> None:
    """Rechannel, then convolution, bias, mixin, layer1x1, bias for each layer, head, bias, head scale."""
    network = read_nam(write_document(tmp_path, wavenet_document())).network
    assert isinstance(network, WaveNet)
    (array,) = network.arrays
    assert array.rechannel.weight.ravel().tolist() == [0, 1]
    first, second = array.layers
    assert first.convolution.weight.ravel().tolist() == list(range(2, 10))
    assert first.convolution.bias is not None and first.convolution.bias.tolist() == [10, 11]
    assert first.mixin.weight.ravel().tolist() == [12, 13] and first.mixin.bias is None
    assert first.layer1x1 is not None and first.layer1x1.weight.ravel().tolist() == [14, 15, 16, 17]
    assert second.convolution.dilation == 2 and second.convolution.weight.ravel()[0] == 20
    assert array.head.weight.ravel().tolist() == [38, 39]
    assert array.head.bias is not None and array.head.bias.tolist() == [40]
    assert network.head_scale == 41.0


def test_newer_words_for_the_same_network(tmp_path: Path) -> None:
    """The config of the second generation reads to the same network as the old one where both can say it."""
    old = read_nam(write_document(tmp_path, wavenet_document()))
    assert same(read_nam(write_document(tmp_path, newer_document())), old)


@pytest.mark.parametrize("kind", SAYABLE)
def test_round_trip_keeps_every_bit(kind: str, tmp_path: Path) -> None:
    """What is written reads back as the same network, weights and metadata."""
    model = random_model(kind, 1)
    write_nam(model, tmp_path / "model.nam")
    again = read_nam(tmp_path / "model.nam")
    assert again.metadata == METADATA
    assert again.prewarm == model.prewarm
    np.testing.assert_array_equal(evaluate(again, SIGNAL), evaluate(model, SIGNAL))
    write_nam(again, tmp_path / "again.nam")
    assert same(read_nam(tmp_path / "again.nam"), again)


def test_a1_is_written_in_words_that_every_player_knows(tmp_path: Path) -> None:
    """A network of the first generation gets the first generation's version and keys."""
    write_nam(random_model("a1_nano", 0), tmp_path / "model.nam")
    document = json.loads((tmp_path / "model.nam").read_text())
    assert document["version"] == "0.5.4"
    assert document["config"]["layers"][0].keys() == {
        *("input_size", "condition_size", "channels", "dilations", "head_size", "head_bias"),
        *("kernel_size", "activation", "gated"),
    }


@pytest.mark.parametrize("kind", ["gru_1x12", "rtneural_conv", "lstm_skip"])
def test_what_the_format_cannot_say(kind: str, tmp_path: Path) -> None:
    """A network without words in the format is refused, and no file is left."""
    with pytest.raises(FormatCannotSay, match="cannot say"):
        write_nam(random_model(kind, 0), tmp_path / "model.nam")
    assert list(tmp_path.iterdir()) == []


def test_gains_are_folded_into_the_weights(tmp_path: Path) -> None:
    """Input and output gain, which `.nam` lacks, move into the weights and sound the same."""
    plain = random_model("lstm_1x16", 3)
    assert isinstance(plain.network, Stack)
    gained = NeuralModel(Stack(plain.network.layers, False, 2.0, 0.5), prewarm=24000)
    write_nam(gained, tmp_path / "model.nam")
    again = read_nam(tmp_path / "model.nam")
    np.testing.assert_allclose(evaluate(again, SIGNAL), evaluate(gained, SIGNAL), atol=1e-6)


def test_metadata_that_is_not_known_survives(tmp_path: Path) -> None:
    """Dates and the trainer's notes come back unchanged, the validation ESR among them."""
    metadata = {
        "name": "Box",
        "date": {"year": 2024, "month": 1},
        "training": {"settings": {"a": [1, 2]}, "validation_esr": 0.01},
        "loudness": -20.0,
    }
    model = read_nam(write_document(tmp_path, linear_document(metadata=metadata)))
    assert (model.metadata.name, model.metadata.validation_esr) == ("Box", 0.01)
    write_nam(model, tmp_path / "again.nam")
    again = json.loads((tmp_path / "again.nam").read_text())
    assert again["metadata"] == metadata


def test_sample_rate_is_48000_where_the_file_is_silent(tmp_path: Path) -> None:
    """An LSTM hears half a second of silence at its rate."""
    assert read_nam(write_document(tmp_path, lstm_document())).sample_rate == 48000.0
    model = read_nam(write_document(tmp_path, lstm_document(sample_rate=44100)))
    assert (model.sample_rate, model.prewarm) == (44100.0, 22050)


def test_a_container_plays_its_largest_submodel() -> None:
    """The last submodel is the one with the highest bound."""
    model = random_model("a2", 0)
    assert isinstance(model.network, Container)
    np.testing.assert_array_equal(
        evaluate(model, SIGNAL),
        evaluate(NeuralModel(model.network.submodels[1][1].network, prewarm=6346), SIGNAL),
    )


BAD: list[tuple[str, dict[str, Any]]] = [
    ('weights holds "two" at position 1 where a number', linear_document(weights=[1.0, "two", 3.0])),
    ("weights holds true at position 2", linear_document(weights=[1.0, 2.0, True, 4.0])),
    ("holds a number of 2000 digits", linear_document(weights=[1.0, 10**1999, 3.0, 4.0])),
    ("has 3 numbers, but the network in the config has 4", linear_document(weights=[1.0, 2.0, 3.0])),
    ("has 5 numbers, but the network in the config has 4", linear_document(weights=[1.0] * 5)),
    ("holds 1e+39 at position 1", linear_document(weights=[1.0, 1e39, 3.0, 4.0])),
    ("holds a huge number", linear_document(weights=[1.0, 10**400, 3.0, 4.0])),
    ("holds NaN", linear_document(weights=[1.0, float("nan"), 3.0, 4.0])),
    ("holds Infinity", linear_document(weights=[1.0, float("inf"), 3.0, 4.0])),
    ("architecture is 'Transformer'", linear_document(architecture="Transformer")),
    ('version is "1.0.0"', linear_document(version="1.0.0")),
    ("config is a list of 0", linear_document(config=[])),
    ("config has no 'bias'", linear_document(config={"receptive_field": 3})),
    ("receptive_field is 100000000", linear_document(config={"receptive_field": 10**8, "bias": False})),
    ("config.bias is 1,", linear_document(config={"receptive_field": 3, "bias": 1})),
    ("sample_rate is 0", linear_document(sample_rate=0)),
    ('metadata.loudness is "loud"', linear_document(metadata={"loudness": "loud"})),
    ("metadata.name is 7", linear_document(metadata={"name": 7})),
    ("metadata is a list", linear_document(metadata=[1])),
    (
        "hidden_size is 10000000",
        lstm_document(config={"input_size": 1, "hidden_size": 10**7, "num_layers": 1}),
    ),
    ("knobs", lstm_document(config={"input_size": 3, "hidden_size": 1, "num_layers": 1})),
    (
        "has 16 numbers, but the network in the config has 6",
        lstm_document(config={"input_size": 1, "hidden_size": 2000, "num_layers": 200}),
    ),
    ("channels is 10000000", wavenet_document(channels=10**7)),
    ("the unknown activation 'Tanhh'", wavenet_document(activation="Tanhh")),
    ("input_size is 2", wavenet_document(input_size=2)),
    ("condition_size is 2", wavenet_document(condition_size=2)),
    ("activation has 1 entries, but there are 2 dilations", wavenet_document(activation=["Tanh"])),
    ('gating_mode is "maybe"', wavenet_document(gating_mode="maybe")),
    ("do not divide", wavenet_document(groups_input=3)),
    ("dilations is a list of 0", wavenet_document(dilations=[])),
    ("dilations[1] is 0", wavenet_document(dilations=[1, 0])),
    ("has a layer1x1_post_film, but no layer1x1", sized(layer1x1_post_film={}, layer1x1={"active": False})),
    ("past samples", sized(dilations=[2**20] * 16)),
    ("2 output channels", sized(head_size=2)),
]


@pytest.mark.parametrize(("problem", "document"), BAD, ids=[problem for problem, _ in BAD])
def test_bad_documents_are_refused_with_a_sentence(
    problem: str, document: dict[str, Any], tmp_path: Path
) -> None:
    """Wrong types, counts and sizes are named, with the file and the place in it."""
    with pytest.raises(ModelFileError) as caught:
        read_nam(write_document(tmp_path, document))
    assert str(caught.value).startswith("model.nam: ")
    assert problem in str(caught.value)


def test_bad_files_are_refused_with_a_sentence(tmp_path: Path) -> None:
    """Missing, empty, cut off, deeply nested and binary files, and a folder."""
    path = tmp_path / "model.nam"
    whole = json.dumps(lstm_document())
    for content in (b"", whole[: len(whole) // 2].encode(), b"[" * 100_000, b"\xff\xfe\x00\xd8", b"hello"):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"^model\.nam: is n"):
            read_nam(path)
    with pytest.raises(ModelFileError, match="does not exist"):
        read_nam(tmp_path / "missing.nam")
    with pytest.raises(ModelFileError, match="is not a file"):
        read_nam(tmp_path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Four gigabytes of nothing cost neither time nor memory."""
    path = tmp_path / "model.nam"
    with path.open("wb") as file:
        file.truncate(4 * 2**30)
    with pytest.raises(ModelFileError, match="4096 MB"):
        read_nam(path)


def test_nothing_is_written_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A missing folder is one sentence."""
    with pytest.raises(ModelFileError, match=r"cannot be written: the folder .* does not exist"):
        write_nam(random_model("linear", 0), tmp_path / "missing" / "model.nam")


def mutated(document: Any, draw: st.DrawFn) -> Any:
    """The document with one value, anywhere in it, replaced, removed or doubled."""
    if isinstance(document, dict | list) and document and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(document) if isinstance(document, dict) else range(len(document))))
        changed = document.copy()
        action = draw(st.integers(0, 5))
        if action == 0:
            del changed[key]
        else:
            changed[key] = mutated(document[key], draw)
        return changed
    return draw(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.lists(st.integers(), max_size=3)
        | st.dictionaries(st.text(max_size=5), st.integers(), max_size=2)
    )


@st.composite
def almost_models(draw: st.DrawFn) -> Any:
    documents = [linear_document(), lstm_document(), wavenet_document(), newer_document()]
    documents.append({"version": "0.7.0", "architecture": "Sequential", "config": {"models": documents[:2]}})
    return mutated(draw(st.sampled_from(documents)), draw)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=almost_models())
def test_whatever_the_document_says_it_is_read_or_refused(document: Any, tmp_path: Path) -> None:
    """A document with any one thing wrong gives a model that plays or a `ModelFileError`, nothing else."""
    try:
        model = read_nam(write_document(tmp_path, document))
    except ModelFileError as error:
        assert str(error).startswith("model.nam: ")
    else:
        assert np.isfinite(evaluate(model, np.zeros(2), prewarm=False)).all()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 2000), junk=st.binary(max_size=8), cut=st.integers(0, 2000))
def test_damaged_bytes_are_read_or_refused(position: int, junk: bytes, cut: int, tmp_path: Path) -> None:
    """Bytes replaced anywhere, or the end missing, never raise anything but `ModelFileError`."""
    content = json.dumps(newer_document()).encode()
    damaged = (content[:position] + junk + content[position + len(junk) :])[: max(cut, 1)]
    path = tmp_path / "model.nam"
    path.write_bytes(damaged)
    try:
        read_nam(path)
    except ModelFileError as error:
        assert str(error).startswith("model.nam: ")
