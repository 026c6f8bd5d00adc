"""NAM's WaveNet as `.nam` says it: the config of both generations (A1, A2) and the order of the weights.

Facts: NeuralAmpModelerCore (``NAM/wavenet``) and the exporter of neural-amp-modeler 0.13. The weights of an
array are the rechannel, then for each layer the convolution, mixin, layer1x1, head1x1 and the FiLMs in the
order of `FILM_SLOTS`, then the head; after all arrays come the post-stack head and one float, the head scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from .activations import FUNCTIONS, constants_of
from .check import MAX_LAYERS, MAX_PARTS
from .check_values import MAX_CHANNELS
from .document import Json, Node
from .errors import CannotSayError
from .model import (
    FILM_SLOTS,
    Activation,
    Array,
    Convolution,
    Film,
    Gating,
    NeuralModel,
    PostHead,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
)
from .weights import WeightReader

MAX_KERNEL = 2**16
MAX_DILATION = 2**20
SIGMOID = Activation("Sigmoid")
T = TypeVar("T")


# Reading


def read_wavenet(
    config: Node, weights: WeightReader, inputs: int, condition: NeuralModel | None, condition_size: int
) -> WaveNet:
    """The network of a ``config`` object, its weights taken from ``weights``.

    Parameters
    ----------
    inputs : channels of the input
    condition : the model of ``condition_dsp``, read by the caller
    condition_size : its output channels, or ``inputs`` without one
    """
    arrays, channels = [], inputs
    for node in config["layers"].items(MAX_PARTS, 1):
        _same(node, "input_size", channels)
        _same(node, "condition_size", condition_size)
        arrays.append(_read_array(node, weights, channels, condition_size))
        channels = arrays[-1].rechannel.outputs
    head_node = config.get("head")
    head = None if head_node is None else _read_post_head(head_node, weights, arrays[-1].head.outputs)
    config["head_scale"].number()  # the weights hold the one that counts
    return WaveNet(tuple(arrays), weights.scalar(), head, condition)


def _same(node: Node, key: str, expected: int) -> None:
    found = node[key].integer(1, MAX_CHANNELS)
    if found != expected:
        raise node[key].error(f"is {found}, but what comes before it has {expected} channels")


def _read_array(node: Node, weights: WeightReader, inputs: int, condition: int) -> WaveNetArray:
    channels = node["channels"].integer(1, MAX_CHANNELS)
    bottleneck = _integer(node, "bottleneck", channels)
    dilations = [item.integer(1, MAX_DILATION) for item in node["dilations"].items(MAX_LAYERS, 1)]
    count = len(dilations)
    kernels = _per_layer(node.get("kernel_sizes") or node["kernel_size"], count, _kernel)
    activations = _per_layer(node["activation"], count, read_activation)
    gatings = _read_gating(node, count)
    groups = _integer(node, "groups_input", 1)
    mixin_groups = _integer(node, "groups_input_mixin", 1)
    layer1x1, layer1x1_groups, _ = _read_pointwise(node.get("layer1x1"), True, channels)
    head1x1, head1x1_groups, head_size = _read_pointwise(
        node.get("head1x1") or node.get("head_1x1"), False, channels
    )
    films = {slot: film for slot in FILM_SLOTS if (film := _read_film(node.get(slot))) is not None}

    rechannel = weights.convolution(inputs, channels, bias=False)
    layers = []
    for dilation, kernel, activation, (gating, secondary) in zip(
        dilations, kernels, activations, gatings, strict=True
    ):
        middle = bottleneck if gating == "none" else 2 * bottleneck
        convolution = weights.convolution(channels, middle, kernel, dilation=dilation, groups=groups)
        mixin = weights.convolution(condition, middle, groups=mixin_groups, bias=False)
        to_next = weights.convolution(bottleneck, channels, groups=layer1x1_groups) if layer1x1 else None
        to_head = weights.convolution(bottleneck, head_size, groups=head1x1_groups) if head1x1 else None
        widths = {
            "conv_pre_film": channels,
            "input_mixin_pre_film": condition,
            "activation_post_film": bottleneck,
            "layer1x1_post_film": channels,
            "head1x1_post_film": head_size,
        }
        modulations = {
            slot: Film(
                weights.convolution(
                    condition, (2 if shift else 1) * widths.get(slot, middle), groups=film_groups
                ),
                shift,
            )
            for slot, (shift, film_groups) in films.items()
        }
        layers.append(
            WaveNetLayer(convolution, mixin, activation, gating, secondary, to_next, to_head, modulations)
        )
    outputs, kernel, bias = _read_head(node)
    head = weights.convolution(head_size if head1x1 else bottleneck, outputs, kernel, bias=bias)
    return WaveNetArray(rechannel, tuple(layers), head)


def _integer(node: Node, key: str, default: int) -> int:
    value = node.get(key)
    return default if value is None else value.integer(1, MAX_CHANNELS)


def _kernel(node: Node) -> int:
    return node.integer(1, MAX_KERNEL)


def _per_layer(node: Node, count: int, read: Callable[[Node], T]) -> list[T]:
    """One value for each layer, from a list of them or from a single one."""
    if not isinstance(node.value, list):
        return [read(node)] * count
    items = node.items(MAX_LAYERS)
    if len(items) != count:
        raise node.error(f"has {len(items)} entries, but there are {count} dilations")
    return [read(item) for item in items]


def read_activation(node: Node) -> Activation:
    """An activation given by its name, or as an object with its constants."""
    is_object = isinstance(node.value, dict)
    name_node = (node.get("type") or node["name"]) if is_object else node
    name = {"LeakyHardTanh": "LeakyHardtanh", "HardTanh": "Hardtanh"}.get(name_node.text(), name_node.text())
    function = FUNCTIONS.get(name)
    if function is None:
        raise name_node.error(f"is the unknown activation {name[:40]!r}; known are {', '.join(FUNCTIONS)}")
    slopes = node.get("negative_slopes") if is_object else None
    if name == "PReLU" and slopes is not None:
        return Activation(name, tuple(slopes.floats(None).tolist()))
    constants = []
    for key, default in function.constants:
        value = node.get(key) if is_object else None
        constants.append(default if value is None else value.number(-1e6, 1e6))
    if name == "Softsign" and is_object and (alpha := node.get("alpha")) is not None:
        alpha.number(1.0, 1.0)
    return Activation(name, tuple(constants))


def _read_gating(node: Node, count: int) -> list[tuple[Gating, Activation | None]]:
    mode = node.get("gating_mode")
    if mode is None:
        gated = node.get("gated")
        return [("gated", SIGMOID) if gated is not None and gated.boolean() else ("none", None)] * count
    modes = _per_layer(mode, count, _gating)
    secondary = node.get("secondary_activation")
    if secondary is None:
        seconds: list[Activation | None] = [SIGMOID] * count
    else:
        seconds = _per_layer(secondary, count, lambda n: SIGMOID if n.value is None else read_activation(n))
    return [(mode, None if mode == "none" else second) for mode, second in zip(modes, seconds, strict=True)]


def _gating(node: Node) -> Gating:
    modes: tuple[Gating, ...] = ("none", "gated", "blended")
    for mode in modes:
        if node.value == mode:
            return mode
    raise node.expected("none, gated or blended")


def _read_pointwise(node: Node | None, active: bool, channels: int) -> tuple[bool, int, int]:
    """Whether a 1x1 convolution is active, its groups and its output channels."""
    if node is None:
        return active, 1, channels
    value = node.get("active")
    if value is not None:
        active = value.boolean()
    return active, _integer(node, "groups", 1), _integer(node, "out_channels", channels)


def _read_film(node: Node | None) -> tuple[bool, int] | None:
    """Whether a FiLM shifts and its groups, or None where it is inactive."""
    if node is None or node.value is False:
        return None
    active, shift = (node.get(key) for key in ("active", "shift"))
    if active is not None and not active.boolean():
        return None
    return shift is None or shift.boolean(), _integer(node, "groups", 1)


def _read_head(node: Node) -> tuple[int, int, bool]:
    """Output channels, kernel and bias of an array's head, in the new form or the old one."""
    head = node.get("head")
    if head is None:
        return node["head_size"].integer(1, MAX_CHANNELS), 1, node["head_bias"].boolean()
    return head["out_channels"].integer(1, MAX_CHANNELS), _kernel(head["kernel_size"]), head["bias"].boolean()


