"""From torch modules to a `NeuralModel`: the only module here that imports torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from .activations import FUNCTIONS
from .check import check_model
from .errors import ModelFileError
from .fold import batchnorm
from .model import (
    Activation,
    Array,
    BatchNorm,
    Chain,
    Convolution,
    Dense,
    Film,
    Gain,
    Gru,
    Knob,
    Knobs,
    Layer,
    Lstm,
    Metadata,
    Network,
    NeuralModel,
    Response,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    receptive_field,
)

PLAIN_ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.Identity: "Identity",
    nn.Tanh: "Tanh",
    nn.ReLU: "ReLU",
    nn.Sigmoid: "Sigmoid",
    nn.SiLU: "SiLU",
    nn.Hardswish: "Hardswish",
    nn.Softsign: "Softsign",
}


class ModuleNotKnownError(TypeError):
    """A torch module that has no counterpart among our networks; the message says which."""


def from_torch(
    module: nn.Module, *, sample_rate: float = 48000.0, metadata: Metadata | None = None
) -> NeuralModel:
    """The network of a torch module, with copies of its weights.

    Parameters
    ----------
    module : a network of `tonerig.training.effects`, known by its attributes, or a
        ``torch.nn.Sequential`` of Conv1d, BatchNorm1d, Linear, LSTM, GRU and activations, as for one sample
        in and one out. Padding is left out: convolutions are causal here.
    sample_rate : Hz
    metadata : what to say about the model

    Returns
    -------
    the model, with its knobs; a recurrent network starts from the state in its buffers, a Sequential from
    zeros, and convolutions after silence

    Raises
    ------
    ModuleNotKnownError : a part of the module has no counterpart
    ValueError : the module's layers do not fit, or a weight is not finite
    """
    knobs = None
    network: Network
    if isinstance(module, nn.Sequential):
        network = Stack(tuple(layer for part in module for layer in _layers(part)))
    elif hasattr(module, "core") and hasattr(module, "knobs"):
        knobs = _knobs(module)
        network = _effect(module, 0 if knobs is None else knobs.count)
    else:
        network = _core(module, 0)
    prewarm = _prewarm(network)
    parts = network.models if isinstance(network, Chain) else ()
    if parts:
        network = Chain(tuple(replace(part, sample_rate=float(sample_rate)) for part in parts))
    model = NeuralModel(network, float(sample_rate), metadata or Metadata(), prewarm, knobs=knobs)
    try:
        return check_model(model, type(module).__name__)
    except ModelFileError as error:
        raise ValueError(str(error)) from None


def _prewarm(network: Network) -> int:
    """The memory of all parts whose first state is not in their weights."""
    if isinstance(network, Chain):
        return sum(_prewarm(part.network) for part in network.models)
    field = receptive_field(network)
    return 0 if field is None else field - 1


def _knobs(module: nn.Module) -> Knobs | None:
    """What an effect's module says of its knobs, and the layers that make features of them."""
    known: tuple[Knob, ...] = tuple(getattr(module, "knobs"))  # noqa: B009
    features = getattr(module, "features", None)
    if not known or features is None:
        return None
    if not isinstance(features, nn.Sequential):
        raise ModuleNotKnownError(f"features of a {type(features).__name__} have no counterpart")
    return Knobs(known, Stack(tuple(layer for part in features for layer in _layers(part))))


def _effect(module: nn.Module, features: int) -> Network:
    """A core with a gain before it and a response after it, where the module has them."""
    networks: list[Network] = []
    gain, response = getattr(module, "gain", None), getattr(module, "response", None)
    if gain is not None:
        networks.append(Gain(_array(gain.exponent)))
    core = module.get_submodule("core")
    networks += _cascade(core) if hasattr(core, "stages") else [_core(core, features)]
    if response is not None:
        taps = _array(response.taps)
        plain = Stack((Convolution(np.ascontiguousarray(taps[:1, np.newaxis, ::-1])),))
        networks.append(Response(taps) if features else plain)
    if len(networks) == 1:
        return networks[0]
    return Chain(tuple(NeuralModel(network, prewarm=_prewarm(network)) for network in networks))


