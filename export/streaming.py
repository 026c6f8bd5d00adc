"""Write a model as an ONNX file that streams: a block of any length and the states in, the same out.

Input ``input`` and output ``output`` have the shape [1, 1, frames]. Every layer with a memory has a state
input ``NAME`` and the output ``NAME_out`` to feed back; its default, an initializer of the same name, is the
state after prewarming, so the first call may leave all states out. Convolutions remember past samples,
recurrent layers h and c. Knobs are the input ``knobs``, [1, knobs, 1], turns from 0 to 1, with the knobs' own
defaults. There is no branch, and no loop but a compression's Scan over the block. An echo sets a limit to
blocks, the property ``longest_block``. The file's ``metadata_props`` say what the model is
(`description`), so that `tonerig.export.read_onnx` builds it again from the initializers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from .activations import constants_of
from .check import check_model
from .description import describe_model
from .errors import ModelFileError, UnsoundError
from .gates import GRU_TO_ONNX, LSTM_TO_ONNX, reorder_gates
from .graph import END, Graph
from .metadata import describe_metadata
from .model import (
    Activation,
    BatchNorm,
    Chain,
    Container,
    Convolution,
    Dense,
    Echo,
    Film,
    Gru,
    Knobs,
    Layer,
    Lstm,
    Network,
    NeuralModel,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    hears_knobs,
)
from .reference import settled_state
from .streaming_effects import add_effect
from .writing import write_bytes

SCHEMA = "1"
OPSET, IR_VERSION = 17, 8


def write_onnx(model: NeuralModel, path: Path | str) -> None:
    """Write a streaming ONNX file. Of a container, the submodel that plays is written.

    Raises
    ------
    ModelFileError : the network is not sound, or the file cannot be written
    """
    path = Path(path)
    try:
        proto = to_onnx(check_model(model, path))
    except UnsoundError as error:
        raise ModelFileError(path, f"cannot be written: {error}") from None
    write_bytes(path, proto.SerializeToString())


def to_onnx(model: NeuralModel) -> onnx.ModelProto:
    """The streaming ONNX model, in memory.

    Raises
    ------
    UnsoundError : silence makes the network overflow, so that it has no state to start from
    """
    model = model.playable()
    writer = GraphWriter(model)
    knobs = [] if model.knobs is None else [writer.knobs(model.knobs)]
    output = writer.network(model.network, "input", "")
    writer.node("Identity", [output], ["output"])
    frames: list[str | int | None] = [1, 1, "frames"]
    graph = helper.make_graph(
        writer.nodes,
        "streaming",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, frames), *knobs, *writer.state_inputs],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, frames), *writer.state_outputs],
        list(writer.initializers.values()),
    )
    proto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="tonerig"
    )
    helper.set_model_props(proto, _properties(model))
    return proto


def _properties(model: NeuralModel) -> dict[str, str]:
    metadata = describe_metadata(model.metadata)
    extra = metadata.pop("extra", None)
    properties = {
        "tonerig": SCHEMA,
        "architecture": architecture(model.network),
        "sample_rate": f"{model.sample_rate:g}",
        "prewarm": str(model.prewarm),
        "model": json.dumps(describe_model(model), allow_nan=False),
    }
    longest = longest_block(model.network)
    if longest is not None:
        properties["longest_block"] = str(longest)
    properties |= {name: str(value) for name, value in metadata.items()}
    return properties if extra is None else properties | {"extra": json.dumps(extra, allow_nan=False)}


def architecture(network: Network) -> str:
    """A short name for people: ``WaveNet``, ``LSTM``, ``GRU``, ``ConvNet``, ``Linear`` or ``Chain``."""
    if isinstance(network, Container):
        return architecture(network.active.network)
    if not isinstance(network, Stack):
        return type(network).__name__
    for kind in (Lstm, Gru):
        if any(isinstance(layer, kind) for layer in network.layers):
            return kind.__name__.upper()
    return "Linear" if len(network.layers) == 1 else "ConvNet"


def longest_block(network: Network) -> int | None:
    """Frames that a graph takes at once: no more than the delay of its shortest echo, or None for any."""
    if isinstance(network, Container):
        return longest_block(network.active.network)
    if isinstance(network, Chain):
        known = [longest_block(model.network) for model in network.models]
        return min((block for block in known if block is not None), default=None)
    return network.delay if isinstance(network, Echo) else None


def outputs_of(network: Network, inputs: int) -> int:
    """The channels that come out of a sound network."""
    if isinstance(network, Container):
        return outputs_of(network.active.network, inputs)
    if isinstance(network, Chain):
        for model in network.models:
            inputs = outputs_of(model.network, inputs)
        return inputs
    if isinstance(network, WaveNet):
        head = network.arrays[-1].head if network.head is None else network.head.layers[-1][1]
        return head.outputs
    for layer in reversed(network.layers) if isinstance(network, Stack) else ():
        if isinstance(layer, Convolution):
            return layer.outputs
        if isinstance(layer, Dense):
            return len(layer.bias)
        if isinstance(layer, Lstm | Gru):
            return layer.hidden
    return inputs


class GraphWriter(Graph):
    """Collects the nodes, weights and states of a graph, layer by layer.

    Methods named after a layer take the names of their inputs and give the name of their output, of shape
    [1, channels, frames].
    """

    def __init__(self, model: NeuralModel) -> None:
        super().__init__(settled_state(model))
        self._rate = model.sample_rate
        self._knobs = model.knobs
        self._features, self._standing = "", ""

    def knobs(self, knobs: Knobs) -> onnx.ValueInfoProto:
        """The input for the turns of the knobs, with its default, and what the network sees of them."""
        turns = np.array([knob.to_turn(knob.default) for knob in knobs.knobs], np.float32)
        self.constant("knobs", turns.reshape(1, -1, 1))
        self._features = self.stack(knobs.features, "knobs", "features.")
        return helper.make_tensor_value_info("knobs", TensorProto.FLOAT, [1, len(turns), 1])

    @property
    def features(self) -> int:
        """The number of features."""
        return 0 if self._knobs is None else self._knobs.count

    def hear(self, network: Stack | WaveNet, signal: str, channels: int) -> str:
        """The signal with the features as constant channels after it, where the network takes them."""
        if not hears_knobs(network, self.features, channels):
            return signal
        if not self._standing:
            frames = self.node("Shape", ["input"], start=2, end=3)
            shape = self.node("Concat", [self.integers(1, self.features), frames], axis=0)
            self._standing = self.node("Expand", [self._features, shape])
        return self.node("Concat", [signal, self._standing], axis=1)

    def network(self, network: Network, signal: str, prefix: str, channels: int = 1) -> str:
        if isinstance(network, Stack):
            return self.stack(network, signal, prefix, channels)
        if isinstance(network, WaveNet):
            return self.wavenet(network, signal, prefix, channels)
        if isinstance(network, Container):
            return self.network(network.active.network, signal, prefix, channels)
        if not isinstance(network, Chain):
            return add_effect(self, network, signal, prefix, self._features, self._rate)
        for n, model in enumerate(network.models):
            signal = self.network(model.network, signal, f"{prefix}model{n}.", channels)
            channels = outputs_of(model.network, channels)
        return signal

    def stack(self, stack: Stack, signal: str, prefix: str, channels: int = 0) -> str:
        signal = self.gain(signal, stack.input_gain)
        hidden = self.hear(stack, signal, channels) if channels else signal
        for n, layer in enumerate(stack.layers):
            hidden = self.layer(layer, hidden, f"{prefix}layer{n}")
        if stack.skip:
            hidden = self.node("Add", [hidden, signal])
        return self.gain(hidden, stack.output_gain)

    def gain(self, signal: str, gain: float) -> str:
        return signal if gain == 1.0 else self.node("Mul", [signal, self.scalar(gain)])

    def layer(self, layer: Layer, signal: str, name: str) -> str:
        if isinstance(layer, Convolution):
            return self.convolution(layer, signal, name)
        if isinstance(layer, Activation):
            return self.activation(layer, signal, name)
        if isinstance(layer, Lstm | Gru):
            return self.recurrent(layer, signal, name)
        column = (-1, 1)
        if isinstance(layer, BatchNorm):
            scale = self.constant(f"{name}.scale", layer.scale.reshape(column))
            offset = self.constant(f"{name}.offset", layer.offset.reshape(column))
            return self.node("Add", [self.node("Mul", [signal, scale]), offset])
        product = self.node("MatMul", [self.constant(f"{name}.weight", layer.weight), signal])
        return self.node("Add", [product, self.constant(f"{name}.bias", layer.bias.reshape(column))])

    def convolution(self, layer: Convolution, signal: str, name: str) -> str:
        memory = layer.memory
        if memory:
            past = self._settled.get(name, np.zeros((layer.inputs, memory)))
            source, target = self.state(f"{name}.past", past[np.newaxis])
            signal = self.node("Concat", [source, signal], axis=2)
            newest = [signal, self.integers(-memory), self.integers(END), self.integers(2)]
            self.node("Slice", newest, [target])
        inputs = [signal, self.constant(f"{name}.weight", layer.weight)]
        if layer.bias is not None:
            inputs.append(self.constant(f"{name}.bias", layer.bias))
        return self.node("Conv", inputs, dilations=[layer.dilation], group=layer.groups)

    def recurrent(self, layer: Lstm | Gru, signal: str, name: str) -> str:
        """An LSTM or GRU operator; it wants the shape [frames, 1, channels]."""
        lstm = isinstance(layer, Lstm)
        order = LSTM_TO_ONNX if lstm else GRU_TO_ONNX
        if isinstance(layer, Lstm):
            biases = [layer.bias, np.zeros_like(layer.bias)]
        else:
            biases = [layer.bias_x, layer.bias_h]
        weights = [
            self.constant(f"{name}.weight_x", reorder_gates(layer.weight_x, order)[np.newaxis]),
            self.constant(f"{name}.weight_h", reorder_gates(layer.weight_h, order)[np.newaxis]),
            self.constant(
                f"{name}.bias", np.concatenate([reorder_gates(b, order) for b in biases])[np.newaxis]
            ),
        ]
        initial = {"h": layer.h, "c": layer.c} if isinstance(layer, Lstm) else {"h": layer.h}
        states = [
            self.state(f"{name}.{key}", np.reshape(self._settled.get(f"{name}.{key}", value), (1, 1, -1)))
            for key, value in initial.items()
        ]
        sequence = self.node("Transpose", [signal], perm=[2, 0, 1])
        every = self.node(
            "LSTM" if lstm else "GRU",
            [sequence, *weights, "", *(source for source, _ in states)],
            [f"{name}.sequence", *(target for _, target in states)],
            hidden_size=layer.hidden,
            **({} if lstm else {"linear_before_reset": 1}),
        )
        flat = self.node("Squeeze", [every, self.integers(1)])
        return self.node("Transpose", [flat], perm=[1, 2, 0])

    def activation(self, activation: Activation, signal: str, name: str) -> str:
        kind, constants = activation.kind, constants_of(activation)
        if kind == "Identity":
            return signal
        if kind in ONE_OPERATOR:
            operator, names = ONE_OPERATOR[kind]
            attributes: dict[str, Any] = dict(zip(names, constants, strict=True))
            return self.node(operator, [signal], **attributes)
        if kind == "Softmax":
            return self.node("Softmax", [signal], axis=1)
        if kind == "PReLU":
            slopes = self.constant(f"{name}.slopes", np.array(constants, np.float32).reshape(-1, 1))
            return self.node("PRelu", [signal, slopes])
        if kind == "Hardtanh":
            return self.node("Clip", [signal, *map(self.scalar, constants)])
        if kind == "LeakyHardtanh":
            low, high, below, above = constants
            inside = self.node("Clip", [signal, self.scalar(low), self.scalar(high)])
            under = self.node("Min", [self.node("Sub", [signal, self.scalar(low)]), self.scalar(0.0)])
            over = self.node("Max", [self.node("Sub", [signal, self.scalar(high)]), self.scalar(0.0)])
            outside = self.node("Add", [self.gain(under, below), self.gain(over, above)])
            return self.node("Add", [inside, outside])
        if kind == "SiLU":
            return self.node("Mul", [signal, self.node("Sigmoid", [signal])])
        if kind == "Softsigmoid":
            half = self.gain(self.node("Softsign", [signal]), 0.5)
            return self.node("Add", [half, self.scalar(0.5)])
        if kind != "Fasttanh":
            raise ValueError(f"there are no ONNX operators for the activation {kind!r}")
        return self.fast_tanh(signal)

    def fast_tanh(self, x: str) -> str:
        """See `activations`; in Horner form."""

        def add(value: str, constant: float) -> str:
            return self.node("Add", [value, self.scalar(constant)])

        magnitude, square = self.node("Abs", [x]), self.node("Mul", [x, x])
        linear = add(self.gain(magnitude, 2.45550750702956), 2.45550750702956)
        cubic = self.node("Mul", [square, add(self.gain(magnitude, 0.821226666969744), 0.893229853513558)])
        above = self.node("Mul", [x, self.node("Add", [linear, cubic])])
        bent = self.node("Mul", [x, add(self.gain(magnitude, 0.814642734961073), 1.0)])
        factor = self.node("Mul", [add(square, 2.44506634652299), self.node("Abs", [bent])])
        return self.node("Div", [above, add(factor, 2.44506634652299)])

    def wavenet(self, network: WaveNet, signal: str, prefix: str, channels: int) -> str:
        signal = self.hear(network, signal, channels)
        condition = signal
        if network.condition is not None:
            condition = self.network(network.condition.network, signal, f"{prefix}condition.", channels)
        residual, head = signal, ""
        for n, array in enumerate(network.arrays):
            residual, head = self.wavenet_array(array, residual, condition, head, f"{prefix}array{n}")
        head = self.gain(head, network.head_scale)
        if network.head is not None:
            for n, (activation, convolution) in enumerate(network.head.layers):
                name = f"{prefix}head.layer{n}"
                head = self.convolution(convolution, self.activation(activation, head, name), name)
        return head

    def wavenet_array(
        self, array: WaveNetArray, signal: str, condition: str, head: str, name: str
    ) -> tuple[str, str]:
        """The last layer's output and the head's; ``head`` is "" before the first array."""
        residual = self.convolution(array.rechannel, signal, f"{name}.rechannel")
        for n, layer in enumerate(array.layers):
            residual, skip = self.wavenet_layer(layer, residual, condition, f"{name}.layer{n}")
            head = self.node("Add", [head, skip]) if head else skip
        return residual, self.convolution(array.head, head, f"{name}.head")

    def wavenet_layer(self, layer: WaveNetLayer, signal: str, condition: str, name: str) -> tuple[str, str]:
        def film(slot: str, x: str) -> str:
            return self.film(layer.films[slot], x, condition, f"{name}.{slot}") if slot in layer.films else x

        convolved = self.convolution(layer.convolution, film("conv_pre_film", signal), f"{name}.convolution")
        mixed = self.convolution(layer.mixin, film("input_mixin_pre_film", condition), f"{name}.mixin")
        summed = self.node("Add", [film("conv_post_film", convolved), film("input_mixin_post_film", mixed)])
        activated = self.gate(layer, film("activation_pre_film", summed), name)
        activated = film("activation_post_film", activated)
        residual, skip = signal, activated
        if layer.layer1x1 is not None:
            update = film(
                "layer1x1_post_film", self.convolution(layer.layer1x1, activated, f"{name}.layer1x1")
            )
            residual = self.node("Add", [signal, update])
        if layer.head1x1 is not None:
            skip = film("head1x1_post_film", self.convolution(layer.head1x1, activated, f"{name}.head1x1"))
        return residual, skip

    def gate(self, layer: WaveNetLayer, signal: str, name: str) -> str:
        if layer.secondary is None or layer.gating == "none":
            return self.activation(layer.activation, signal, f"{name}.activation")
        first, second = self.halves(signal, layer.bottleneck)
        activated = self.activation(layer.activation, first, f"{name}.activation")
        gate = self.activation(layer.secondary, second, f"{name}.secondary")
        if layer.gating == "gated":
            return self.node("Mul", [activated, gate])
        difference = self.node("Sub", [activated, first])
        return self.node("Add", [first, self.node("Mul", [gate, difference])])

    def halves(self, signal: str, channels: int) -> tuple[str, str]:
        names = [f"value{len(self.nodes)}.{half}" for half in ("first", "second")]
        self.node("Split", [signal, self.integers(channels, channels)], names, axis=1)
        return names[0], names[1]

    def film(self, film: Film, signal: str, condition: str, name: str) -> str:
        modulation = self.convolution(film.convolution, condition, name)
        if not film.shift:
            return self.node("Mul", [signal, modulation])
        scale, shift = self.halves(modulation, film.convolution.outputs // 2)
        return self.node("Add", [self.node("Mul", [signal, scale]), shift])


ONE_OPERATOR: dict[str, tuple[str, tuple[str, ...]]] = {
    "Tanh": ("Tanh", ()),
    "ReLU": ("Relu", ()),
    "LeakyReLU": ("LeakyRelu", ("alpha",)),
    "ELU": ("Elu", ("alpha",)),
    "Sigmoid": ("Sigmoid", ()),
    "Hardswish": ("HardSwish", ()),
    "Softsign": ("Softsign", ()),
}
"""Activations that are a single operator, and its attributes in the order of their constants."""
