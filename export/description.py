"""A network as JSON without its weights: what a streaming ONNX file says about itself, and back.

Weights are found by name: the path of attributes to them, numbered parts in the singular
(``array0.layer3.convolution.weight``, ``model1.layer0.bias``). They have the shapes that ONNX's operators
want: column vectors where they are added, gates in ONNX's order.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from .check import MAX_LAYERS, MAX_NESTING, MAX_PARTS
from .check_effects import MAX_KNOBS
from .check_values import MAX_CHANNELS
from .description_effects import EFFECTS, Tensors, build_effect, describe_effect
from .document import Json, Node
from .gates import GRU_TO_ONNX, LSTM_FROM_ONNX, reorder_gates
from .metadata import build_metadata, describe_metadata
from .model import (
    FILM_SLOTS,
    Activation,
    Array,
    BatchNorm,
    Chain,
    Container,
    Convolution,
    Dense,
    Film,
    Gating,
    Gru,
    Knob,
    Knobs,
    Layer,
    Lstm,
    Metadata,
    Network,
    NeuralModel,
    PostHead,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
)
from .writing import shortest


def describe_model(model: NeuralModel) -> Json:
    """Everything about a model that is no weight."""
    document: dict[str, Json] = {
        "sample_rate": model.sample_rate,
        "prewarm": model.prewarm,
        "metadata": describe_metadata(model.metadata),
        "network": _describe_network(model.network),
    }
    if model.knobs is not None:
        document["knobs"] = {
            "knobs": [asdict(knob) for knob in model.knobs.knobs],
            "features": _describe_network(model.knobs.features),
        }
    return document


def build_model(node: Node, tensors: Tensors, prefix: str = "", depth: int = 0) -> NeuralModel:
    """The model of `describe_model`, with its weights."""
    if depth > MAX_NESTING:
        raise node.error(f"is nested more than {MAX_NESTING} models deep")
    metadata, knobs = node.get("metadata"), node.get("knobs")
    return NeuralModel(
        _build_network(node["network"], tensors, prefix, depth),
        node["sample_rate"].number(),
        Metadata() if metadata is None else build_metadata(metadata),
        node["prewarm"].integer(0, 2**31),
        knobs=None if knobs is None else _build_knobs(knobs, tensors, prefix),
    )


def _build_knobs(node: Node, tensors: Tensors, prefix: str) -> Knobs:
    knobs = tuple(
        Knob(
            name=item["name"].text(),
            minimum=item["minimum"].number(),
            maximum=item["maximum"].number(),
            default=item["default"].number(),
            unit=item["unit"].text(),
            curve=_curve(item["curve"]),
            description=item["description"].text(),
        )
        for item in node["knobs"].items(MAX_KNOBS, 1)
    )
    features = node["features"]
    if features["type"].value != "stack":
        raise features["type"].expected("stack")
    return Knobs(knobs, _build_stack(features, tensors, f"{prefix}features."))


def _curve(node: Node) -> Literal["linear", "logarithmic"]:
    if node.value == "linear":
        return "linear"
    if node.value == "logarithmic":
        return "logarithmic"
    raise node.expected("linear or logarithmic")


def _describe_network(network: Network) -> Json:
    if isinstance(network, Stack):
        return {
            "type": "stack",
            "layers": [_describe_layer(layer) for layer in network.layers],
            "skip": network.skip,
            "input_gain": network.input_gain,
            "output_gain": network.output_gain,
        }
    if isinstance(network, Chain):
        return {"type": "chain", "models": [describe_model(model) for model in network.models]}
    if isinstance(network, Container):
        return _describe_network(network.active.network)
    if isinstance(network, EFFECTS):
        return describe_effect(network)
    return {
        "type": "wavenet",
        "arrays": [
            {
                "rechannel": _describe_convolution(array.rechannel),
                "layers": [_describe_wavenet_layer(layer) for layer in array.layers],
                "head": _describe_convolution(array.head),
            }
            for array in network.arrays
        ],
        "head_scale": network.head_scale,
        "head": None
        if network.head is None
        else [
            {
                "activation": _describe_activation(activation),
                "convolution": _describe_convolution(convolution),
            }
            for activation, convolution in network.head.layers
        ],
        "condition": None if network.condition is None else describe_model(network.condition),
    }


def _build_network(node: Node, tensors: Tensors, prefix: str, depth: int) -> Network:
    kind = node["type"].text()
    if kind == "stack":
        return _build_stack(node, tensors, prefix)
    if kind == "chain":
        models = node["models"].items(MAX_PARTS, 1)
        return Chain(
            tuple(
                build_model(model, tensors, f"{prefix}model{n}.", depth + 1) for n, model in enumerate(models)
            )
        )
    if kind != "wavenet":
        return build_effect(kind, node, tensors, prefix)
    arrays = node["arrays"].items(MAX_PARTS, 1)
    head, condition = node.get("head"), node.get("condition")
    return WaveNet(
        tuple(_build_array(array, tensors, f"{prefix}array{n}") for n, array in enumerate(arrays)),
        node["head_scale"].number(),
        None if head is None else _build_post_head(head, tensors, f"{prefix}head"),
        None if condition is None else build_model(condition, tensors, f"{prefix}condition.", depth + 1),
    )


def _build_stack(node: Node, tensors: Tensors, prefix: str) -> Stack:
    layers = node["layers"].items(3 * MAX_LAYERS, 1)
    return Stack(
        tuple(_build_layer(layer, tensors, f"{prefix}layer{n}") for n, layer in enumerate(layers)),
        node["skip"].boolean(),
        node["input_gain"].number(),
        node["output_gain"].number(),
    )


def _describe_layer(layer: Layer) -> Json:
    if isinstance(layer, Convolution):
        return {"type": "convolution"} | _describe_convolution(layer)
    if isinstance(layer, Activation):
        return {"type": "activation"} | _describe_activation(layer)
    if isinstance(layer, BatchNorm):
        if layer.statistics is None:
            return {"type": "batchnorm"}
        *arrays, epsilon = layer.statistics
        return {"type": "batchnorm", "statistics": [*map(shortest, arrays), [epsilon]]}
    if isinstance(layer, Dense):
        return {"type": "dense"}
    if isinstance(layer, Gru):
        return {"type": "gru", "h": shortest(layer.h)}
    return {"type": "lstm", "h": shortest(layer.h), "c": shortest(layer.c)}


def _build_layer(node: Node, tensors: Tensors, name: str) -> Layer:
    kind = node["type"].text()
    if kind == "convolution":
        return _build_convolution(node, tensors, name)
    if kind == "activation":
        return _build_activation(node)
    if kind == "batchnorm":
        scale, offset = (tensors(f"{name}.{part}", 2).reshape(-1) for part in ("scale", "offset"))
        statistics = node.get("statistics")
        if statistics is None:
            return BatchNorm(scale, offset)
        mean, variance, gamma, beta, epsilon = statistics.items(5, 5)
        known = tuple(item.floats(len(scale)) for item in (mean, variance, gamma, beta))
        number = epsilon.items(1, 1)[0].number()
        return BatchNorm(scale, offset, (known[0], known[1], known[2], known[3], number))
    if kind == "dense":
        return Dense(tensors(f"{name}.weight", 2), tensors(f"{name}.bias", 2).reshape(-1))
    if kind not in ("lstm", "gru"):
        raise node["type"].expected("convolution, activation, batchnorm, dense, lstm or gru")
    order = LSTM_FROM_ONNX if kind == "lstm" else GRU_TO_ONNX
    weight_x, weight_h = (
        _gates(tensors(f"{name}.{part}", 3), order, node) for part in ("weight_x", "weight_h")
    )
    biases = tensors(f"{name}.bias", 2)
    bias_x, bias_h = (_gates(biases[:, rows], order, node) for rows in _halves(biases.shape[1]))
    h = node["h"].floats(None)
    if kind == "gru":
        return Gru(weight_x, weight_h, bias_x, bias_h, h)
    return Lstm(weight_x, weight_h, bias_x, h, node["c"].floats(None))


def _halves(size: int) -> tuple[slice, slice]:
    return slice(0, size // 2), slice(size // 2, size)


def _gates(array: Array, order: tuple[int, ...], node: Node) -> Array:
    """One direction's weights, gates in our order, from [1, gates · hidden, …]."""
    if array.shape[0] != 1 or array.shape[1] % len(order):
        raise node.error(f"has weights of the shape {array.shape}, which are not those of {len(order)} gates")
    return reorder_gates(array[0], order)


