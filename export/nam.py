"""Read and write Neural Amp Modeler's `.nam` files, versions 0.5 to 0.7.

Facts: NeuralAmpModelerCore (``NAM/*.cpp``), which plays them, and neural-amp-modeler 0.13, which writes them.
Where the two differ, the player is right: a `Linear` lists its newest tap first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from .check import MAX_LAYERS, MAX_NESTING, MAX_PARTS, MAX_RATE, MIN_RATE, check_model
from .check_values import MAX_CHANNELS
from .document import MAX_JSON_BYTES, Json, Node, parse_json, read_bytes
from .errors import CannotSayError, FormatCannotSay
from .fold import batchnorm, fold_gains
from .freeze import refuse_knobs
from .metadata import NAM_KEYS, read_metadata, write_metadata
from .model import (
    Activation,
    Array,
    BatchNorm,
    Chain,
    Container,
    Convolution,
    Dense,
    Gru,
    Layer,
    Lstm,
    Metadata,
    Network,
    NeuralModel,
    Stack,
    WaveNet,
    receptive_field,
)
from .nam_wavenet import (
    MAX_DILATION,
    is_a1,
    read_activation,
    read_wavenet,
    write_activation,
    write_wavenet,
)
from .weights import WeightReader
from .writing import shortest, write_json

DEFAULT_RATE = 48000.0
MAX_TAPS = 2**22


def read_nam(path: Path | str) -> NeuralModel:
    """Read a `.nam` file.

    Raises
    ------
    ModelFileError : the file is not a sound model
    """
    path = Path(path)
    root = parse_json(read_bytes(path, MAX_JSON_BYTES), path)
    return nam_from_document(root)


def nam_from_document(root: Node) -> NeuralModel:
    """The model of a parsed `.nam` document."""
    model, _ = _read_model(root, None, 1, 0)
    return check_model(model, root.path)


def _read_model(node: Node, rate: float | None, inputs: int, depth: int) -> tuple[NeuralModel, int]:
    """A model object and its number of output channels; ``rate`` is the enclosing model's."""
    if depth > MAX_NESTING:
        raise node.error(f"is nested more than {MAX_NESTING} models deep")
    version = node.get("version")
    if version is not None or depth == 0:
        _check_version(node["version"])
    rate_node = node.get("sample_rate")
    own = rate_node.number(MIN_RATE, MAX_RATE) if rate_node is not None else rate or DEFAULT_RATE
    if rate is not None and own != rate:
        raise node["sample_rate"].error(f"is {own:g}, but the model around it runs at {rate:g}")
    architecture = node["architecture"]
    read = ARCHITECTURES.get(architecture.text())
    if read is None:
        known = ", ".join(ARCHITECTURES)
        raise architecture.error(f"is {architecture.text()[:40]!r}, which is not known; known are {known}")
    network, outputs = read(node, own, inputs, depth)
    model = NeuralModel(network, own, _read_metadata(node.get("metadata")), nam_prewarm(network, own))
    return model, outputs


def _check_version(node: Node) -> None:
    match = re.fullmatch(r"(\d{1,6})\.(\d{1,6})(\..{0,40})?", node.text())
    if match is None or (int(match[1]), int(match[2])) not in {(0, 5), (0, 6), (0, 7)}:
        raise node.expected("a version from 0.5 to 0.7")


def nam_prewarm(network: Network, rate: float) -> int:
    """Samples of silence that NeuralAmpModelerCore plays into a network before it starts."""
    if isinstance(network, Container):
        return network.active.prewarm
    if isinstance(network, Chain):
        return sum(model.prewarm for model in network.models)
    if isinstance(network, WaveNet) and network.condition is not None:
        own = receptive_field(WaveNet(network.arrays, network.head_scale, network.head))
        assert own is not None
        return network.condition.prewarm + own - 1
    field = receptive_field(network)
    return int(0.5 * rate) if field is None else field - 1


