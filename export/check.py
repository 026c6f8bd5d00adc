"""Is a network sound? Every layer fits the next one, every number is finite, and nothing is absurdly large.

Readers call `check_model` on what a file said before anyone plays it; from then on nobody asks again.
"""

from __future__ import annotations

import math
from pathlib import Path

from .activations import FUNCTIONS
from .check_effects import MAX_FEATURES, check_effect, check_knobs, count_taps, effect_memory
from .check_values import array_of, size_of
from .errors import ModelFileError, UnsoundError
from .metadata import NUMBER_FIELDS
from .model import (
    FILM_SLOTS,
    Activation,
    BatchNorm,
    Chain,
    Container,
    Convolution,
    Dense,
    Gru,
    Knobs,
    Layer,
    Lstm,
    Network,
    NeuralModel,
    PostHead,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    hears_knobs,
)

MAX_HIDDEN = 512
"""Width of a recurrent layer; wider ones are far from real time on any processor."""
MAX_LAYERS = 256
MAX_PARTS = 32
"""Arrays of a WaveNet, models of a chain, submodels of a container."""
MAX_NESTING = 8
MAX_MEMORY = 2**24
"""Past samples that all convolutions keep, over all channels (64 MB)."""
MAX_TAPS = 2**23
"""Of all filters of effects: of a response that knobs move, for each feature."""
MIN_RATE, MAX_RATE = 1000.0, 1.0e6
MAX_PREWARM = 2**24


def check_model(model: NeuralModel, path: Path | str) -> NeuralModel:
    """The model itself, when it is sound and takes one channel to one channel.

    Raises
    ------
    ModelFileError : with what is wrong
    """
    try:
        outputs = _model(model, 1, 0, 0 if model.knobs is None else _knobs(model.knobs))
        if outputs != 1:
            raise UnsoundError(f"has {outputs} output channels, but one is expected")
        if count_taps(model.network) > MAX_TAPS:
            raise UnsoundError(
                f"has {count_taps(model.network)} taps, but at most {MAX_TAPS} are allowed in all its filters"
            )
        if _memory(model.network) > MAX_MEMORY:
            raise UnsoundError(
                f"would keep {_memory(model.network)} past samples, but at most {MAX_MEMORY} are allowed"
            )
    except UnsoundError as error:
        raise ModelFileError(path, str(error)) from None
    return model


def _knobs(knobs: Knobs) -> int:
    """The number of features."""
    check_knobs(knobs)
    count = _stack(knobs.features, len(knobs.knobs))
    if count > MAX_FEATURES:
        raise UnsoundError(f"makes {count} features of its knobs, but at most {MAX_FEATURES} are allowed")
    return count


def _model(model: NeuralModel, inputs: int, depth: int, features: int) -> int:
    """The output channels of a model that gets ``inputs`` channels, and where it wants them the features."""
    if depth and model.knobs is not None:
        raise UnsoundError("has knobs in a part of it, but they belong to the whole")
    if depth > MAX_NESTING:
        raise UnsoundError(f"nests models more than {MAX_NESTING} deep")
    if not MIN_RATE <= model.sample_rate <= MAX_RATE:
        raise UnsoundError(
            f"has a sample rate of {model.sample_rate:g}, but {MIN_RATE:g} to {MAX_RATE:g} is expected"
        )
    for name in NUMBER_FIELDS:
        value = getattr(model.metadata, name)
        if value is not None and not math.isfinite(value):
            raise UnsoundError(f"has a {name} of {value}, but a finite number is expected")
    if not 0 <= model.prewarm <= MAX_PREWARM:
        raise UnsoundError(f"asks for {model.prewarm} samples of prewarm, but 0 to {MAX_PREWARM} are allowed")
    return _network(model.network, inputs, depth, features, model.sample_rate)


def _network(network: Network, inputs: int, depth: int, features: int, rate: float) -> int:
    if isinstance(network, Stack):
        _several(network.layers, "layers", 3 * MAX_LAYERS)
        return _stack(network, inputs, features if hears_knobs(network, features, inputs) else 0)
    if isinstance(network, WaveNet):
        return _wavenet(network, inputs, depth, features)
    if isinstance(network, Chain):
        _several(network.models, "models in a chain")
        channels = inputs
        for model in network.models:
            channels = _model(model, channels, depth + 1, features)
        return channels
    if not isinstance(network, Container):
        if inputs != 1:
            kind = type(network).__name__.lower()
            raise UnsoundError(f"gives {inputs} channels to a network of the kind {kind}, which takes one")
        check_effect(network, features, rate)
        return 1
    _several(network.submodels, "submodels")
    bounds = [bound for bound, _ in network.submodels]
    if bounds != sorted(set(bounds)):
        raise UnsoundError(f"lists its submodels with the bounds {bounds}, but ascending ones are expected")
    return [_model(model, inputs, depth + 1, features) for _, model in network.submodels][-1]


