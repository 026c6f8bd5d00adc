"""Read and write AIDA-X files: RTNeural's JSON of Keras-style layers, with gains and a golden pair.

Facts: RTNeural's ``model_loader.h``; the loader and ``applyModel`` of AIDA-X; the exporter of
Automated-GuitarAmpModelling. An output is ``out_gain · (network(x) + x)`` with ``x = in_gain · input``, the
second term only with ``in_skip``; gains are in dB. The trainer's ``input_batch`` and ``output_batch`` are the
network's, skip included and gains left out. The format has no state to start from: what a file lacks there,
we write to a member of our own, ``tonerig``, which other readers pass over.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from .check import MAX_LAYERS, MAX_PREWARM, MAX_RATE, MIN_RATE, check_model
from .check_values import MAX_CHANNELS
from .document import MAX_JSON_BYTES, Json, Node, parse_json, read_bytes
from .errors import CannotSayError, FormatCannotSay
from .fold import batchnorm
from .freeze import refuse_knobs
from .gates import GRU_TO_ONNX, reorder_gates
from .golden import check_golden, golden_output
from .metadata import AIDA_KEYS, read_metadata, write_metadata
from .model import (
    Activation,
    Array,
    BatchNorm,
    Convolution,
    Dense,
    GoldenPair,
    Gru,
    Layer,
    Lstm,
    Metadata,
    NeuralModel,
    Stack,
)
from .writing import shortest, write_json

DEFAULT_RATE = 48000.0
MAX_KERNEL = 2**20
GOLDEN_FRAMES = 2048
MAX_STORED_FRAMES = 2**20
ACTIVATIONS = {
    "tanh": Activation("Tanh"),
    "relu": Activation("ReLU"),
    "sigmoid": Activation("Sigmoid"),
    "softmax": Activation("Softmax"),
    "elu": Activation("ELU", (1.0,)),
}


def read_rtneural(path: Path | str) -> NeuralModel:
    """Read an AIDA-X or RTNeural file, and check it against its own golden pair.

    Raises
    ------
    ModelFileError : the file is not a sound model, or does not compute what its writer got
    """
    path = Path(path)
    return rtneural_from_document(parse_json(read_bytes(path, MAX_JSON_BYTES), path))


def rtneural_from_document(root: Node) -> NeuralModel:
    """The model of a parsed AIDA-X document."""
    inputs = root["in_shape"].items(4, 1)[-1].integer(1, MAX_CHANNELS)
    if inputs != 1:
        raise root["in_shape"].error(f"asks for {inputs} inputs, but only sound can be played, without knobs")
    channels, layers = inputs, []
    for node in root["layers"].items(MAX_LAYERS, 1):
        read, channels = _read_layer(node, channels)
        layers += read
    metadata = root.get("metadata")
    network = Stack(
        tuple(layers), _read_skip(root), _read_gain(root.get("in_gain")), _read_gain(root.get("out_gain"))
    )
    model = NeuralModel(network, read_rate(root), read_aida_metadata(metadata), golden=_read_golden(root))
    model = check_model(read_start(root, model), root.path)
    check_golden(model, root.path)
    return model


def read_rate(root: Node) -> float:
    """The sample rate, in the metadata or beside it, as a number or as text."""
    metadata = root.get("metadata")
    node = (metadata and metadata.get("samplerate")) or root.get("samplerate") or root.get("sample_rate")
    if node is None:
        return DEFAULT_RATE
    if isinstance(node.value, str):
        try:
            node = Node(float(node.value), node.where, node.path)
        except ValueError:
            raise node.expected("a number") from None
    return node.number(MIN_RATE, MAX_RATE)


def read_aida_metadata(node: Node | None) -> Metadata:
    """The metadata of an AIDA-X file; ``based`` is the gear where no key of its own names it."""
    metadata = read_metadata(node, AIDA_KEYS, drop=("samplerate", "based"))
    based = None if node is None else node.get("based")
    if based is None or metadata.gear_make or metadata.gear_model:
        return metadata
    return replace(metadata, gear_model=based.text())


def _read_skip(root: Node) -> bool:
    node = root.get("in_skip")
    return node is not None and bool(node.value if isinstance(node.value, bool) else node.integer(0, 1))


def _read_gain(node: Node | None) -> float:
    """A gain in dB as a factor; -90 dB and less is silence, as in AIDA-X."""
    if node is None:
        return 1.0
    gain_db = node.number(-1000.0, 200.0)
    return 10.0 ** (gain_db / 20.0) if gain_db > -90.0 else 0.0


def _read_layer(node: Node, inputs: int) -> tuple[list[Layer], int]:
    """The layers of one entry, an activation after its weights, and their output channels."""
    kind = node["type"].text()
    if kind == "activation":
        return _read_activation(node), inputs
    if kind not in ("dense", "time-distributed-dense", "conv1d", "lstm", "gru", "prelu", "batchnorm"):
        raise node["type"].error(f"is the layer {kind[:40]!r}, which is not known")
    weights = node["weights"]
    size = node["shape"].items(4, 1)[-1].integer(1, MAX_CHANNELS)
    if kind == "lstm":
        return [_read_lstm(weights, inputs, size)], size
    if kind == "gru":
        return [_read_gru(weights, inputs, size)], size
    if kind == "prelu":
        slopes = weights.items(1, 1)[0].items(1, 1)[0].floats(inputs)
        return [Activation("PReLU", tuple(slopes.tolist()))], inputs
    if kind == "batchnorm":
        return [_read_batchnorm(node, weights, inputs)], inputs
    if kind == "conv1d":
        return [_read_conv(node, weights, inputs, size), *_read_activation(node)], size
    weight, bias = weights.items(2, 2)
    dense = Dense(np.ascontiguousarray(weight.floats(inputs, size).T), bias.floats(size))
    return [dense, *_read_activation(node)], size


def _read_activation(node: Node) -> list[Layer]:
    name = node.get("activation")
    if name is None or name.text() in ("", "linear"):
        return []
    if name.text() not in ACTIVATIONS:
        raise name.error(
            f"is the unknown activation {name.text()[:40]!r}; known are {', '.join(ACTIVATIONS)}"
        )
    return [ACTIVATIONS[name.text()]]


def _read_lstm(weights: Node, inputs: int, hidden: int) -> Lstm:
    """Kernel [inputs, 4H], recurrent kernel [H, 4H] and bias [4H], gates i, f, c, o."""
    kernel, recurrent, bias = weights.items(3, 3)
    zeros = np.zeros(hidden, np.float32)
    return Lstm(
        np.ascontiguousarray(kernel.floats(inputs, 4 * hidden).T),
        np.ascontiguousarray(recurrent.floats(hidden, 4 * hidden).T),
        bias.floats(4 * hidden),
        zeros,
        zeros,
    )


def _read_gru(weights: Node, inputs: int, hidden: int) -> Gru:
    """Kernel [inputs, 3H], recurrent kernel [H, 3H] and two biases [2, 3H], gates z, r, h."""
    kernel, recurrent, bias = weights.items(3, 3)
    biases = bias.floats(2, 3 * hidden)
    weight_x, weight_h = (
        reorder_gates(np.ascontiguousarray(node.floats(rows, 3 * hidden).T), GRU_TO_ONNX)
        for node, rows in ((kernel, inputs), (recurrent, hidden))
    )
    bias_x, bias_h = (reorder_gates(row, GRU_TO_ONNX) for row in biases)
    return Gru(weight_x, weight_h, bias_x, bias_h, np.zeros(hidden, np.float32))


def _read_conv(node: Node, weights: Node, inputs: int, outputs: int) -> Convolution:
    """Kernel [kernel, inputs / groups, outputs], the newest sample last, and bias [outputs]."""
    kernel, dilation, groups, strides = (
        _last(node.get(key), 1 if key != "kernel_size" else None, node)
        for key in ("kernel_size", "dilation", "groups", "strides")
    )
    if strides != 1:
        raise node["strides"].error("is a stride, which would change the sample rate")
    if inputs % groups:
        raise node["groups"].error(f"is {groups}, which does not divide {inputs} inputs")
    weight_node, bias = weights.items(2, 2)
    weight = weight_node.floats(kernel, inputs // groups, outputs)
    return Convolution(
        np.ascontiguousarray(weight.transpose(2, 1, 0)), bias.floats(outputs), dilation, groups
    )


def _last(value: Node | None, default: int | None, node: Node) -> int:
    """A size that is given as a number or as a list with it at the end."""
    if value is None:
        return node["kernel_size"].integer(1, MAX_KERNEL) if default is None else default
    item = value.items(4, 1)[-1] if isinstance(value.value, list) else value
    return item.integer(1, MAX_KERNEL)


def _read_batchnorm(node: Node, weights: Node, channels: int) -> BatchNorm:
    """Gamma, beta, mean and variance, or without the first two."""
    arrays = [item.floats(channels) for item in weights.items(4, 2)]
    if len(arrays) == 3:
        raise weights.expected("a list of 2 or 4")
    *affine, mean, variance = arrays
    gamma, beta = affine or (np.ones(channels, np.float32), np.zeros(channels, np.float32))
    return batchnorm(mean, variance, gamma, beta, node["epsilon"].number(0.0, 1.0))


def read_start(root: Node, model: NeuralModel) -> NeuralModel:
    """The model with the prewarm and first states of the member ``tonerig``, if there is one."""
    node = root.get("tonerig")
    if node is None or not isinstance(model.network, Stack):
        return model
    layers = list(model.network.layers)
    recurrent = [n for n, layer in enumerate(layers) if isinstance(layer, Lstm | Gru)]
    states = node["states"].items(len(recurrent), len(recurrent))
    for n, state in zip(recurrent, states, strict=True):
        layer = layers[n]
        if isinstance(layer, Lstm):
            layers[n] = replace(layer, h=state["h"].floats(layer.hidden), c=state["c"].floats(layer.hidden))
        elif isinstance(layer, Gru):
            layers[n] = replace(layer, h=state["h"].floats(layer.hidden))
    network = replace(model.network, layers=tuple(layers))
    return replace(model, network=network, prewarm=node["prewarm"].integer(0, MAX_PREWARM))


def _read_golden(root: Node) -> GoldenPair | None:
    given, expected = root.get("input_batch"), root.get("output_batch")
    if given is None or expected is None:
        return None
    frames = [_frames(node) for node in (given, expected)]
    if len(frames[0]) != len(frames[1]):
        raise expected.error(f"has {len(frames[1])} frames, but input_batch has {len(frames[0])}")
    return GoldenPair(frames[0], frames[1]) if len(frames[0]) else None


def _frames(node: Node) -> Array:
    """A signal, whether written as numbers or as lists of one number."""
    items = node.items(MAX_STORED_FRAMES)
    return node.floats(None, 1)[:, 0] if items and isinstance(items[0].value, list) else node.floats(None)


def write_rtneural(model: NeuralModel, path: Path | str) -> None:
    """Write an AIDA-X file, with a golden pair.

    Raises
    ------
    FormatCannotSay : RTNeural has no layers for the network
    ModelFileError : the network is not sound, or the file cannot be written
    """
    path = Path(path)
    try:
        refuse_knobs(model)
        document = _write_document(check_model(model, path))
    except CannotSayError as error:
        raise FormatCannotSay(path, f"AIDA-X cannot say {error}; save as .onnx") from None
    write_json(path, document)


def _write_document(model: NeuralModel) -> Json:
    network = model.network
    if not isinstance(network, Stack):
        raise CannotSayError(f"a {type(network).__name__}")
    layers: list[dict[str, Json]] = []
    channels = 1
    for layer in network.layers:
        channels = _write_layer(layer, channels, layers)
    rng = np.random.default_rng(0)
    excitation = (0.5 * rng.standard_normal(GOLDEN_FRAMES)).astype(np.float32)
    document: dict[str, Json] = {"in_shape": [None, None, 1], "in_skip": int(network.skip)}
    for key, gain in (("in_gain", network.input_gain), ("out_gain", network.output_gain)):
        if gain != 1.0:
            document[key] = _gain_db(gain)
    document |= {
        "layers": layers,
        "input_batch": shortest(excitation),
        "output_batch": shortest(golden_output(model, excitation)),
    }
    return document | write_common(model)


def write_common(model: NeuralModel) -> dict[str, Json]:
    """Metadata, rate, and the start that the format has no words for."""
    metadata = write_metadata(model.metadata, AIDA_KEYS)
    gear = " ".join(text for text in (model.metadata.gear_make, model.metadata.gear_model) if text)
    rate = int(model.sample_rate) if model.sample_rate.is_integer() else model.sample_rate
    document: dict[str, Json] = {"samplerate": rate}
    document["metadata"] = metadata | {"samplerate": rate} | ({"based": gear} if gear else {})
    assert isinstance(model.network, Stack)
    states = [
        {"h": shortest(layer.h), "c": shortest(layer.c)}
        if isinstance(layer, Lstm)
        else {"h": shortest(layer.h)}
        for layer in model.network.layers
        if isinstance(layer, Lstm | Gru)
    ]
    if model.prewarm or any(np.any(value) for state in states for value in state.values()):
        document["tonerig"] = {"prewarm": model.prewarm, "states": states}
    return document


def _gain_db(gain: float) -> float:
    if gain < 0.0 or 0.0 < gain < 10.0**-4.5:
        raise CannotSayError(f"a gain of {gain:g}")
    return 20.0 * math.log10(gain) if gain else -120.0


def _write_layer(layer: Layer, inputs: int, layers: list[dict[str, Json]]) -> int:
    """Append one layer to ``layers``, an activation to the one before it; gives the output channels."""
    entry: dict[str, Json]
    if isinstance(layer, Activation):
        entry = _write_activation(layer, inputs)
        last = layers[-1] if layers else {}
        if (
            entry["type"] == "activation"
            and last.get("type") in ("dense", "conv1d")
            and not last["activation"]
        ):
            last["activation"] = entry["activation"]
            return inputs
        outputs = inputs
    elif isinstance(layer, BatchNorm):
        outputs, entry = inputs, _write_batchnorm(layer)
    elif isinstance(layer, Dense):
        outputs = layer.weight.shape[0]
        entry = {"type": "dense", "weights": [shortest(layer.weight.T), shortest(layer.bias)]}
    elif isinstance(layer, Convolution):
        outputs = layer.outputs
        bias = np.zeros(outputs, np.float32) if layer.bias is None else layer.bias
        entry = {
            "type": "conv1d",
            "kernel_size": [layer.kernel],
            "dilation": [layer.dilation],
            "groups": layer.groups,
            "weights": [shortest(layer.weight.transpose(2, 1, 0)), shortest(bias)],
        }
    elif isinstance(layer, Lstm):
        outputs = layer.hidden
        entry = {
            "type": "lstm",
            "weights": [shortest(layer.weight_x.T), shortest(layer.weight_h.T), shortest(layer.bias)],
        }
    else:
        outputs = layer.hidden
        kernels = [reorder_gates(w, GRU_TO_ONNX).T for w in (layer.weight_x, layer.weight_h)]
        biases = np.stack([reorder_gates(b, GRU_TO_ONNX) for b in (layer.bias_x, layer.bias_h)])
        entry = {"type": "gru", "weights": [*map(shortest, kernels), shortest(biases)]}
    layers.append({"activation": "", "shape": [None, None, outputs]} | entry)
    return outputs


def _write_activation(layer: Activation, channels: int) -> dict[str, Json]:
    if layer.kind == "PReLU":
        slopes = layer.parameters or (0.01,)
        return {"type": "prelu", "weights": [[list(slopes) * (channels if len(slopes) == 1 else 1)]]}
    if layer == Activation("ELU"):
        layer = ACTIVATIONS["elu"]
    names = [name for name, known in ACTIVATIONS.items() if known == layer]
    if not names:
        raise CannotSayError(f"the activation {layer.kind}")
    return {"type": "activation", "activation": names[0], "weights": []}


def _write_batchnorm(layer: BatchNorm) -> dict[str, Json]:
    mean, variance, gamma, beta, epsilon = layer.statistics or (
        np.zeros_like(layer.scale),
        np.ones_like(layer.scale),
        layer.scale,
        layer.offset,
        0.0,
    )
    arrays = [shortest(array) for array in (gamma, beta, mean, variance)]
    return {"type": "batchnorm", "weights": arrays, "epsilon": epsilon}
