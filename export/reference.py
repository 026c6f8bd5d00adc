"""What every network computes, in plain NumPy and float64: slow, and easy to check against the papers.

A. van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016; S. Hochreiter and J. Schmidhuber,
"Long Short-Term Memory", 1997; K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder",
2014 (with the reset after the recurrent product, as in cuDNN); E. Perez et al., "FiLM: Visual Reasoning with
a General Conditioning Layer", 2018.

Signals have the shape (channels, frames). A state maps the name of a layer (``array0.layer3.convolution``,
``layer0.h``) to what it remembers; the streaming ONNX file uses the same names.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from .activations import activate
from .model import (
    Activation,
    BatchNorm,
    Chain,
    Container,
    Convolution,
    Dense,
    Echo,
    Film,
    Gain,
    Gru,
    Layer,
    Lstm,
    Modulation,
    Network,
    NeuralModel,
    Response,
    Stack,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    hears_knobs,
    receptive_field,
)
from .reference_effects import (
    EndlessSilence,
    Signal,
    State,
    filter_block,
    run_compression,
    run_echo,
    run_gain,
    run_modulation,
    run_response,
)

WITHOUT_KNOBS: Signal = np.zeros(0)
SETTLED = 1e-13
"""Change of any state over a chunk of silence below which prewarming longer would change nothing."""


def evaluate(
    model: NeuralModel, input: ArrayLike, *, knobs: Mapping[str, float] | None = None, prewarm: bool = True
) -> Signal:
    """The output of a model for a whole signal.

    Parameters
    ----------
    input : shape (frames,), at the model's sample rate
    knobs : values by name, each in its knob's unit; the others stand at their defaults
    prewarm : start after the model's silence with all knobs at their defaults, as it plays; otherwise from
        its initial state

    Returns
    -------
    output : shape (frames,)

    Raises
    ------
    ValueError : the model has no such knob, or the value is out of its range
    """
    turned = features_of(model, knobs)
    state = settled_state(model) if prewarm else {}
    signal = np.asarray(input, np.float64)[np.newaxis]
    return run(model.network, signal, state, features=turned, sample_rate=model.sample_rate)[0]


def turns_of(model: NeuralModel, values: Mapping[str, float] | None = None) -> Signal:
    """The turns of a model's knobs, 0 to 1, shape (knobs,), for values in their units.

    Raises
    ------
    ValueError : the model has no such knob, or the value is out of its range
    """
    values = values or {}
    knobs = () if model.knobs is None else model.knobs.knobs
    unknown = set(values) - {knob.name for knob in knobs}
    if unknown:
        known = ", ".join(knob.name for knob in knobs) or "none"
        raise ValueError(f"the model has no knob {min(unknown)!r}; its knobs are {known}")
    for knob in knobs:
        value = values.get(knob.name, knob.default)
        if not knob.minimum <= value <= knob.maximum:
            raise ValueError(
                f"{knob.name} is {value:g}, but {knob.minimum:g} to {knob.maximum:g} {knob.unit}".rstrip()
                + " is expected"
            )
    return np.array([knob.to_turn(values.get(knob.name, knob.default)) for knob in knobs], np.float64)


def features_of(model: NeuralModel, values: Mapping[str, float] | None = None) -> Signal:
    """What a model's network sees of its knobs at these values, shape (features,); errors as `turns_of`."""
    turns = turns_of(model, values)
    if model.knobs is None:
        return turns
    return _stack(model.knobs.features, turns[:, np.newaxis], {}, "", turns[:0])[:, 0]