def _read_metadata(node: Node | None) -> Metadata:
    metadata = read_metadata(node, NAM_KEYS)
    training = None if node is None else node.get("training")
    if training is None or not isinstance(training.value, dict):
        return metadata
    esr = training.get("validation_esr")
    rest = {key: value for key, value in training.value.items() if key != "validation_esr"}
    extra = metadata.extra | {"training": rest}
    if not rest:
        del extra["training"]
    return replace(metadata, extra=extra, validation_esr=None if esr is None else esr.number())


def _read_wavenet(node: Node, rate: float, inputs: int, depth: int) -> tuple[Network, int]:
    config = node["config"]
    _expect(config, "in_channels", inputs)
    condition, condition_size = None, inputs
    condition_node = config.get("condition_dsp")
    if condition_node is not None:
        condition, condition_size = _read_model(condition_node, rate, inputs, depth + 1)
    weights = WeightReader(node["weights"])
    network = read_wavenet(config, weights, inputs, condition, condition_size)
    weights.finish()
    last = network.arrays[-1].head if network.head is None else network.head.layers[-1][1]
    return network, last.outputs


def _expect(config: Node, key: str, expected: int) -> None:
    value = config.get(key)
    if value is not None and value.integer(1, MAX_CHANNELS) != expected:
        raise value.error(f"is {value.value}, but only {expected} can be played here")


def _read_lstm(node: Node, rate: float, inputs: int, depth: int) -> tuple[Network, int]:
    config = node["config"]
    size = config["input_size"].integer(1, MAX_CHANNELS)
    if size != inputs:
        raise config["input_size"].error(
            f"is {size}, but only {inputs} can be played (a model with knobs cannot)"
        )
    _expect(config, "in_channels", inputs)
    _expect(config, "out_channels", 1)
    hidden = config["hidden_size"].integer(1, MAX_CHANNELS)
    count = config["num_layers"].integer(1, MAX_LAYERS)
    weights = WeightReader(node["weights"])
    cells = []
    for n in range(count):
        width = hidden if n else size
        shapes = ((4 * hidden, width + hidden), (4 * hidden,), (hidden,), (hidden,))
        cells.append((width, [weights.take(*shape) for shape in shapes]))
    dense = Dense(weights.take(1, hidden), weights.take(1))
    weights.finish()
    layers = tuple(
        Lstm(np.ascontiguousarray(w[:, :width]), np.ascontiguousarray(w[:, width:]), bias, h, c)
        for width, (w, bias, h, c) in cells
    )
    return Stack((*layers, dense)), 1


def _read_convnet(node: Node, rate: float, inputs: int, depth: int) -> tuple[Network, int]:
    config = node["config"]
    _expect(config, "in_channels", inputs)
    outputs = 1 if config.get("out_channels") is None else config["out_channels"].integer(1, MAX_CHANNELS)
    channels = config["channels"].integer(1, MAX_CHANNELS)
    dilations = [item.integer(1, MAX_DILATION) for item in config["dilations"].items(MAX_LAYERS, 1)]
    groups_node = config.get("groups")
    groups = 1 if groups_node is None else groups_node.integer(1, MAX_CHANNELS)
    normalized = config["batchnorm"].boolean()
    activation = read_activation(config["activation"])
    weights = WeightReader(node["weights"])
    layers: list[Layer] = []
    width = inputs
    for dilation in dilations:
        layers.append(
            weights.convolution(width, channels, 2, dilation=dilation, groups=groups, bias=not normalized)
        )
        if normalized:
            mean, variance, gamma, beta = (weights.take(channels) for _ in range(4))
            layers.append(batchnorm(mean, variance, gamma, beta, weights.scalar()))
        layers.append(activation)
        width = channels
    layers.append(weights.convolution(channels, outputs))
    weights.finish()
    return Stack(tuple(layers)), outputs


def _read_linear(node: Node, rate: float, inputs: int, depth: int) -> tuple[Network, int]:
    config = node["config"]
    _expect(config, "in_channels", inputs)
    _expect(config, "out_channels", 1)
    taps = config["receptive_field"].integer(1, MAX_TAPS)
    weights = WeightReader(node["weights"])
    response = weights.take(inputs, 1, taps)
    bias = weights.take(1) if config["bias"].boolean() else None
    weights.finish()
    return Stack((Convolution(np.ascontiguousarray(response[..., ::-1]), bias),)), 1


