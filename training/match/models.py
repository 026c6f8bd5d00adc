"""The fourteen models of the paper, as Tables 1 and 2 of it list them.

O. Barkan and D. Tsiris, *Deep Synthesizer Parameter Estimation* (ICASSP 2019), section 5. Every model answers
with logits of each level of each parameter, side by side. The sigmoid of the paper's output layer belongs to
the loss (`losses.binary_loss`), where it can be computed without overflow; it does not change any order.

Where the paper is silent: convolutions are padded by half their kernel, which gives the 1.2 million weights
that it tells of; weights start as G. Glorot and Y. Bengio, *Understanding the difficulty of training deep
feedforward neural networks* (2010), draw them and biases at zero; magnitudes are heard as they are, without
a logarithm, and nothing is normalised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from torch import Tensor, nn

Kind: TypeAlias = Literal["spectrogram", "sound", "words", "handcrafted"]

WINDOWS, BINS, FRAMES = 64, 257, 16384
VECTOR = 1000
"""Length of the bag of words, and of the hand-crafted features after their PCA."""
HIDDEN = 512
OUTPUTS = 368
"""23 parameters with 16 levels each."""


class UnknownModelError(ValueError):
    """A name that none of the paper's models has."""


@dataclass(frozen=True)
class Dense:
    """A fully connected network, a column of Table 1.

    Attributes
    ----------
    hears : "words" or "handcrafted"
    layers : size of each hidden layer, and the dropout between it and the next one
    linear : whether hidden layers are without activation, else ReLU follows each
    """

    hears: Kind
    layers: tuple[tuple[int, float], ...]
    linear: bool = False


@dataclass(frozen=True)
class Layer:
    """``C(filters, k1, k2, s1, s2)`` of Table 2: kernel and stride over windows, then over bins."""

    filters: int
    k1: int
    k2: int
    s1: int
    s2: int


@dataclass(frozen=True)
class Strided:
    """A convolutional network, a column of Table 2.

    Attributes
    ----------
    layers : over windows and bins
    before : over time only, from the sound to what is there in place of a spectrogram
    """

    layers: tuple[Layer, ...]
    before: tuple[Layer, ...] = field(default=())

    @property
    def hears(self) -> Kind:
        """The sound itself, where there are layers for it."""
        return "sound" if self.before else "spectrogram"


_CONV6 = (
    Layer(32, 3, 3, 2, 2),
    Layer(71, 3, 3, 2, 2),
    Layer(128, 3, 4, 2, 3),
    Layer(128, 3, 3, 2, 2),
    Layer(128, 3, 3, 2, 2),
    Layer(128, 3, 3, 1, 2),
)
_THREE = ((560, 0.0), (500, 0.2), (400, 0.4))

CONFIGURATIONS: Mapping[str, Dense | Strided] = {
    "fc-linear": Dense("words", ((869, 0.2),), linear=True),
    "fc1": Dense("words", ((868, 0.3),)),
    "fc2": Dense("words", ((603, 0.1), (602, 0.3))),
    "fc3": Dense("words", _THREE),
    "hc": Dense("handcrafted", ((869, 0.2),), linear=True),
    "hc3": Dense("handcrafted", _THREE),
    "conv1": Strided((Layer(38, 13, 26, 13, 26),)),
    "conv2": Strided((Layer(35, 6, 7, 5, 6), Layer(87, 6, 9, 5, 8))),
    "conv3": Strided((Layer(32, 4, 5, 3, 4), Layer(98, 4, 6, 3, 5), Layer(128, 4, 6, 3, 5))),
    "conv4": Strided(
        (Layer(32, 3, 4, 2, 3), Layer(65, 3, 4, 2, 3), Layer(105, 3, 4, 2, 3), Layer(128, 4, 5, 3, 4))
    ),
    "conv5": Strided(
        (
            Layer(32, 3, 3, 2, 2),
            Layer(98, 3, 3, 2, 2),
            Layer(128, 3, 4, 2, 3),
            Layer(128, 3, 5, 2, 4),
            Layer(128, 3, 3, 2, 2),
        )
    ),
    "conv6": Strided(_CONV6),
    "conv6xl": Strided(
        (
            Layer(64, 3, 3, 2, 2),
            Layer(128, 3, 3, 2, 2),
            Layer(128, 3, 4, 2, 3),
            Layer(128, 3, 3, 2, 2),
            Layer(256, 3, 3, 2, 2),
            Layer(256, 3, 3, 1, 2),
        )
    ),
    "conve2e": Strided(
        _CONV6,
        before=(
            Layer(96, 1, 64, 1, 4),
            Layer(96, 1, 32, 1, 4),
            Layer(128, 1, 16, 1, 4),
            Layer(257, 1, 8, 1, 4),
        ),
    ),
}
"""Tables 1 and 2."""

