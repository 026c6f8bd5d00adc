"""Kernel for networks without recurrence: WaveNet A1 and A2, ConvNet, and short FIR filters.

A network becomes a list of operations over buffers, each compiled for its shape and called by
address, 64 samples at a time: ``convolve`` (a causal convolution and its activation), ``layer``
(a whole residual WaveNet layer, fused), ``clear`` and ``copy``. Models share operations: any
A1 model with 16 channels uses the same compiled layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...export.model import (
    Activation,
    BatchNorm,
    Convolution,
    Dense,
    Film,
    NeuralModel,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
)
from ..compiler.layout import State
from ..compiler.unit import Unit, load
from .dilated import (
    BUFFER,
    LANES,
    pack_convolution,
    pack_rows,
    padded_channels,
    ring_length,
    ring_samples,
    tile_shape,
)
from .folding import Folding, Scaled, Shifted
from .merging import merge

Array = NDArray[np.float32]

OPERATION = np.dtype(
    [("code", "i8")]
    + [(name, "i8") for name in ("source", "condition", "heads", "target")]  # addresses of BUFFERs
    + [(name, "i8") for name in ("weights", "bias", "mixin", "weights1", "bias1")]
    + [("dilation", "i8")],
    align=True,
)

STATE = np.dtype(
    [
        ("operations", "i8"),
        ("operation_count", "i8"),
        ("buffers", "i8"),
        ("buffer_count", "i8"),
        ("weights", "i8"),
        ("samples", "i8"),
        ("input", "i8"),  # address of the input's BUFFER
        ("output", "i8"),
    ],
    align=True,
)

VECTOR_ACTIVATIONS = frozenset(
    ["Tanh", "Sigmoid", "ReLU", "LeakyReLU", "Hardtanh", "SiLU", "Softsign", "Hardswish", "LeakyHardtanh"]
)
"""Names, as in `.nam` files, of the activations that are compiled."""
LONGEST_DIRECT_FIR = 128
"""Longer impulse responses are cheaper by FFT."""


@dataclass
class _Buffer:
    channels: int
    memory: int = 0
    offset: int = 0  # of its first sample in the state's samples


@dataclass(frozen=True)
class _Heard:
    """What a convolution's outputs make of the features: ``scale · (y + bias) + shift``, y without its bias.

    Each has a row for each output, its constant before the features' columns.
    """

    bias: Array
    scale: Array | None = None
    shift: Array | None = None


@dataclass
class _Operation:
    unit: Unit
    operands: dict[str, _Buffer]
    weights: dict[str, Array] = field(default_factory=dict)
    dilation: int = 1
    heard: _Heard | None = None


@dataclass
class _Plan:
    """The operations of a network in order, and the buffers between them."""

    operations: list[_Operation] = field(default_factory=list)
    buffers: list[_Buffer] = field(default_factory=list)

    def buffer(self, channels: int, memory: int = 0) -> _Buffer:
        self.buffers.append(_Buffer(padded_channels(channels), memory))
        return self.buffers[-1]

    def add(
        self,
        unit: Unit,
        weights: dict[str, Array] | None = None,
        dilation: int = 1,
        heard: _Heard | None = None,
        **operands: _Buffer,
    ) -> None:
        self.operations.append(_Operation(unit, operands, weights or {}, dilation, heard))


def takes(model: NeuralModel) -> bool:
    """Whether this kernel plays the model."""
    network = model.network
    if isinstance(network, WaveNet):
        return (
            network.head is None
            and network.condition is None
            and all(_takes_array(array, _features(network)) for array in network.arrays)
        )
    if isinstance(network, Stack):
        return (
            all(_takes_stack_layer(layer) for layer in network.layers)
            and _longest_kernel(network) <= LONGEST_DIRECT_FIR
            and not network.skip
            and _channels(network.layers) == (1, 1)
        )
    return False


def units(model: NeuralModel) -> tuple[Unit, ...]:
    """The compiled code that the model's shape needs."""
    plan, _, _ = _plan(model)
    return tuple(dict.fromkeys([Unit.of("kernels.feedforward"), *(o.unit for o in plan.operations)]))


