"""A neural model in memory: what it computes, its weights, and what its maker said about it.

Every file format is read into these types and written from them; kernels, the ONNX writer and the
reference evaluation read nothing else. Arrays are float32 and never changed after construction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Gating: TypeAlias = Literal["none", "gated", "blended"]
FILM_SLOTS = (
    "conv_pre_film",
    "conv_post_film",
    "input_mixin_pre_film",
    "input_mixin_post_film",
    "activation_pre_film",
    "activation_post_film",
    "layer1x1_post_film",
    "head1x1_post_film",
)


@dataclass(frozen=True)
class Activation:
    """An element-wise function by the name `.nam` gives it (``"Tanh"``, ``"LeakyReLU"``, …).

    ``parameters`` are its constants in the order the format lists them, a PReLU's slopes included.
    """

    kind: str
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True)
class Convolution:
    """A causal, dilated convolution over time.

    Parameters
    ----------
    weight : ndarray, shape (outputs, inputs / groups, kernel)
        ``weight[..., -1]`` meets the newest sample.
    bias : ndarray, shape (outputs,), or None
    dilation : int, in samples
    groups : int
    """

    weight: Array
    bias: Array | None = None
    dilation: int = 1
    groups: int = 1

    @property
    def outputs(self) -> int:
        return self.weight.shape[0]

    @property
    def inputs(self) -> int:
        return self.weight.shape[1] * self.groups

    @property
    def kernel(self) -> int:
        return self.weight.shape[2]

    @property
    def memory(self) -> int:
        """Past samples needed beside the newest one."""
        return (self.kernel - 1) * self.dilation

    def dense(self) -> Array:
        """The weight with groups written out, shape (outputs, inputs, kernel)."""
        if self.groups == 1:
            return self.weight
        full = np.zeros((self.outputs, self.inputs, self.kernel), np.float32)
        rows, columns = self.outputs // self.groups, self.weight.shape[1]
        for g in range(self.groups):
            full[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns] = self.weight[
                g * rows : (g + 1) * rows
            ]
        return full


@dataclass(frozen=True)
class BatchNorm:
    """Scale and offset per channel, already folded from mean, variance, gamma and beta."""

    scale: Array
    offset: Array
    statistics: tuple[Array, Array, Array, Array, float] | None = None  # as read, to write it back


@dataclass(frozen=True)
class Lstm:
    """One LSTM layer, gates in the order i, f, g, o.

    ``weight_x`` (4H, inputs), ``weight_h`` (4H, H), ``bias`` (4H,), initial ``h`` and ``c`` (H,).
    """

    weight_x: Array
    weight_h: Array
    bias: Array
    h: Array
    c: Array

    @property
    def hidden(self) -> int:
        return self.weight_h.shape[1]

    @property
    def inputs(self) -> int:
        return self.weight_x.shape[1]


@dataclass(frozen=True)
class Gru:
    """One GRU layer, gates in torch's order r, z, n, the reset applied after the recurrent product.

    ``weight_x`` (3H, inputs), ``weight_h`` (3H, H), ``bias_x`` (3H,), ``bias_h`` (3H,), ``h`` (H,).
    """

    weight_x: Array
    weight_h: Array
    bias_x: Array
    bias_h: Array
    h: Array

    @property
    def hidden(self) -> int:
        return self.weight_h.shape[1]

    @property
    def inputs(self) -> int:
        return self.weight_x.shape[1]


@dataclass(frozen=True)
class Dense:
    """``y = weight @ x + bias`` for each sample; ``weight`` (outputs, inputs), ``bias`` (outputs,)."""

    weight: Array
    bias: Array


Layer: TypeAlias = Convolution | BatchNorm | Activation | Lstm | Gru | Dense


@dataclass(frozen=True)
class Stack:
    """Layers one after another: NAM's LSTM, ConvNet and Linear, and all of RTNeural's files.

    With ``skip``, the network's (gained) input is added to its output. Gains are linear.
    """

    layers: tuple[Layer, ...]
    skip: bool = False
    input_gain: float = 1.0
    output_gain: float = 1.0


@dataclass(frozen=True)
class Film:
    """Feature-wise linear modulation: a 1x1 convolution of the condition gives scale (and shift)."""

    convolution: Convolution
    shift: bool


@dataclass(frozen=True)
class WaveNetLayer:
    """One residual layer of a NAM WaveNet; ``None`` parts are absent.

    With gating the convolution and the mixin have 2 × bottleneck outputs; ``secondary`` acts on
    the second half. Without ``layer1x1`` the next layer gets this layer's input unchanged, as in
    NeuralAmpModelerCore.
    """

    convolution: Convolution
    mixin: Convolution
    activation: Activation
    gating: Gating = "none"
    secondary: Activation | None = None
    layer1x1: Convolution | None = None
    head1x1: Convolution | None = None
    films: dict[str, Film] = field(default_factory=dict)

    @property
    def bottleneck(self) -> int:
        return self.convolution.outputs // (1 if self.gating == "none" else 2)


@dataclass(frozen=True)
class WaveNetArray:
    """A stack of residual layers of one width, with the convolutions into and out of it."""

    rechannel: Convolution
    layers: tuple[WaveNetLayer, ...]
    head: Convolution


@dataclass(frozen=True)
class PostHead:
    """The optional head after the last array: activation, then convolution, repeated."""

    layers: tuple[tuple[Activation, Convolution], ...]


@dataclass(frozen=True)
class WaveNet:
    """NAM's WaveNet (A1, A2). ``condition`` computes the layers' condition from the input."""

    arrays: tuple[WaveNetArray, ...]
    head_scale: float
    head: PostHead | None = None
    condition: NeuralModel | None = None


@dataclass(frozen=True)
class Chain:
    """Models run one after another (`.nam`'s Sequential)."""

    models: tuple[NeuralModel, ...]


@dataclass(frozen=True)
class Container:
    """The same sound at several sizes (`.nam`'s SlimmableContainer), each with its upper bound."""

    submodels: tuple[tuple[float, NeuralModel], ...]

    @property
    def active(self) -> NeuralModel:
        """The largest one, which is the one that plays."""
        return self.submodels[-1][1]


@dataclass(frozen=True)
class Gain:
    """A gain that the knobs move: ``y = x · exp(exponent[0] + exponent[1:] @ features)``.

    ``exponent`` has the shape (1 + features,).
    """

    exponent: Array


@dataclass(frozen=True)
class Response:
    """A long FIR filter that the knobs move: its taps are ``taps[0] + features @ taps[1:]``.

    ``taps`` has the shape (1 + features, length); ``taps[:, 0]`` meets the newest sample.
    """

    taps: Array


@dataclass(frozen=True)
class Echo:
    """A delay line that feeds itself through a filter: repeats and tails without end.

    ``y = direct * x + w`` with ``w[n] = (enter * x)[n - delay] + (loop * w)[n - delay]``, where ``*`` is
    convolution and tap 0 meets the newest sample.

    Parameters
    ----------
    direct, enter, loop : ndarray, shape (taps,) each, of any length from 1 on
    delay : int, in samples; 64 or more, so that 64 samples can be computed side by side
    """

    direct: Array
    enter: Array
    loop: Array
    delay: int


@dataclass(frozen=True)
class Modulation:
    """Voices whose delay and gain move with the phase of a low-frequency oscillator: chorus, vibrato, octave.

    ``y = direct * x + wet * Σ_v gain(φ_v) · x(n - delay(φ_v))`` with
    ``φ_v = frac(phase + n · rate_hz / sample_rate + v / voices)``, ``*`` convolution (tap 0 meets the newest
    sample), and x between samples on the straight line that joins them.

    Parameters
    ----------
    direct, wet : ndarray, shape (taps,) each
    delay : ndarray, shape (points + 1,), in samples, 0 or more
        At the phases 0, 1/points, …, 1, and on straight lines between; need not end where it began.
    gain : ndarray, shape (points + 1,), likewise
    rate_hz : float, above 0
    phase : float, 0 to 1, before the first sample
    voices : int
    """

    direct: Array
    wet: Array
    delay: Array
    gain: Array
    rate_hz: float
    phase: float = 0.0
    voices: int = 1


@dataclass(frozen=True)
class Compression:
    """A gain that follows the level: compressor, limiter, expander.

    The level is an envelope of ``|x|``: ``e += (1 - a) (|x| - e)``, with ``a`` the ``attack`` where |x| > e
    and else the ``release``. The gain in dB is a curve of the level in dB, ``20 log10(e)``: the straight
    lines that join its points, level where it ends. ``y = response * (x · gain)``.

    Parameters
    ----------
    attack, release : float, 0 to below 1, for one sample
    levels_db : ndarray, shape (points,), ascending
    gains_db : ndarray, shape (points,)
    response : ndarray, shape (taps,)
    """

    attack: float
    release: float
    levels_db: Array
    gains_db: Array
    response: Array


Network: TypeAlias = Stack | WaveNet | Chain | Container | Gain | Response | Echo | Modulation | Compression


@dataclass(frozen=True)
class Knob:
    """A knob of a model: what `tonerig.realtime.parameters.Parameter` says of it, as its file states it."""

    name: str
    minimum: float
    maximum: float
    default: float
    unit: str = ""
    curve: Literal["linear", "logarithmic"] = "linear"
    description: str = ""

    def to_turn(self, value: float) -> float:
        """The knob's turn, 0 to 1, for a value in ``unit``."""
        if self.curve == "logarithmic":
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        return (value - self.minimum) / (self.maximum - self.minimum)

    def from_turn(self, turn: float) -> float:
        """The value in ``unit`` at a turn from 0 to 1."""
        if self.curve == "logarithmic":
            return self.minimum * (self.maximum / self.minimum) ** turn
        return self.minimum + turn * (self.maximum - self.minimum)


@dataclass(frozen=True)
class Knobs:
    """The knobs of a model, and what its network sees of them.

    ``features`` computes the features from the turns of the knobs, 0 to 1 each in the order of ``knobs``: a
    `Stack` of `Dense` layers and activations. They are constant signals, which a `WaveNet` or a recurrent
    `Stack` gets as further channels after the sound: its first layer (and the mixins and FiLMs of a WaveNet)
    has 1 + features inputs. A `Gain` and a `Response` take them as said there. The other networks, and a
    network whose first layer has one input, do not hear them. In a `Chain` each model may.
    """

    knobs: tuple[Knob, ...]
    features: Stack

    @property
    def count(self) -> int:
        """The number of features."""
        last = next(layer for layer in reversed(self.features.layers) if isinstance(layer, Dense))
        return last.weight.shape[0]


@dataclass(frozen=True)
class Metadata:
    """What the maker of a model said about it. ``None`` is unknown; levels are for 0 dBFS peak.

    ``extra`` is plain JSON that a file said beyond this, kept so that it can be written again.
    """

    name: str | None = None
    author: str | None = None
    gear_type: str | None = None
    gear_make: str | None = None
    gear_model: str | None = None
    tone_type: str | None = None
    loudness_db: float | None = None
    gain: float | None = None
    input_level_dbu: float | None = None
    output_level_dbu: float | None = None
    validation_esr: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GoldenPair:
    """An input and the output that the file's writer got for it, from a zero state; shape (frames,)."""

    input: Array
    output: Array


@dataclass(frozen=True)
class NeuralModel:
    """A network with its sample rate, its metadata, and the silence it hears before it starts.

    ``prewarm`` is the number of zero samples run through the network before the first real one. ``knobs``
    belong to the whole model: those of the models in a chain have none of their own.
    """

    network: Network
    sample_rate: float = 48000.0
    metadata: Metadata = field(default_factory=Metadata)
    prewarm: int = 0
    golden: GoldenPair | None = None
    knobs: Knobs | None = None

    def playable(self) -> NeuralModel:
        """The model that sounds: a container's active submodel with its own metadata completed."""
        if isinstance(self.network, Container):
            active = self.network.active.playable()
            return replace(active, metadata=self.metadata, sample_rate=self.sample_rate, knobs=self.knobs)
        return self


def hears_knobs(network: Network, features: int, channels: int = 1) -> bool:
    """Whether a `WaveNet` or recurrent `Stack` has inputs for the features after those for its channels."""
    if isinstance(network, WaveNet):
        return features > 0 and network.arrays[0].rechannel.inputs == channels + features
    if not isinstance(network, Stack) or not isinstance(network.layers[0], Lstm | Gru):
        return False
    return features > 0 and network.layers[0].inputs == channels + features


def receptive_field(network: Network) -> int | None:
    """Samples that one output depends on, or None for a network with unlimited memory."""
    if isinstance(network, Container):
        return receptive_field(network.active.network)
    if isinstance(network, Chain):
        return _sum([receptive_field(model.network) for model in network.models])
    if isinstance(network, Echo | Compression):
        return None
    if isinstance(network, Gain):
        return 1
    if isinstance(network, Response):
        return network.taps.shape[1]
    if isinstance(network, Modulation):
        moved = math.floor(float(network.delay.max())) + 1 + len(network.wet)
        return max(moved, len(network.direct))
    if isinstance(network, Stack):
        if any(isinstance(layer, Lstm | Gru) for layer in network.layers):
            return None
        return 1 + sum(layer.memory for layer in network.layers if isinstance(layer, Convolution))
    total = 1
    for array in network.arrays:
        total += array.head.memory + sum(layer.convolution.memory for layer in array.layers)
    if network.head is not None:
        total += sum(convolution.memory for _, convolution in network.head.layers)
    if network.condition is not None:
        return _sum([total, receptive_field(network.condition.network)])
    return total


def _sum(fields: list[int | None]) -> int | None:
    known = [f for f in fields if f is not None]
    return None if len(known) < len(fields) else 1 + sum(f - 1 for f in known)
