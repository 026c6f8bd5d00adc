"""Read and write Proteus files: a torch LSTM or GRU and a linear layer as JSON.

Facts: GuitarML's Proteus (``RTNeuralLSTM.cpp``) and CoreAudioML's ``SimpleRNN``, which writes the files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .check import MAX_LAYERS, check_model
from .check_values import MAX_CHANNELS
from .document import MAX_JSON_BYTES, Json, Node, parse_json, read_bytes
from .errors import CannotSayError, FormatCannotSay
from .fold import fold_gains
from .freeze import refuse_knobs
from .model import Array, Dense, Gru, Lstm, NeuralModel, Stack
from .rtneural import read_aida_metadata, read_rate, read_start, write_common
from .writing import shortest, write_json

GATES = {"LSTM": 4, "GRU": 3}


def read_proteus(path: Path | str) -> NeuralModel:
    """Read a Proteus file.

    Raises
    ------
    ModelFileError : the file is not a sound model
    """
    path = Path(path)
    return proteus_from_document(parse_json(read_bytes(path, MAX_JSON_BYTES), path))


def proteus_from_document(root: Node) -> NeuralModel:
    """The model of a parsed Proteus document."""
    config, weights = root["model_data"], root["state_dict"]
    unit_node = config.get("unit_type")
    unit = "LSTM" if unit_node is None else unit_node.text()
    if unit not in GATES:
        raise config["unit_type"].expected("LSTM or GRU")
    inputs = config["input_size"].integer(1, MAX_CHANNELS)
    if inputs != 1:
        raise config["input_size"].error(f"is {inputs}, but only sound can be played, without knobs")
    outputs = config.get("output_size")
    if outputs is not None:
        outputs.integer(1, 1)
    hidden = config["hidden_size"].integer(1, MAX_CHANNELS)
    count_node, skip_node = config.get("num_layers"), config.get("skip")
    count = 1 if count_node is None else count_node.integer(1, MAX_LAYERS)
    skip = skip_node is None or bool(skip_node.integer(0, 1))
    layers = [_read_recurrent(weights, unit, n, inputs if n == 0 else hidden, hidden) for n in range(count)]
    dense = Dense(weights["lin.weight"].floats(1, hidden), weights["lin.bias"].floats(1))
    metadata = read_aida_metadata(root.get("metadata"))
    model = NeuralModel(Stack((*layers, dense), skip), read_rate(root), metadata)
    return check_model(read_start(root, model), root.path)


def _read_recurrent(weights: Node, unit: str, n: int, inputs: int, hidden: int) -> Lstm | Gru:
    rows = GATES[unit] * hidden
    weight_x = weights[f"rec.weight_ih_l{n}"].floats(rows, inputs)
    weight_h = weights[f"rec.weight_hh_l{n}"].floats(rows, hidden)
    nodes = [weights.get(f"rec.bias_{kind}_l{n}") for kind in ("ih", "hh")]
    bias_x, bias_h = (np.zeros(rows, np.float32) if node is None else node.floats(rows) for node in nodes)
    zeros = np.zeros(hidden, np.float32)
    if unit == "GRU":
        return Gru(weight_x, weight_h, bias_x, bias_h, zeros)
    bias = (bias_x.astype(np.float64) + bias_h).astype(np.float32)
    return Lstm(weight_x, weight_h, bias, zeros, zeros)


def write_proteus(model: NeuralModel, path: Path | str) -> None:
    """Write a Proteus file.

    Raises
    ------
    FormatCannotSay : the network is not recurrent layers of one kind and width with one dense output
    ModelFileError : the network is not sound, or the file cannot be written
    """
    path = Path(path)
    try:
        refuse_knobs(model)
        document = _write_document(check_model(model, path))
    except CannotSayError as error:
        raise FormatCannotSay(path, f"Proteus cannot say {error}; save as .onnx") from None
    write_json(path, document)


def _write_document(model: NeuralModel) -> Json:
    network = model.network
    if not isinstance(network, Stack):
        raise CannotSayError(f"a {type(network).__name__}")
    folded = fold_gains(network)
    if folded is None:
        raise CannotSayError("gains beside an input that is added to the output")
    *recurrent, dense = folded.layers
    first = recurrent[0] if recurrent else None
    if not isinstance(first, Lstm | Gru) or not isinstance(dense, Dense):
        raise CannotSayError("anything but recurrent layers and one dense output")
    weights: dict[str, Array] = {}
    for n, layer in enumerate(recurrent):
        if (
            type(layer) is not type(first)
            or not isinstance(layer, Lstm | Gru)
            or layer.hidden != first.hidden
        ):
            raise CannotSayError("recurrent layers of different kinds or widths")
        weights[f"rec.weight_ih_l{n}"] = layer.weight_x
        weights[f"rec.weight_hh_l{n}"] = layer.weight_h
        biases = (
            (layer.bias, np.zeros_like(layer.bias))
            if isinstance(layer, Lstm)
            else (layer.bias_x, layer.bias_h)
        )
        weights[f"rec.bias_ih_l{n}"], weights[f"rec.bias_hh_l{n}"] = biases
    weights |= {"lin.weight": dense.weight, "lin.bias": dense.bias}
    config = {
        "model": "SimpleRNN",
        "input_size": 1,
        "skip": int(network.skip),
        "output_size": 1,
        "unit_type": type(first).__name__.upper(),
        "num_layers": len(recurrent),
        "hidden_size": first.hidden,
        "bias_fl": True,
    }
    state = {name: shortest(array) for name, array in weights.items()}
    return {"model_data": config, "state_dict": state} | write_common(model)