def settled_state(model: NeuralModel) -> State:
    """Every layer's memory after ``model.prewarm`` samples of silence, the knobs at their defaults."""
    field, features = receptive_field(model.network), features_of(model)
    turning = oscillators(model.network, model.sample_rate)
    if field is not None and model.prewarm >= field - 1 and not turning:
        state: State = EndlessSilence()
        run(model.network, np.zeros((1, 1)), state, features=features, sample_rate=model.sample_rate)
        return dict(state)
    state = {}
    left, chunk = model.prewarm, 1024
    while left > 0:
        before = dict(state)
        silence = np.zeros((1, min(left, chunk)))
        run(model.network, silence, state, features=features, sample_rate=model.sample_rate)
        left -= chunk
        changes = [
            np.abs(value - before[name]).max()
            for name, value in state.items()
            if name in before and name not in turning
        ]
        if before and max(changes, default=0.0) <= SETTLED:
            break
        chunk = min(2 * chunk, 8192)
    return state | _turned(turning, model.prewarm)


def oscillators(network: Network, sample_rate: float, prefix: str = "") -> dict[str, tuple[float, float]]:
    """The first phase of every oscillator and its step with each sample, by the name of its state."""
    if isinstance(network, Container):
        return oscillators(network.active.network, sample_rate, prefix)
    if isinstance(network, Chain):
        found: dict[str, tuple[float, float]] = {}
        for n, model in enumerate(network.models):
            found |= oscillators(model.network, sample_rate, f"{prefix}model{n}.")
        return found
    if not isinstance(network, Modulation):
        return {}
    return {f"{prefix}phase": (network.phase, network.rate_hz / sample_rate)}


def _turned(turning: dict[str, tuple[float, float]], samples: int) -> State:
    """The phases of oscillators after some samples."""
    return {name: np.array([(phase + samples * step) % 1.0]) for name, (phase, step) in turning.items()}


def run(
    network: Network,
    signal: Signal,
    state: State,
    prefix: str = "",
    *,
    features: Signal = WITHOUT_KNOBS,
    sample_rate: float = 48000.0,
) -> Signal:
    """Continue a network from ``state``, which is updated, over ``signal``.

    Parameters
    ----------
    signal : shape (channels, frames)
    features : of the knobs, shape (features,)
    sample_rate : Hz, of the model as a whole
    """
    if isinstance(network, Container):
        network = network.active.network
        return run(network, signal, state, prefix, features=features, sample_rate=sample_rate)
    if isinstance(network, Chain):
        for n, model in enumerate(network.models):
            place = f"{prefix}model{n}."
            signal = run(model.network, signal, state, place, features=features, sample_rate=sample_rate)
        return signal
    if isinstance(network, Stack):
        return _stack(network, signal, state, prefix, features)
    if isinstance(network, WaveNet):
        return _wavenet(network, signal, state, prefix, features)
    if isinstance(network, Gain):
        return run_gain(network, signal[0], features)[np.newaxis]
    if isinstance(network, Response):
        return run_response(network, signal[0], state, prefix, features)[np.newaxis]
    if isinstance(network, Echo):
        return run_echo(network, signal[0], state, prefix)[np.newaxis]
    if isinstance(network, Modulation):
        return run_modulation(network, signal[0], state, prefix, sample_rate)[np.newaxis]
    return run_compression(network, signal[0], state, prefix)[np.newaxis]


def _hear(network: Stack | WaveNet, signal: Signal, features: Signal) -> Signal:
    """The channels with the features as constant ones after them, where the network has inputs for them."""
    if not hears_knobs(network, len(features), len(signal)):
        return signal
    return np.vstack([signal, np.repeat(features[:, np.newaxis], signal.shape[1], axis=1)])


def _stack(stack: Stack, signal: Signal, state: State, prefix: str, features: Signal) -> Signal:
    """Gains and ``skip`` are for the sound alone: the features come in as they are."""
    gained = stack.input_gain * signal
    hidden = _hear(stack, gained, features)
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
        output = filter_block(signal[0], weight[0, 0, ::-1], frames)[np.newaxis]
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


def _wavenet(network: WaveNet, signal: Signal, state: State, prefix: str, features: Signal) -> Signal:
    signal = _hear(network, signal, features)
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