def make_state(model: NeuralModel) -> State:
    """The model's weights and its buffers, all silent; not yet prewarmed."""
    plan, entry, exit_ = _plan(model)
    samples = 0
    for buffer in plan.buffers:
        buffer.offset = samples
        samples += buffer.channels * ring_samples(buffer.memory)
    packed = [(o, name, w) for o in plan.operations for name, w in o.weights.items()]
    state = State(
        STATE,
        operations=(OPERATION, len(plan.operations)),
        buffers=(BUFFER, len(plan.buffers)),
        weights=(np.float32, sum(-(-w.size // LANES) * LANES for _, _, w in packed)),
        samples=(np.float32, samples),
    )
    record, buffers = state.record, state.arrays["buffers"]
    record["operation_count"], record["buffer_count"] = len(plan.operations), len(plan.buffers)
    addresses = {}
    for k, buffer in enumerate(plan.buffers):
        buffers[k]["memory"] = record["samples"] + 4 * buffer.offset
        buffers[k]["stride"] = 4 * ring_samples(buffer.memory)
        buffers[k]["length"] = ring_length(buffer.memory)
        addresses[id(buffer)] = int(record["buffers"]) + k * BUFFER.itemsize
    rows = {id(o): state.arrays["operations"][k] for k, o in enumerate(plan.operations)}
    for operation in plan.operations:
        row = rows[id(operation)]
        row["code"] = load(operation.unit)["operation"]
        row["dilation"] = operation.dilation
        for name, operand in operation.operands.items():
            row[name] = addresses[id(operand)]
    position = 0
    for operation, name, weights in packed:
        state.arrays["weights"][position : position + weights.size] = weights
        rows[id(operation)][name] = record["weights"] + 4 * position
        position += -(-weights.size // LANES) * LANES
    record["input"], record["output"] = addresses[id(entry)], addresses[id(exit_)]
    return state


def fold(model: NeuralModel, state: State, folding: Folding) -> None:
    """Say which weights of a `WaveNet` that hears features depend on them."""
    plan, _, _ = _plan(model)
    for operation, row in zip(plan.operations, state.arrays["operations"], strict=True):
        heard = operation.heard
        if heard is None:
            continue
        outputs = heard.bias.shape[0]
        rows, _, tiles = tile_shape(outputs)
        scale = shift = None
        if heard.scale is not None:
            scale = folding.value(heard.scale)
            packed = operation.weights["weights"].reshape(tiles, -1, rows)
            for tile, weights in enumerate(packed):
                target = int(row["weights"]) + 4 * tile * weights.size
                folding.scaled.append(Scaled(target, weights, scale + rows * tile))
            mixin = operation.weights["mixin"][np.newaxis]
            folding.scaled.append(Scaled(int(row["mixin"]), mixin[:, :outputs], scale))
        if heard.shift is not None:
            shift = folding.value(heard.shift)
        bias = folding.value(heard.bias)
        folding.shifted.append(Shifted(int(row["bias"]), outputs, bias, scale, shift))


def _features(network: WaveNet) -> int:
    """How many features the network hears beside the sound."""
    return network.arrays[0].rechannel.inputs - 1


def _takes_activation(activation: Activation | None) -> bool:
    return activation is None or activation.kind in VECTOR_ACTIVATIONS


def _takes_array(array: WaveNetArray, features: int) -> bool:
    return all(
        layer.layer1x1 is not None
        and layer.head1x1 is None
        and all(slot == "activation_pre_film" and _is_deaf(film) for slot, film in layer.films.items())
        and layer.gating != "blended"
        and _takes_activation(layer.activation)
        and _takes_activation(layer.secondary)
        and layer.mixin.inputs == 1 + features
        and layer.mixin.kernel == 1
        for layer in array.layers
    )


def _is_deaf(film: Film) -> bool:
    """Whether it hears no sound, the features alone."""
    return film.convolution.kernel == 1 and not film.convolution.dense()[:, 0].any()


def _takes_stack_layer(layer: object) -> bool:
    if isinstance(layer, Activation):
        return _takes_activation(layer)
    return isinstance(layer, Convolution | BatchNorm | Dense)


def _longest_kernel(network: Stack) -> int:
    return max((layer.kernel for layer in network.layers if isinstance(layer, Convolution)), default=1)


def _channels(layers: Sequence[object]) -> tuple[int, int] | None:
    """Input and output channels of a stack, None when it has no layer with weights."""
    weighted = [layer for layer in layers if isinstance(layer, Convolution | Dense)]
    if not weighted:
        return None
    first, last = weighted[0], weighted[-1]
    return first.weight.shape[1] * getattr(first, "groups", 1), last.weight.shape[0]


def _plan(model: NeuralModel) -> tuple[_Plan, _Buffer, _Buffer]:
    network = model.network
    if isinstance(network, WaveNet):
        return _plan_wavenet(network)
    assert isinstance(network, Stack)
    return _plan_stack(network)


def _convolve(
    plan: _Plan,
    convolution: Convolution,
    source: _Buffer,
    target: _Buffer,
    activation: Activation | None = None,
    scale: float = 1.0,
    heard: _Heard | None = None,
) -> None:
    """Append a convolution; ``scale`` multiplies its weights."""
    weight = convolution.dense() * np.float32(scale)
    outputs, inputs, kernel = weight.shape
    bias = None if convolution.bias is None else convolution.bias * np.float32(scale)
    unit = Unit.of(
        "kernels.feedforward",
        kind="convolve",
        inputs=inputs,
        outputs=outputs,
        kernel=kernel,
        activation=_described(activation),
        tile=tile_shape(outputs),
    )
    weights = {"weights": pack_convolution(weight), "bias": pack_rows(bias, outputs)}
    plan.add(unit, weights, convolution.dilation, heard, source=source, target=target)


def _described(activation: Activation | None) -> list[Any] | None:
    return None if activation is None else [activation.kind, list(activation.parameters)]


def _plan_wavenet(network: WaveNet) -> tuple[_Plan, _Buffer, _Buffer]:
    plan = _Plan()
    entry = plan.buffer(1, network.arrays[0].rechannel.memory)
    source, heads, output = entry, None, entry
    for index, array in enumerate(network.arrays):
        first = array.layers[0]
        width = array.rechannel.outputs
        current = plan.buffer(width, first.convolution.memory)
        rechannel, heard = array.rechannel, None
        if index == 0 and _features(network):
            rechannel, heard = _split(rechannel)
        _convolve(plan, rechannel, source, current, heard=heard)
        if heads is None:
            heads = plan.buffer(first.bottleneck)
            plan.add(_clear(heads), target=heads)
        for number, layer in enumerate(array.layers):
            last = number + 1 == len(array.layers)
            following = plan.buffer(width, 0 if last else array.layers[number + 1].convolution.memory)
            _layer(plan, layer, current, entry, heads, following)
            current = following
        source = current
        if array.head.memory:  # its past is kept of the finished sums only
            sums = plan.buffer(array.head.inputs, array.head.memory)
            plan.add(_copy(heads), source=heads, target=sums)
            heads = sums
        final = index + 1 == len(network.arrays)
        output = plan.buffer(array.head.outputs)
        _convolve(plan, array.head, heads, output, scale=network.head_scale if final else 1.0)
        heads = output
    return plan, entry, output


def _split(convolution: Convolution) -> tuple[Convolution, _Heard]:
    """A convolution of sound and features as one of the sound, and what the features add."""
    weight, bias = convolution.dense(), convolution.bias
    constant = np.zeros(convolution.outputs, np.float32) if bias is None else bias
    sound = Convolution(np.ascontiguousarray(weight[:, :1]), constant, convolution.dilation)
    return sound, _Heard(np.column_stack([constant, weight[:, 1:].sum(axis=2)]))


def _clear(buffer: _Buffer) -> Unit:
    return Unit.of("kernels.feedforward", kind="clear", channels=buffer.channels)


def _copy(buffer: _Buffer) -> Unit:
    return Unit.of("kernels.feedforward", kind="copy", channels=buffer.channels)


def _layer(
    plan: _Plan, layer: WaveNetLayer, source: _Buffer, condition: _Buffer, heads: _Buffer, target: _Buffer
) -> None:
    assert layer.layer1x1 is not None
    weight, out = layer.convolution.dense(), layer.layer1x1.dense()
    wide = weight.shape[0]
    mixin, mixed = _split(layer.mixin)
    bias = mixed.bias[:, 0] if layer.convolution.bias is None else mixed.bias[:, 0] + layer.convolution.bias
    unit = Unit.of(
        "kernels.feedforward",
        kind="layer",
        channels=weight.shape[1],
        wide=wide,
        bottleneck=layer.bottleneck,
        kernel=weight.shape[2],
        activation=_described(layer.activation),
        secondary=_described(layer.secondary) if layer.gating == "gated" else None,
        tile=[tile_shape(wide), tile_shape(out.shape[0])],
    )
    plan.add(
        unit,
        {
            "weights": pack_convolution(weight),
            "bias": pack_rows(bias, wide),
            "mixin": pack_rows(mixin.weight, wide),
            "weights1": pack_convolution(out),
            "bias1": pack_rows(layer.layer1x1.bias, out.shape[0]),
        },
        layer.convolution.dilation,
        _heard_by(layer, mixed.bias, bias) if layer.mixin.inputs > 1 else None,
        source=source,
        condition=condition,
        heads=heads,
        target=target,
    )


def _heard_by(layer: WaveNetLayer, mixed: Array, bias: Array) -> _Heard:
    """What a layer hears of the features through its mixin and its modulation."""
    heard = np.column_stack([bias, mixed[:, 1:]])
    film = layer.films.get("activation_pre_film")
    if film is None:
        return _Heard(heard)
    modulation = _split(film.convolution)[1].bias
    if not film.shift:
        return _Heard(heard, modulation)
    scale, shift = np.split(modulation, 2)
    return _Heard(heard, scale, shift)


def _plan_stack(network: Stack) -> tuple[_Plan, _Buffer, _Buffer]:
    merged = merge(network)
    plan = _Plan()
    entry = current = plan.buffer(1, merged[0][0].memory)
    for number, (convolution, activation) in enumerate(merged):
        memory = merged[number + 1][0].memory if number + 1 < len(merged) else 0
        following = plan.buffer(convolution.outputs, memory)
        _convolve(plan, convolution, current, following, activation)
        current = following
    return plan, entry, current


def compile(kind: str = "network", **shape: Any) -> dict[str, Any]:
    """Compile the network's walk, or one operation for a shape."""
    from . import feedforward_code

    if kind == "network":
        return {"process": feedforward_code.network()}
    shape.pop("tile", None)  # part of the key: it follows from the processor
    return {"operation": getattr(feedforward_code, kind)(**shape)}