MODELS: tuple[str, ...] = tuple(CONFIGURATIONS)
"""Names of the fourteen."""
HEARS: Mapping[str, Kind] = {name: configuration.hears for name, configuration in CONFIGURATIONS.items()}
"""What each of them takes.

"spectrogram": (sounds, 64, 257), see `realtime.match.spectrogram`; "sound": (sounds, 16384); "words" and
"handcrafted": (sounds, 1000), see `representations`.
"""


class Across(nn.Module):
    """From filters over time, (sounds, bins, 1, windows), to a matrix (sounds, 1, windows, bins)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).contiguous()


def make_model(name: str) -> nn.Sequential:
    """A model with fresh weights, from what it hears (see `HEARS`) to logits (sounds, 368).

    Raises
    ------
    UnknownModelError
    """
    if name not in CONFIGURATIONS:
        raise UnknownModelError(f"there is no model {name!r} in the paper; it has {', '.join(MODELS)}")
    configuration = CONFIGURATIONS[name]
    model = _dense(configuration) if isinstance(configuration, Dense) else _strided(configuration)
    for module in model:
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return model


def _dense(configuration: Dense) -> nn.Sequential:
    layers: list[nn.Module] = []
    size = VECTOR
    for hidden, dropout in configuration.layers:
        layers.append(nn.Linear(size, hidden))
        if not configuration.linear:
            layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
        size = hidden
    return nn.Sequential(*layers, nn.Linear(size, OUTPUTS))


def _strided(configuration: Strided) -> nn.Sequential:
    layers: list[nn.Module] = []
    if configuration.before:
        # A quarter of the frames exactly from layer to layer: 64 windows; half a kernel would give 65.
        paddings = [(0, (layer.k2 - layer.s2) // 2) for layer in configuration.before]
        layers += [nn.Unflatten(1, (1, 1, FRAMES))]
        layers += _convolutions(configuration.before, paddings)
        layers += [Across()]
    else:
        layers += [nn.Unflatten(1, (1, WINDOWS))]
    paddings = [(layer.k1 // 2, layer.k2 // 2) for layer in configuration.layers]
    layers += _convolutions(configuration.layers, paddings)
    windows, bins = WINDOWS, BINS
    for layer, (p1, p2) in zip(configuration.layers, paddings, strict=True):
        windows = (windows + 2 * p1 - layer.k1) // layer.s1 + 1
        bins = (bins + 2 * p2 - layer.k2) // layer.s2 + 1
    size = configuration.layers[-1].filters * windows * bins
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(size, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, OUTPUTS)
    )


def _convolutions(layers: Sequence[Layer], paddings: Sequence[tuple[int, int]]) -> list[nn.Module]:
    found: list[nn.Module] = []
    channels = 1
    for layer, padding in zip(layers, paddings, strict=True):
        kernel, stride = (layer.k1, layer.k2), (layer.s1, layer.s2)
        found += [nn.Conv2d(channels, layer.filters, kernel, stride, padding), nn.ReLU()]
        channels = layer.filters
    return found