def _read_container(node: Node, rate: float, inputs: int, depth: int) -> tuple[Network, int]:
    submodels: list[tuple[float, NeuralModel]] = []
    outputs = 1
    for item in node["config"]["submodels"].items(MAX_PARTS, 1):
        bound = item["max_value"].number(0.0, 1e6)
        if submodels and bound <= submodels[-1][0]:
            raise item["max_value"].error(f"is {bound:g}, but the one before it is {submodels[-1][0]:g}")
        model, outputs = _read_model(item["model"], rate, inputs, depth + 1)
        submodels.append((bound, model))
    return Container(tuple(submodels)), outputs


def _read_sequential(node: Node, rate: float, inputs: int, depth: int) -> tuple[Network, int]:
    config, top = node["config"], node.get("weights")
    if top is not None and top.floats(None).size:
        raise top.error(
            "belongs to an early Sequential whose parts cannot be told apart; export the model again"
        )
    models, channels = [], inputs
    for item in (config.get("models") or config["layers"]).items(MAX_PARTS, 1):
        model, channels = _read_model(item.get("model") or item, rate, channels, depth + 1)
        models.append(model)
    return Chain(tuple(models)), channels


ARCHITECTURES: dict[str, Callable[[Node, float, int, int], tuple[Network, int]]] = {
    "WaveNet": _read_wavenet,
    "LSTM": _read_lstm,
    "ConvNet": _read_convnet,
    "Linear": _read_linear,
    "SlimmableContainer": _read_container,
    "Sequential": _read_sequential,
}


def write_nam(model: NeuralModel, path: Path | str) -> None:
    """Write a `.nam` file, in the oldest version of the format that can say the network.

    Raises
    ------
    FormatCannotSay : `.nam` has no architecture for the network
    ModelFileError : the network is not sound, or the file cannot be written
    """
    path = Path(path)
    try:
        refuse_knobs(model)
        document = _write_model(check_model(model, path))
    except CannotSayError as error:
        raise FormatCannotSay(path, f"`.nam` cannot say {error}; save as .onnx") from None
    write_json(path, document)


def _write_model(model: NeuralModel) -> Json:
    version, architecture, config, weights = _write_network(model.network)
    flat = np.concatenate([w.ravel() for w in weights]) if weights else np.zeros(0, np.float32)
    return {
        "version": version,
        "metadata": _write_metadata(model.metadata),
        "architecture": architecture,
        "config": config,
        "weights": shortest(flat),
        "sample_rate": int(model.sample_rate) if model.sample_rate.is_integer() else model.sample_rate,
    }


def _write_metadata(metadata: Metadata) -> Json:
    document = write_metadata(metadata, NAM_KEYS)
    if metadata.validation_esr is not None:
        training = document.get("training")
        known = training if isinstance(training, dict) else {}
        document["training"] = known | {"validation_esr": metadata.validation_esr}
    return document


def _write_network(network: Network) -> tuple[str, str, Json, list[Array]]:
    """Version, architecture, config and weights."""
    if isinstance(network, WaveNet):
        config, weights = write_wavenet(network)
        if network.condition is not None:
            config["condition_dsp"] = _write_model(network.condition)
        return "0.5.4" if is_a1(network) else "0.7.0", "WaveNet", config, weights
    if isinstance(network, Container):
        submodels = [{"max_value": bound, "model": _write_model(m)} for bound, m in network.submodels]
        return "0.7.0", "SlimmableContainer", {"submodels": submodels}, []
    if isinstance(network, Chain):
        models = [_write_model(model) for model in network.models]
        return "0.7.0", "Sequential", {"models": models, "weights_version": 2}, []
    if not isinstance(network, Stack):
        raise CannotSayError(f"a network of the kind {type(network).__name__}")
    if any(isinstance(layer, Gru) for layer in network.layers):
        raise CannotSayError("a GRU")
    folded = fold_gains(network)
    if folded is None or folded.skip:
        raise CannotSayError("a network whose input is added to its output")
    layers = folded.layers
    if isinstance(layers[0], Lstm):
        return "0.5.4", "LSTM", *_write_lstm(layers)
    if len(layers) == 1 and isinstance(layers[0], Convolution):
        return "0.5.4", "Linear", *_write_linear(layers[0])
    return _write_convnet(layers)