def _cascade(module: nn.Module) -> list[Network]:
    """A filter and a curve for each stage; the curve without what it makes of 0."""
    networks: list[Network] = []
    for stage in module.get_submodule("stages").children():
        taps = _array(stage.get_submodule("filter")())
        first, tanh, last = stage.get_submodule("curve").children()
        if not isinstance(first, nn.Linear) or not isinstance(last, nn.Linear):
            raise ModuleNotKnownError(f"the curve of a {type(stage).__name__} is no two linear layers")
        bend, straight = _dense(first), _dense(last)
        at_zero = straight.weight.astype(np.float64) @ np.tanh(bend.bias.astype(np.float64))
        curve = Dense(straight.weight, (-at_zero).astype(np.float32))
        networks.append(Stack((Convolution(np.ascontiguousarray(taps[np.newaxis, np.newaxis, ::-1])),)))
        networks.append(Stack((bend, _activation(tanh), curve)))
    return networks


def _core(module: nn.Module, features: int) -> Stack | WaveNet:
    if hasattr(module, "dense") and (hasattr(module, "lstm") or hasattr(module, "gru")):
        return _recurrent_network(module)
    if hasattr(module, "arrays") and hasattr(module, "head_scale"):
        return _wavenet(module, features)
    raise ModuleNotKnownError(f"a {type(module).__name__} has no counterpart among our networks")


def _array(tensor: torch.Tensor) -> Array:
    return np.array(tensor.detach().cpu().to(torch.float32).numpy(), np.float32)


def _recurrent_network(module: nn.Module) -> Stack:
    recurrent = module.get_submodule("lstm" if hasattr(module, "lstm") else "gru")
    dense, skip = module.get_submodule("dense"), bool(getattr(module, "skip", False))
    if not isinstance(dense, nn.Linear):
        raise ModuleNotKnownError(f"a {type(module).__name__} does not end in a linear layer")
    h = _array(module.get_buffer("h"))
    if isinstance(recurrent, nn.LSTM):
        return Stack((*_lstm(recurrent, h, _array(module.get_buffer("c"))), _dense(dense)), skip)
    if isinstance(recurrent, nn.GRU):
        return Stack((*_gru(recurrent, h), _dense(dense)), skip)
    raise ModuleNotKnownError(f"a {type(module).__name__} has neither an LSTM nor a GRU")


def _wavenet(module: nn.Module, features: int) -> WaveNet:
    arrays = []
    for n, array in enumerate(module.get_submodule("arrays").children()):
        layers = tuple(_wavenet_layer(layer) for layer in array.get_submodule("layers").children())
        rechannel, head = (_convolution(array.get_submodule(name)) for name in ("rechannel", "head"))
        if n == 0 and features:
            unheard = np.zeros((rechannel.outputs, features, 1), np.float32)
            rechannel = replace(rechannel, weight=np.concatenate([rechannel.weight, unheard], axis=1))
        arrays.append(WaveNetArray(rechannel, layers, head))
    scale = float(np.float32(getattr(module, "head_scale")))  # noqa: B009
    return WaveNet(tuple(arrays), scale)


def _wavenet_layer(layer: nn.Module) -> WaveNetLayer:
    """A layer of a WaveNet; its ``film`` is linear in the features, and deaf to the sound."""
    film = getattr(layer, "film", None)
    films = {}
    if film is not None:
        dense = _dense(film)
        weight = np.pad(dense.weight, ((0, 0), (1, 0)))[..., np.newaxis]
        films["activation_pre_film"] = Film(Convolution(weight, dense.bias), shift=True)
    return WaveNetLayer(
        convolution=_convolution(layer.get_submodule("convolution")),
        mixin=_convolution(layer.get_submodule("mixin")),
        activation=Activation(str(getattr(layer, "activation", "Tanh"))),
        layer1x1=_convolution(layer.get_submodule("layer1x1")),
        films=films,
    )