def _several(parts: tuple[object, ...], what: str, maximum: int = MAX_PARTS) -> None:
    if not 1 <= len(parts) <= maximum:
        raise UnsoundError(f"has {len(parts)} {what}, but 1 to {maximum} are expected")


def _stack(stack: Stack, inputs: int, features: int = 0) -> int:
    _several(stack.layers, "layers", 3 * MAX_LAYERS)
    for gain in (stack.input_gain, stack.output_gain):
        if not math.isfinite(gain):
            raise UnsoundError("has a gain that is not finite")
    channels = inputs + features
    for n, layer in enumerate(stack.layers):
        channels = _layer(layer, channels, f"layer {n}")
    if stack.skip and channels != inputs:
        raise UnsoundError(f"adds its input of {inputs} channels to an output of {channels}")
    return channels


def _layer(layer: Layer, inputs: int, name: str) -> int:
    if isinstance(layer, Convolution):
        return _convolution(layer, inputs, name)
    if isinstance(layer, Activation):
        _activation(layer, inputs, name)
        return inputs
    if isinstance(layer, BatchNorm):
        array_of(layer.scale, (inputs,), f"{name} (scale)")
        array_of(layer.offset, (inputs,), f"{name} (offset)")
        return inputs
    if isinstance(layer, Dense):
        outputs = size_of(layer.weight, 2, name)
        array_of(layer.weight, (outputs, inputs), name)
        array_of(layer.bias, (outputs,), f"{name} (bias)")
        return outputs
    hidden = size_of(layer.h, 1, name, MAX_HIDDEN)
    gates = 4 if isinstance(layer, Lstm) else 3
    array_of(layer.weight_x, (gates * hidden, inputs), f"{name} (input weight)")
    array_of(layer.weight_h, (gates * hidden, hidden), f"{name} (recurrent weight)")
    rest = [layer.bias] if isinstance(layer, Lstm) else [layer.bias_x, layer.bias_h]
    for bias in rest:
        array_of(bias, (gates * hidden,), f"{name} (bias)")
    for state in [layer.h, layer.c] if isinstance(layer, Lstm) else [layer.h]:
        array_of(state, (hidden,), f"{name} (state)")
    return hidden


