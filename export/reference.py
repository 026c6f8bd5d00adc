"""What every network computes, in plain NumPy and float64: slow, and easy to check against the papers.

A. van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016; S. Hochreiter and J. Schmidhuber,
"Long Short-Term Memory", 1997; K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder",
2014 (with the reset after the recurrent product, as in cuDNN); E. Perez et al., "FiLM: Visual Reasoning with
a General Conditioning Layer", 2018.

Signals have the shape (channels, frames). A state maps the name of a layer (``array0.layer3.convolution``,
``layer0.h``) to what it remembers; the streaming ONNX file uses the same names.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .activations import activate
from .model import (
    Activation,
    BatchNorm,
    Chain,
    Container,
    Convolution,
    Dense,
    Film,
    Gru,
    Layer,
    Lstm,
    Network,
    NeuralModel,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    receptive_field,
)

Signal: TypeAlias = NDArray[np.float64]
State: TypeAlias = dict[str, Signal]
SETTLED = 1e-13
"""Change of any state over a chunk of silence below which prewarming longer would change nothing."""


class EndlessSilence(State):
    """The state of a network without recurrence after so much silence that every signal in it is constant."""


def evaluate(model: NeuralModel, input: ArrayLike, *, prewarm: bool = True) -> Signal:
    """The output of a model for a whole signal.

    Parameters
    ----------
    input : shape (frames,), at the model's sample rate
    prewarm : start after the model's silence, as it plays; otherwise from its initial state

    Returns
    -------
    output : shape (frames,)
    """
    state = settled_state(model) if prewarm else {}
    signal = np.asarray(input, np.float64)[np.newaxis]
    return run(model.network, signal, state)[0]


def settled_state(model: NeuralModel) -> State:
    """Every layer's memory after ``model.prewarm`` samples of silence."""
    field = receptive_field(model.network)
    if field is not None and model.prewarm >= field - 1:
        endless = EndlessSilence()
        run(model.network, np.zeros((1, 1)), endless)
        return dict(endless)
    state: State = {}
    left, chunk = model.prewarm, 1024
    while left > 0:
        before = dict(state)
        run(model.network, np.zeros((1, min(left, chunk))), state)
        left -= chunk
        changes = [np.abs(value - before[name]).max() for name, value in state.items() if name in before]
        if before and max(changes, default=0.0) <= SETTLED:
            break
        chunk = min(2 * chunk, 8192)
    return state


def run(network: Network, signal: Signal, state: State, prefix: str = "") -> Signal:
    """Continue a network from ``state``, which is updated, over ``signal``."""
    if isinstance(network, Container):
        return run(network.active.network, signal, state, prefix)
    if isinstance(network, Chain):
        for n, model in enumerate(network.models):
            signal = run(model.network, signal, state, f"{prefix}model{n}.")
        return signal
    if isinstance(network, Stack):
        return _stack(network, signal, state, prefix)
    return _wavenet(network, signal, state, prefix)


def _stack(stack: Stack, signal: Signal, state: State, prefix: str) -> Signal:
    gained = stack.input_gain * signal
    hidden = gained
    for n, layer in enumerate(stack.layers):
        hidden = _layer(layer, hidden, state, f"{prefix}layer{n}")
    return stack.output_gain * (hidden + gained if stack.skip else hidden)


def _layer(layer: Layer, signal: Signal, state: State, name: str) -> Signal:
    if isinstance(layer, Convolution):
        return _convolve(layer, signal, state, name)
    if isinstance(layer, Activation):
        return activate(signal, layer)
    if isinstance(layer, BatchNorm):
        return layer.scale[:, np.newaxis] * signal + layer.offset[:, np.newaxis]
    if isinstance(layer, Dense):
        result: Signal = layer.weight.astype(np.float64) @ signal + layer.bias[:, np.newaxis]
        return result
    return _lstm(layer, signal, state, name) if isinstance(layer, Lstm) else _gru(layer, signal, state, name)


def _convolve(layer: Convolution, signal: Signal, state: State, name: str) -> Signal:
    """y[t] = bias + Σ_k weight[:, :, k] · x[t - dilation · (kernel - 1 - k)]"""
    memory, frames = layer.memory, signal.shape[1]
    if memory:
        past = state.get(name)
        if past is None and isinstance(state, EndlessSilence):
            past = np.repeat(signal[:, :1], memory, axis=1)
        signal = np.hstack([np.zeros((layer.inputs, memory)) if past is None else past, signal])
        state[name] = signal[:, -memory:]
    weight = layer.dense().astype(np.float64)
    if weight.shape[:2] == (1, 1) and layer.dilation == 1:
        output = np.convolve(signal[0], weight[0, 0, ::-1], "valid")[np.newaxis]
    else:
        taps = [
            weight[:, :, k] @ signal[:, k * layer.dilation : k * layer.dilation + frames]
            for k in range(layer.kernel)
        ]
        output = np.sum(taps, axis=0)
    return output if layer.bias is None else output + layer.bias[:, np.newaxis]