def _read_post_head(node: Node, weights: WeightReader, channels: int) -> PostHead:
    if node.get("in_channels") is not None:
        _same(node, "in_channels", channels)
    activation = read_activation(node["activation"])
    middle, outputs = (node[key].integer(1, MAX_CHANNELS) for key in ("channels", "out_channels"))
    kernels = [_kernel(item) for item in node["kernel_sizes"].items(MAX_LAYERS, 1)]
    widths = [channels] + [middle] * (len(kernels) - 1) + [outputs]
    convolutions = [
        weights.convolution(a, b, kernel) for a, b, kernel in zip(widths, widths[1:], kernels, strict=False)
    ]
    return PostHead(tuple((activation, convolution) for convolution in convolutions))


# Writing


def write_wavenet(network: WaveNet) -> tuple[Json, list[Array]]:
    """The ``config`` object without ``condition_dsp``, and the weights in order.

    Raises
    ------
    CannotSayError : the layers of an array differ where the format has one value for all
    """
    weights: list[Array] = []
    old = is_a1(network)
    layers = [_write_array(array, weights, old) for array in network.arrays]
    head = None if network.head is None else _write_post_head(network.head, weights)
    weights.append(np.array([network.head_scale], np.float32))
    return {"layers": layers, "head": head, "head_scale": network.head_scale}, weights