def _convolution(layer: Convolution, inputs: int, name: str) -> int:
    outputs, groups = size_of(layer.weight, 3, name), layer.groups
    if groups < 1 or inputs % groups or outputs % groups:
        raise UnsoundError(
            f"{name} has {groups} groups, which do not divide {inputs} inputs and {outputs} outputs"
        )
    if layer.dilation < 1 or layer.kernel < 1:
        raise UnsoundError(
            f"{name} has a kernel of {layer.kernel} and a dilation of {layer.dilation}, but both start at 1"
        )
    array_of(layer.weight, (outputs, inputs // groups, layer.kernel), name)
    if layer.bias is not None:
        array_of(layer.bias, (outputs,), f"{name} (bias)")
    return outputs


def _activation(activation: Activation, channels: int, name: str) -> None:
    function = FUNCTIONS.get(activation.kind)
    if function is None:
        raise UnsoundError(
            f"{name} has the unknown activation {activation.kind!r}; known are {', '.join(FUNCTIONS)}"
        )
    found, expected = len(activation.parameters), {0, len(function.constants)}
    if activation.kind == "PReLU":
        expected |= {channels}
    if found not in expected:
        raise UnsoundError(
            f"{name} has {found} constants for {activation.kind}, but {max(expected)} are expected"
        )
    if not all(map(math.isfinite, activation.parameters)):
        raise UnsoundError(f"{name} has a constant for {activation.kind} that is not finite")


def _wavenet(network: WaveNet, inputs: int, depth: int, features: int) -> int:
    _several(network.arrays, "arrays")
    if hears_knobs(network, features, inputs):
        if network.condition is not None:
            raise UnsoundError("hears knobs beside a condition network, but only one of the two is possible")
        inputs += features
    if not math.isfinite(network.head_scale):
        raise UnsoundError("has a head scale that is not finite")
    condition = inputs if network.condition is None else _model(network.condition, inputs, depth + 1, 0)
    channels, head = inputs, None
    for n, array in enumerate(network.arrays):
        channels, head = _wavenet_array(array, channels, condition, head, f"array {n}")
    assert head is not None
    return head if network.head is None else _post_head(network.head, head)


def _wavenet_array(
    array: WaveNetArray, inputs: int, condition: int, head: int | None, name: str
) -> tuple[int, int]:
    _several(array.layers, f"layers in {name}", MAX_LAYERS)
    channels = _pointwise(array.rechannel, inputs, f"{name}, rechannel")
    for n, layer in enumerate(array.layers):
        width = _wavenet_layer(layer, channels, condition, f"{name}, layer {n}")
        if head is not None and width != head:
            raise UnsoundError(f"{name}, layer {n} adds {width} channels to a head of {head}")
        head = width
    assert head is not None
    return channels, _convolution(array.head, head, f"{name}, head")


def _wavenet_layer(layer: WaveNetLayer, channels: int, condition: int, name: str) -> int:
    """The channels that the layer adds to the head."""
    middle = _convolution(layer.convolution, channels, f"{name}, convolution")
    if layer.gating != "none" and middle % 2:
        raise UnsoundError(
            f"{name} is {layer.gating} and has {middle} channels, but an even number is expected"
        )
    if _pointwise(layer.mixin, condition, f"{name}, mixin") != middle:
        raise UnsoundError(f"{name} mixes {layer.mixin.outputs} channels into {middle}")
    narrow = layer.bottleneck
    _activation(layer.activation, narrow, name)
    if layer.gating != "none":
        if layer.secondary is None:
            raise UnsoundError(f"{name} is {layer.gating}, but has no secondary activation")
        _activation(layer.secondary, narrow, name)
    if layer.layer1x1 is None and narrow != channels:
        raise UnsoundError(
            f"{name} has no layer1x1, so its bottleneck must be {channels} channels and not {narrow}"
        )
    if layer.layer1x1 is not None and _pointwise(layer.layer1x1, narrow, f"{name}, layer1x1") != channels:
        raise UnsoundError(f"{name} adds {layer.layer1x1.outputs} channels to a residual of {channels}")
    head = narrow
    if layer.head1x1 is not None:
        head = _pointwise(layer.head1x1, narrow, f"{name}, head1x1")
    widths = dict.fromkeys(FILM_SLOTS, middle)
    widths |= {"conv_pre_film": channels, "input_mixin_pre_film": condition, "activation_post_film": narrow}
    widths |= {"layer1x1_post_film": channels, "head1x1_post_film": head}
    for slot, film in layer.films.items():
        if slot not in FILM_SLOTS:
            raise UnsoundError(f"{name} has a FiLM in the unknown place {slot!r}")
        if getattr(layer, slot.removesuffix("_post_film"), True) is None:
            raise UnsoundError(f"{name} has a {slot}, but no {slot.removesuffix('_post_film')}")
        expected = widths[slot] * (2 if film.shift else 1)
        if _pointwise(film.convolution, condition, f"{name}, {slot}") != expected:
            raise UnsoundError(
                f"{name}, {slot} has {film.convolution.outputs} channels, but {expected} are expected"
            )
    return head


def _pointwise(layer: Convolution, inputs: int, name: str) -> int:
    if layer.weight.ndim == 3 and layer.kernel != 1:
        raise UnsoundError(f"{name} has a kernel of {layer.kernel}, but 1 is expected")
    return _convolution(layer, inputs, name)


def _post_head(head: PostHead, channels: int) -> int:
    _several(head.layers, "layers in the head", MAX_LAYERS)
    for n, (activation, convolution) in enumerate(head.layers):
        _activation(activation, channels, f"head, layer {n}")
        channels = _convolution(convolution, channels, f"head, layer {n}")
    return channels


def _memory(network: Network) -> int:
    """Past samples kept over all convolutions and channels; recurrent states count too."""
    if isinstance(network, Container):
        return sum(_memory(model.network) for _, model in network.submodels)
    if isinstance(network, Chain):
        return sum(_memory(model.network) for model in network.models)
    if not isinstance(network, Stack | WaveNet):
        return effect_memory(network)
    if isinstance(network, Stack):
        kept = [layer.memory * layer.inputs for layer in network.layers if isinstance(layer, Convolution)]
        return sum(kept) + sum(2 * layer.hidden for layer in network.layers if isinstance(layer, Lstm | Gru))
    convolutions = [layer.convolution for array in network.arrays for layer in array.layers]
    convolutions += [array.head for array in network.arrays]
    convolutions += [] if network.head is None else [convolution for _, convolution in network.head.layers]
    inner = 0 if network.condition is None else _memory(network.condition.network)
    return inner + sum(convolution.memory * convolution.inputs for convolution in convolutions)