def _describe_convolution(layer: Convolution) -> Json:
    return {"bias": layer.bias is not None, "dilation": layer.dilation, "groups": layer.groups}


def _build_convolution(node: Node, tensors: Tensors, name: str) -> Convolution:
    return Convolution(
        tensors(f"{name}.weight", 3),
        tensors(f"{name}.bias", 1) if node["bias"].boolean() else None,
        node["dilation"].integer(1, 2**24),
        node["groups"].integer(1, MAX_CHANNELS),
    )


def _describe_activation(activation: Activation) -> Json:
    return {"kind": activation.kind, "parameters": list(activation.parameters)}


def _build_activation(node: Node) -> Activation:
    parameters = node["parameters"].items(MAX_CHANNELS)
    return Activation(node["kind"].text(), tuple(item.number() for item in parameters))


def _describe_wavenet_layer(layer: WaveNetLayer) -> Json:
    optional = {"layer1x1": layer.layer1x1, "head1x1": layer.head1x1}
    return {
        "convolution": _describe_convolution(layer.convolution),
        "mixin": _describe_convolution(layer.mixin),
        "activation": _describe_activation(layer.activation),
        "gating": layer.gating,
        "secondary": None if layer.secondary is None else _describe_activation(layer.secondary),
        "films": {
            slot: {"convolution": _describe_convolution(film.convolution), "shift": film.shift}
            for slot, film in layer.films.items()
        },
    } | {key: None if value is None else _describe_convolution(value) for key, value in optional.items()}