def is_a1(network: WaveNet) -> bool:
    """Whether the first generation of the format, which every plugin reads, can say this network."""
    if network.head is not None or network.condition is not None:
        return False
    for array in network.arrays:
        if array.head.kernel != 1:
            return False
        first = array.layers[0]
        for layer in array.layers:
            plain = not layer.films and layer.head1x1 is None and layer.layer1x1 is not None
            gate = layer.gating == "none" or (layer.gating == "gated" and layer.secondary == SIGMOID)
            same = (layer.gating, layer.activation) == (first.gating, first.activation)
            named = layer.activation.kind in ("Tanh", "ReLU", "Sigmoid", "Fasttanh")
            ungrouped = all(
                c is None or c.groups == 1 for c in (layer.convolution, layer.mixin, layer.layer1x1)
            )
            shape = (
                layer.bottleneck == layer.convolution.inputs
                and layer.convolution.kernel == first.convolution.kernel
            )
            if not (plain and gate and same and named and ungrouped and shape):
                return False
    return True


def _write_array(array: WaveNetArray, weights: list[Array], old: bool) -> Json:
    layers = array.layers
    _append(weights, array.rechannel, bias=False)
    for layer in layers:
        _append(weights, layer.convolution)
        _append(weights, layer.mixin, bias=False)
        films = [layer.films[slot].convolution for slot in FILM_SLOTS if slot in layer.films]
        for convolution in [layer.layer1x1, layer.head1x1, *films]:
            if convolution is not None:
                _append(weights, convolution)
    _append(weights, array.head, bias=array.head.bias is not None)
    if array.head.dilation != 1 or array.head.groups != 1:
        raise CannotSayError("a head with dilation or groups")
    config: dict[str, Json] = {
        "input_size": array.rechannel.inputs,
        "condition_size": layers[0].mixin.inputs,
        "channels": array.rechannel.outputs,
        "dilations": [layer.convolution.dilation for layer in layers],
    }
    if old:
        config |= {
            "head_size": array.head.outputs,
            "head_bias": array.head.bias is not None,
            "kernel_size": layers[0].convolution.kernel,
            "activation": layers[0].activation.kind,
            "gated": layers[0].gating == "gated",
        }
        return config
    head1x1 = _common("head1x1", ((c and (c.outputs, c.groups)) for c in (layer.head1x1 for layer in layers)))
    layer1x1 = _common("layer1x1", ((c and c.groups) for c in (layer.layer1x1 for layer in layers)))
    config |= {
        "head": {
            "out_channels": array.head.outputs,
            "kernel_size": array.head.kernel,
            "bias": array.head.bias is not None,
        },
        "kernel_sizes": [layer.convolution.kernel for layer in layers],
        "activation": [write_activation(layer.activation) for layer in layers],
        "bottleneck": _common("bottlenecks", (layer.bottleneck for layer in layers)),
        "head1x1": {
            "active": head1x1 is not None,
            "out_channels": head1x1[0] if head1x1 else 1,
            "groups": head1x1[1] if head1x1 else 1,
        },
        "layer1x1": {"active": layer1x1 is not None, "groups": layer1x1 or 1},
        "groups_input": _common("groups", (layer.convolution.groups for layer in layers)),
        "groups_input_mixin": _common("groups", (layer.mixin.groups for layer in layers)),
        "gating_mode": [layer.gating for layer in layers],
        "secondary_activation": [
            None if layer.secondary is None else write_activation(layer.secondary) for layer in layers
        ],
    }
    for slot in FILM_SLOTS:
        film = _common(slot, (_film(layer.films.get(slot)) for layer in layers))
        shift, groups = film or (True, 1)
        config[slot] = {"active": film is not None, "shift": shift, "groups": groups}
    return config


def _film(film: Film | None) -> tuple[bool, int] | None:
    return None if film is None else (film.shift, film.convolution.groups)


def _common(what: str, values: Iterable[T]) -> T:
    found = list(values)
    if any(value != found[0] for value in found):
        raise CannotSayError(f"layers of one array with different {what}")
    return found[0]


def _append(weights: list[Array], convolution: Convolution, *, bias: bool = True) -> None:
    weights.append(convolution.weight)
    if bias:
        weights.append(
            np.zeros(convolution.outputs, np.float32) if convolution.bias is None else convolution.bias
        )
    elif convolution.bias is not None:
        raise CannotSayError("a bias in a rechannel or mixin")


def write_activation(activation: Activation) -> Json:
    """An activation as an object with its constants."""
    constants = constants_of(activation)
    if activation.kind == "PReLU" and len(constants) > 1:
        return {"type": "PReLU", "negative_slopes": list(constants)}
    names = (name for name, _ in FUNCTIONS[activation.kind].constants)
    return {"type": activation.kind} | dict(zip(names, constants, strict=True))


def _write_post_head(head: PostHead, weights: list[Array]) -> Json:
    convolutions = [convolution for _, convolution in head.layers]
    if any(c.dilation != 1 or c.groups != 1 for c in convolutions):
        raise CannotSayError("a post-stack head with dilation or groups")
    for convolution in convolutions:
        _append(weights, convolution)
    middle = _common("channels", (c.outputs for c in convolutions[:-1])) if len(convolutions) > 1 else 1
    activation = _common("activations in the head", (activation for activation, _ in head.layers))
    return {
        "channels": middle,
        "out_channels": convolutions[-1].outputs,
        "kernel_sizes": [c.kernel for c in convolutions],
        "activation": write_activation(activation),
    }