def _write_lstm(layers: tuple[Layer, ...]) -> tuple[Json, list[Array]]:
    cells = [layer for layer in layers[:-1] if isinstance(layer, Lstm)]
    dense, hidden = layers[-1], cells[0].hidden
    if (
        len(cells) != len(layers) - 1
        or not isinstance(dense, Dense)
        or any(c.hidden != hidden for c in cells)
    ):
        raise CannotSayError("a recurrent network other than equally wide LSTM layers and one dense output")
    weights = [a for c in cells for a in (np.hstack([c.weight_x, c.weight_h]), c.bias, c.h, c.c)]
    config = {"input_size": cells[0].inputs, "hidden_size": hidden, "num_layers": len(cells)}
    return config, [*weights, dense.weight, dense.bias]


def _write_linear(layer: Convolution) -> tuple[Json, list[Array]]:
    if layer.dilation != 1:
        raise CannotSayError("a single convolution with dilation")
    config = {"receptive_field": layer.kernel, "bias": layer.bias is not None}
    weights = [layer.weight[..., ::-1]] + ([] if layer.bias is None else [layer.bias])
    return config, weights


def _write_convnet(layers: tuple[Layer, ...]) -> tuple[str, str, Json, list[Array]]:
    normalized = len(layers) > 1 and isinstance(layers[1], BatchNorm)
    size = 3 if normalized else 2
    if len(layers) % size != 1:
        raise CannotSayError("this order of layers")
    weights: list[Array] = []
    convolutions, activations = [], []
    for start in range(0, len(layers) - 1, size):
        convolution, *middle, activation = layers[start : start + size]
        if not isinstance(convolution, Convolution) or not isinstance(activation, Activation):
            raise CannotSayError("this order of layers")
        if convolution.kernel != 2:
            raise CannotSayError("a plain stack of convolutions with a kernel other than 2")
        weights.append(convolution.weight)
        if middle and isinstance(middle[0], BatchNorm):
            weights += _statistics(middle[0], convolution.bias)
        elif middle:
            raise CannotSayError("this order of layers")
        else:
            bias = convolution.bias
            weights.append(np.zeros(convolution.outputs, np.float32) if bias is None else bias)
        convolutions.append(convolution)
        activations.append(activation)
    head = layers[-1]
    if isinstance(head, Convolution) and head.kernel == 1 and head.groups == 1:
        weights += [head.weight, np.zeros(head.outputs, np.float32) if head.bias is None else head.bias]
    elif isinstance(head, Dense):
        weights += [head.weight, head.bias]
    else:
        raise CannotSayError("this order of layers")
    first = convolutions[0]
    if any((c.outputs, c.groups) != (first.outputs, first.groups) for c in convolutions):
        raise CannotSayError("a plain stack of convolutions of different widths")
    if any(activation != activations[0] for activation in activations):
        raise CannotSayError("a plain stack with different activations")
    config = {
        "channels": first.outputs,
        "dilations": [c.dilation for c in convolutions],
        "batchnorm": normalized,
        "activation": activations[0].kind
        if not activations[0].parameters
        else write_activation(activations[0]),
        "groups": first.groups,
    }
    return ("0.5.4" if first.groups == 1 else "0.7.0"), "ConvNet", config, weights


def _statistics(layer: BatchNorm, bias: Array | None) -> list[Array]:
    """Mean, variance, gamma, beta and epsilon; a bias before them moves the mean."""
    channels = len(layer.scale)
    if layer.statistics is None:
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        mean, variance, gamma, beta, epsilon = zeros, ones, layer.scale, layer.offset, 0.0
    else:
        mean, variance, gamma, beta, epsilon = layer.statistics
    if bias is not None:
        mean = mean - bias
    return [mean, variance, gamma, beta, np.array([epsilon], np.float32)]