def _build_array(node: Node, tensors: Tensors, name: str) -> WaveNetArray:
    layers = node["layers"].items(MAX_LAYERS, 1)
    return WaveNetArray(
        _build_convolution(node["rechannel"], tensors, f"{name}.rechannel"),
        tuple(_build_wavenet_layer(layer, tensors, f"{name}.layer{n}") for n, layer in enumerate(layers)),
        _build_convolution(node["head"], tensors, f"{name}.head"),
    )


def _build_wavenet_layer(node: Node, tensors: Tensors, name: str) -> WaveNetLayer:
    gatings: tuple[Gating, ...] = ("none", "gated", "blended")
    gating = next((gating for gating in gatings if node["gating"].value == gating), None)
    if gating is None:
        raise node["gating"].expected("none, gated or blended")
    secondary, films = node.get("secondary"), node["films"]
    optional = {
        key: _build_convolution(value, tensors, f"{name}.{key}")
        for key in ("layer1x1", "head1x1")
        if (value := node.get(key)) is not None
    }
    return WaveNetLayer(
        _build_convolution(node["convolution"], tensors, f"{name}.convolution"),
        _build_convolution(node["mixin"], tensors, f"{name}.mixin"),
        _build_activation(node["activation"]),
        gating,
        None if secondary is None else _build_activation(secondary),
        optional.get("layer1x1"),
        optional.get("head1x1"),
        {
            slot: Film(
                _build_convolution(film["convolution"], tensors, f"{name}.{slot}"), film["shift"].boolean()
            )
            for slot in FILM_SLOTS
            if (film := films.get(slot)) is not None
        },
    )


def _build_post_head(node: Node, tensors: Tensors, name: str) -> PostHead:
    return PostHead(
        tuple(
            (
                _build_activation(item["activation"]),
                _build_convolution(item["convolution"], tensors, f"{name}.layer{n}"),
            )
            for n, item in enumerate(node.items(MAX_LAYERS, 1))
        )
    )
