"""Small random models of every architecture, for tests; they are made here and read from no file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from tonerig.export.model import (
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
    Lstm,
    Metadata,
    NeuralModel,
    PostHead,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    receptive_field,
)

TANH, SIGMOID = Activation("Tanh"), Activation("Sigmoid")
A1_DILATIONS = tuple(2**n for n in range(10))
A2_DILATIONS = (1, 3, 7, 17, 41, 101, 239, 1, 3, 7, 17, 41, 101, 239, 1, 13, 1, 3, 7, 17, 41, 101, 239)
A2_KERNELS = (6,) * 14 + (15,) * 2 + (6,) * 7
METADATA = Metadata(
    name="Random",
    author="a test",
    gear_type="amp",
    gear_make="None",
    gear_model="Number 1",
    tone_type="crunch",
    loudness_db=-20.5,
    gain=0.5,
    input_level_dbu=12.25,
    output_level_dbu=-3.5,
    validation_esr=0.0125,
)


def random_model(kind: str, seed: int) -> NeuralModel:
    """A model of one of ``KINDS``; the same seed gives the same weights."""
    return KINDS[kind](np.random.default_rng(seed))


def _float32(value: float) -> float:
    return float(np.float32(value))


def _array(rng: Generator, *shape: int, scale: float) -> Array:
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def _convolution(
    rng: Generator,
    inputs: int,
    outputs: int,
    kernel: int = 1,
    *,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
) -> Convolution:
    fan_in = inputs // groups * kernel
    return Convolution(
        _array(rng, outputs, inputs // groups, kernel, scale=fan_in**-0.5),
        _array(rng, outputs, scale=0.1) if bias else None,
        dilation,
        groups,
    )


def wavenet_array(
    rng: Generator,
    inputs: int,
    channels: int,
    head_size: int,
    dilations: tuple[int, ...],
    kernels: tuple[int, ...],
    *,
    condition: int = 1,
    bottleneck: int | None = None,
    head_kernel: int = 1,
    head_bias: bool = True,
    activations: tuple[Activation, ...] = (TANH,),
    gating: tuple[Gating, ...] = ("none",),
    secondary: Activation = SIGMOID,
    layer1x1: bool = True,
    head1x1: int | None = None,
    groups: int = 1,
    films: dict[str, bool] | None = None,
) -> WaveNetArray:
    """Per-layer options repeat in turn; ``films`` maps a slot to whether it shifts."""
    narrow = bottleneck or channels
    layers = []
    for n, (dilation, kernel) in enumerate(zip(dilations, kernels, strict=True)):
        gate = gating[n % len(gating)]
        middle = narrow if gate == "none" else 2 * narrow
        modulated = {
            "conv_pre_film": channels,
            "input_mixin_pre_film": condition,
            "activation_post_film": narrow,
            "layer1x1_post_film": channels,
            "head1x1_post_film": head1x1 or 0,
        }
        layers.append(
            WaveNetLayer(
                convolution=_convolution(rng, channels, middle, kernel, dilation=dilation, groups=groups),
                mixin=_convolution(rng, condition, middle, bias=False, groups=groups if condition > 1 else 1),
                activation=activations[n % len(activations)],
                gating=gate,
                secondary=None if gate == "none" else secondary,
                layer1x1=_convolution(rng, narrow, channels, groups=groups) if layer1x1 else None,
                head1x1=_convolution(rng, narrow, head1x1, groups=groups) if head1x1 else None,
                films={
                    slot: Film(
                        _convolution(rng, condition, (2 if shift else 1) * modulated.get(slot, middle)), shift
                    )
                    for slot, shift in (films or {}).items()
                },
            )
        )
    return WaveNetArray(
        rechannel=_convolution(rng, inputs, channels, bias=False),
        layers=tuple(layers),
        head=_convolution(rng, head1x1 or narrow, head_size, head_kernel, bias=head_bias),
    )


def _model(network: WaveNet | Stack | Chain | Container, rate: float = 48000.0) -> NeuralModel:
    field = receptive_field(network)
    return NeuralModel(network, rate, METADATA, prewarm=int(rate / 2) if field is None else field - 1)


def _a1(rng: Generator, channels: int, first: tuple[int, ...], second: tuple[int, ...]) -> NeuralModel:
    half = channels // 2
    arrays = (
        wavenet_array(rng, 1, channels, half, first, (3,) * len(first), head_bias=False),
        wavenet_array(rng, channels, half, 1, second, (3,) * len(second)),
    )
    return _model(WaveNet(arrays, head_scale=_float32(0.02)))


def _a1_standard(rng: Generator) -> NeuralModel:
    return _a1(rng, 16, A1_DILATIONS, A1_DILATIONS)


def _a1_nano(rng: Generator) -> NeuralModel:
    return _a1(rng, 4, A1_DILATIONS[:7], A1_DILATIONS[7:] + A1_DILATIONS)


def _a2_size(rng: Generator, channels: int) -> NeuralModel:
    array = wavenet_array(
        rng,
        1,
        channels,
        1,
        A2_DILATIONS,
        A2_KERNELS,
        head_kernel=16,
        activations=(Activation("LeakyReLU", (0.01,)),),
    )
    return _model(WaveNet((array,), head_scale=_float32(0.01)))


def _a2(rng: Generator) -> NeuralModel:
    sizes = ((0.5, _a2_size(rng, 3)), (1.0, _a2_size(rng, 8)))
    return _model(Container(sizes))


def _lstm_layers(rng: Generator, hidden: int, layers: int) -> tuple[Lstm | Dense, ...]:
    stacked = tuple(
        Lstm(
            weight_x=_array(rng, 4 * hidden, 1 if n == 0 else hidden, scale=0.5),
            weight_h=_array(rng, 4 * hidden, hidden, scale=0.5 * hidden**-0.5),
            bias=_array(rng, 4 * hidden, scale=0.2),
            h=_array(rng, hidden, scale=0.1),
            c=_array(rng, hidden, scale=0.1),
        )
        for n in range(layers)
    )
    return (*stacked, Dense(_array(rng, 1, hidden, scale=hidden**-0.5), _array(rng, 1, scale=0.1)))


def _without_memory(layers: tuple[Lstm | Dense, ...]) -> tuple[Lstm | Dense, ...]:
    return tuple(
        Lstm(layer.weight_x, layer.weight_h, layer.bias, np.zeros_like(layer.h), np.zeros_like(layer.c))
        if isinstance(layer, Lstm)
        else layer
        for layer in layers
    )


def _lstm_skip(rng: Generator) -> NeuralModel:
    network = Stack(_without_memory(_lstm_layers(rng, 12, 1)), skip=True, input_gain=2.0, output_gain=0.5)
    return NeuralModel(network, 44100.0, METADATA)


def _gru(rng: Generator) -> NeuralModel:
    hidden = 12
    gru = Gru(
        weight_x=_array(rng, 3 * hidden, 1, scale=0.5),
        weight_h=_array(rng, 3 * hidden, hidden, scale=0.5 * hidden**-0.5),
        bias_x=_array(rng, 3 * hidden, scale=0.2),
        bias_h=_array(rng, 3 * hidden, scale=0.2),
        h=np.zeros(hidden, np.float32),
    )
    dense = Dense(_array(rng, 1, hidden, scale=hidden**-0.5), _array(rng, 1, scale=0.1))
    return NeuralModel(Stack((gru, dense)), 48000.0, METADATA)


def _batchnorm(rng: Generator, channels: int, epsilon: float = 1e-5) -> BatchNorm:
    mean, beta = _array(rng, channels, scale=0.2), _array(rng, channels, scale=0.2)
    variance = rng.uniform(0.5, 2.0, channels).astype(np.float32)
    gamma = rng.uniform(0.5, 1.5, channels).astype(np.float32)
    epsilon = _float32(epsilon)
    scale = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
    offset = (beta - scale * mean).astype(np.float32)
    return BatchNorm(scale.astype(np.float32), offset, (mean, variance, gamma, beta, epsilon))


def _convnet(rng: Generator) -> NeuralModel:
    layers: list[Convolution | BatchNorm | Activation] = []
    for n, dilation in enumerate((1, 2, 4, 8, 16)):
        layers += [
            _convolution(rng, 6 if n else 1, 6, 2, dilation=dilation, bias=False),
            _batchnorm(rng, 6),
            TANH,
        ]
    return _model(Stack((*layers, _convolution(rng, 6, 1))))


def _linear(rng: Generator) -> NeuralModel:
    return _model(Stack((_convolution(rng, 1, 1, 300),)))


def _rtneural_conv(rng: Generator) -> NeuralModel:
    layers = (
        Dense(_array(rng, 4, 1, scale=1.0), _array(rng, 4, scale=0.1)),
        TANH,
        _convolution(rng, 4, 6, 5, dilation=3),
        Activation("PReLU", tuple(float(np.float32(a)) for a in rng.uniform(0, 0.3, 6))),
        _batchnorm(rng, 6),
        Dense(_array(rng, 3, 6, scale=0.4), _array(rng, 3, scale=0.1)),
        Activation("ELU", (1.0,)),
        Dense(_array(rng, 1, 3, scale=0.4), _array(rng, 1, scale=0.1)),
    )
    return NeuralModel(Stack(layers), 48000.0, METADATA)


def _film(rng: Generator) -> NeuralModel:
    films = {slot: n % 2 == 0 for n, slot in enumerate(FILM_SLOTS)}
    arrays = (
        wavenet_array(rng, 1, 6, 3, (1, 2, 4), (3, 2, 3), bottleneck=4, head1x1=5, films=films),
        wavenet_array(
            rng, 6, 3, 1, (1, 8), (3, 3), head1x1=3, films={"layer1x1_post_film": False}, gating=("gated",)
        ),
    )
    return _model(WaveNet(arrays, head_scale=_float32(0.3)))


def _gated(rng: Generator) -> NeuralModel:
    arrays = (
        wavenet_array(rng, 1, 6, 4, (1, 2, 4, 8), (3,) * 4, gating=("gated",)),
        wavenet_array(
            rng,
            6,
            4,
            1,
            (1, 5, 25),
            (3,) * 3,
            gating=("none", "gated", "blended"),
            activations=(Activation("Softsign"), Activation("LeakyHardtanh", (-0.5, 0.5, 0.1, 0.2)), TANH),
        ),
    )
    return _model(WaveNet(arrays, head_scale=_float32(0.2)))


def _blended(rng: Generator) -> NeuralModel:
    array = wavenet_array(
        rng,
        1,
        6,
        1,
        (1, 2, 4, 8),
        (3, 4, 5, 6),
        bottleneck=3,
        gating=("blended",),
        activations=(Activation("PReLU", (0.125, 0.25, 0.5)), Activation("SiLU"), Activation("ReLU")),
        secondary=Activation("Hardswish"),
        head_kernel=4,
    )
    return _model(WaveNet((array,), head_scale=_float32(0.2)))


def _groups(rng: Generator) -> NeuralModel:
    array = wavenet_array(
        rng, 1, 8, 1, (1, 2, 4, 8), (3,) * 4, bottleneck=4, groups=2, head1x1=6, gating=("none", "gated")
    )
    return _model(WaveNet((array,), head_scale=_float32(0.2)))


def _condition(rng: Generator) -> NeuralModel:
    inner = wavenet_array(rng, 1, 4, 2, (1, 2, 4), (3,) * 3)
    condition = NeuralModel(WaveNet((inner,), head_scale=_float32(0.5)), prewarm=14)
    outer = wavenet_array(
        rng,
        1,
        4,
        1,
        (1, 3, 9),
        (3,) * 3,
        condition=2,
        groups=2,
        films={"conv_pre_film": True, "input_mixin_pre_film": True},
    )
    return _model(WaveNet((outer,), head_scale=_float32(0.2), condition=condition))


def _post_head(rng: Generator) -> NeuralModel:
    array = wavenet_array(rng, 1, 4, 3, (1, 2, 4, 8), (3,) * 4, layer1x1=False, head_kernel=2)
    head = PostHead(((TANH, _convolution(rng, 3, 5, 3)), (TANH, _convolution(rng, 5, 1, 2))))
    return _model(WaveNet((array,), head_scale=_float32(0.4), head=head))


def _chain(rng: Generator) -> NeuralModel:
    models = (_a1(rng, 4, (1, 2, 4), (8, 16)), _linear(rng), _model(Stack(_lstm_layers(rng, 5, 2))))
    return NeuralModel(Chain(models), 48000.0, METADATA, prewarm=sum(model.prewarm for model in models))


KINDS: dict[str, Callable[[Generator], NeuralModel]] = {
    "a1_standard": _a1_standard,
    "a1_nano": _a1_nano,
    "a2": _a2,
    "lstm_1x16": lambda rng: _model(Stack(_lstm_layers(rng, 16, 1))),
    "lstm_2x8": lambda rng: _model(Stack(_lstm_layers(rng, 8, 2))),
    "gru_1x12": _gru,
    "convnet": _convnet,
    "linear": _linear,
    "wavenet_film": _film,
    "wavenet_gated": _gated,
    "wavenet_blended": _blended,
    "wavenet_groups": _groups,
    "wavenet_condition": _condition,
    "wavenet_post_head": _post_head,
    "chain": _chain,
    "rtneural_conv": _rtneural_conv,
    "lstm_skip": _lstm_skip,
}