def _layers(module: nn.Module) -> tuple[Layer, ...]:
    """The layers of one part of a Sequential."""
    if isinstance(module, nn.Conv1d):
        return (_convolution(module),)
    if isinstance(module, nn.BatchNorm1d):
        return (_batchnorm(module),)
    if isinstance(module, nn.Linear):
        return (_dense(module),)
    if isinstance(module, nn.LSTM | nn.GRU):
        zeros = np.zeros((module.num_layers, module.hidden_size), np.float32)
        return _lstm(module, zeros, zeros) if isinstance(module, nn.LSTM) else _gru(module, zeros)
    if isinstance(module, nn.Sequential):
        return tuple(layer for part in module for layer in _layers(part))
    return (_activation(module),)


def _convolution(module: nn.Module) -> Convolution:
    if not isinstance(module, nn.Conv1d) or module.stride != (1,) or isinstance(module.padding, str):
        raise ModuleNotKnownError(
            f"a {type(module).__name__} with a stride or named padding has no counterpart"
        )
    bias = None if module.bias is None else _array(module.bias)
    return Convolution(_array(module.weight), bias, int(module.dilation[0]), module.groups)


def _batchnorm(module: nn.BatchNorm1d) -> BatchNorm:
    if module.running_mean is None or module.running_var is None:
        raise ModuleNotKnownError("a BatchNorm1d without running statistics has no counterpart")
    mean, variance = _array(module.running_mean), _array(module.running_var)
    gamma = _array(module.weight) if module.affine else np.ones_like(mean)
    beta = _array(module.bias) if module.affine else np.zeros_like(mean)
    return batchnorm(mean, variance, gamma, beta, float(np.float32(module.eps)))


def _dense(module: nn.Linear) -> Dense:
    weight = _array(module.weight)
    bias = np.zeros(len(weight), np.float32) if module.bias is None else _array(module.bias)
    return Dense(weight, bias)


def _recurrent_weights(module: nn.RNNBase, n: int) -> tuple[Array, Array, Array, Array]:
    """Input and recurrent weight, input and recurrent bias, of layer ``n``."""
    if module.bidirectional or module.proj_size:
        raise ModuleNotKnownError(f"a bidirectional or projecting {type(module).__name__} has no counterpart")
    weight_x, weight_h = (_array(module.get_parameter(f"weight_{part}_l{n}")) for part in ("ih", "hh"))
    if not module.bias:
        zeros = np.zeros(len(weight_x), np.float32)
        return weight_x, weight_h, zeros, zeros
    bias_x, bias_h = (_array(module.get_parameter(f"bias_{part}_l{n}")) for part in ("ih", "hh"))
    return weight_x, weight_h, bias_x, bias_h


def _lstm(module: nn.LSTM, h: Array, c: Array) -> tuple[Lstm, ...]:
    """The layers of an LSTM; ``h`` and ``c`` have the shape (layers, hidden)."""
    layers = []
    for n in range(module.num_layers):
        weight_x, weight_h, bias_x, bias_h = _recurrent_weights(module, n)
        bias = (bias_x.astype(np.float64) + bias_h).astype(np.float32)
        layers.append(Lstm(weight_x, weight_h, bias, h[n], c[n]))
    return tuple(layers)


def _gru(module: nn.GRU, h: Array) -> tuple[Gru, ...]:
    return tuple(Gru(*_recurrent_weights(module, n), h[n]) for n in range(module.num_layers))


def _activation(module: nn.Module) -> Activation:
    kind = PLAIN_ACTIVATIONS.get(type(module))
    if kind is not None:
        return Activation(kind)
    if isinstance(module, nn.LeakyReLU):
        return Activation("LeakyReLU", (float(module.negative_slope),))
    if isinstance(module, nn.PReLU):
        return Activation("PReLU", tuple(_array(module.weight).tolist()))
    if isinstance(module, nn.ELU):
        return Activation("ELU", (float(module.alpha),))
    if isinstance(module, nn.Hardtanh):
        return Activation("Hardtanh", (float(module.min_val), float(module.max_val)))
    known = ", ".join(FUNCTIONS)
    raise ModuleNotKnownError(f"a {type(module).__name__} has no counterpart; known activations are {known}")