def _lstm(layer: Lstm, signal: Signal, state: State, name: str) -> Signal:
    """i, f, o = σ(…), g = tanh(…); c ← f · c + i · g; h ← o · tanh(c)"""
    size, recurrent = layer.hidden, layer.weight_h.astype(np.float64)
    driven = layer.weight_x.astype(np.float64) @ signal + layer.bias[:, np.newaxis]
    h, c = state.get(f"{name}.h", layer.h), state.get(f"{name}.c", layer.c)
    output = np.empty((size, signal.shape[1]))
    for t in range(signal.shape[1]):
        gates = driven[:, t] + recurrent @ h
        i, f, o = (_sigmoid(gates[k * size : (k + 1) * size]) for k in (0, 1, 3))
        c = f * c + i * np.tanh(gates[2 * size : 3 * size])
        h = o * np.tanh(c)
        output[:, t] = h
    state[f"{name}.h"], state[f"{name}.c"] = np.asarray(h, np.float64), np.asarray(c, np.float64)
    return output


def _gru(layer: Gru, signal: Signal, state: State, name: str) -> Signal:
    """r, z = σ(…); n = tanh(W x + b + r · (U h + b')); h ← (1 - z) · n + z · h"""
    size, recurrent = layer.hidden, layer.weight_h.astype(np.float64)
    driven = layer.weight_x.astype(np.float64) @ signal + layer.bias_x[:, np.newaxis]
    h = np.asarray(state.get(f"{name}.h", layer.h), np.float64)
    output = np.empty((size, signal.shape[1]))
    for t in range(signal.shape[1]):
        x, u = driven[:, t], recurrent @ h + layer.bias_h
        r, z = (_sigmoid(x[k * size : (k + 1) * size] + u[k * size : (k + 1) * size]) for k in (0, 1))
        n = np.tanh(x[2 * size :] + r * u[2 * size :])
        h = (1.0 - z) * n + z * h
        output[:, t] = h
    state[f"{name}.h"] = h
    return output


def _sigmoid(x: Signal) -> Signal:
    result: Signal = 0.5 + 0.5 * np.tanh(0.5 * x)
    return result


def _wavenet(network: WaveNet, signal: Signal, state: State, prefix: str) -> Signal:
    condition = signal
    if network.condition is not None:
        condition = run(network.condition.network, signal, state, f"{prefix}condition.")
    residual, head = signal, None
    for n, array in enumerate(network.arrays):
        residual, head = _array(array, residual, condition, head, state, f"{prefix}array{n}")
    assert head is not None
    head = network.head_scale * head
    if network.head is not None:
        for n, (activation, convolution) in enumerate(network.head.layers):
            head = _convolve(convolution, activate(head, activation), state, f"{prefix}head.layer{n}")
    return head


def _array(
    array: WaveNetArray, signal: Signal, condition: Signal, head: Signal | None, state: State, name: str
) -> tuple[Signal, Signal]:
    """The last layer's output and the head's, which sums what the layers and the array before add."""
    residual = _convolve(array.rechannel, signal, state, f"{name}.rechannel")
    for n, layer in enumerate(array.layers):
        residual, skip = _wavenet_layer(layer, residual, condition, state, f"{name}.layer{n}")
        head = skip if head is None else head + skip
    assert head is not None
    return residual, _convolve(array.head, head, state, f"{name}.head")


def _wavenet_layer(
    layer: WaveNetLayer, signal: Signal, condition: Signal, state: State, name: str
) -> tuple[Signal, Signal]:
    """The next layer's input, and what this one adds to the head."""

    def film(slot: str, x: Signal) -> Signal:
        return _modulate(layer.films[slot], x, condition) if slot in layer.films else x

    def convolve(part: str, convolution: Convolution, x: Signal) -> Signal:
        return _convolve(convolution, x, state, f"{name}.{part}")

    convolved = convolve("convolution", layer.convolution, film("conv_pre_film", signal))
    mixed = convolve("mixin", layer.mixin, film("input_mixin_pre_film", condition))
    summed = film("conv_post_film", convolved) + film("input_mixin_post_film", mixed)
    activated = film("activation_post_film", _gate(layer, film("activation_pre_film", summed)))
    residual, skip = signal, activated
    if layer.layer1x1 is not None:
        residual = signal + film("layer1x1_post_film", convolve("layer1x1", layer.layer1x1, activated))
    if layer.head1x1 is not None:
        skip = film("head1x1_post_film", convolve("head1x1", layer.head1x1, activated))
    return residual, skip


def _gate(layer: WaveNetLayer, signal: Signal) -> Signal:
    """With x, y the halves, a = activation(x), b = secondary(y): a alone, a · b, or b · a + (1 - b) · x."""
    if layer.secondary is None or layer.gating == "none":
        return activate(signal, layer.activation)
    first, second = signal[: layer.bottleneck], signal[layer.bottleneck :]
    activated, gate = activate(first, layer.activation), activate(second, layer.secondary)
    return activated * gate if layer.gating == "gated" else gate * activated + (1.0 - gate) * first


def _modulate(film: Film, signal: Signal, condition: Signal) -> Signal:
    """scale · x + shift, both from the condition."""
    modulation = _convolve(film.convolution, condition, {}, "")
    if not film.shift:
        return modulation * signal
    scale, shift = np.split(modulation, 2)
    return scale * signal + shift
