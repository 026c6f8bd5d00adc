"""NAM's feed-forward WaveNet as a torch module, and temporal convolutional networks of the same build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class ArrayConfig:
    """One array of a WaveNet: its width, the dilation of each layer in frames, and its head's width."""

    channels: int
    dilations: tuple[int, ...]
    head_channels: int
    head_bias: bool
    kernel: int = 3


@dataclass(frozen=True)
class WaveNetConfig:
    """A WaveNet of the shape that NAM calls A1; each array feeds the next one.

    The head of an array has as many channels as the next array is wide, the last one has 1.
    """

    arrays: tuple[ArrayConfig, ...]
    head_scale: float = 0.02
    activation: Literal["Tanh", "LeakyReLU"] = "Tanh"

    def __post_init__(self) -> None:
        widths = [array.channels for array in self.arrays[1:]] + [1]
        heads = [array.head_channels for array in self.arrays]
        if heads != widths:
            raise ValueError(
                f"the heads of the arrays have {heads} channels, but the arrays after them need {widths}"
            )


def _a1(channels: int, first: tuple[int, ...], second: tuple[int, ...]) -> WaveNetConfig:
    half = channels // 2
    return WaveNetConfig(
        (
            ArrayConfig(channels, first, head_channels=half, head_bias=False),
            ArrayConfig(half, second, head_channels=1, head_bias=True),
        )
    )


_DOUBLING = tuple(2**n for n in range(10))
_LITE = (_DOUBLING[:7], _DOUBLING[7:] + _DOUBLING)

A1_SHAPES: dict[str, WaveNetConfig] = {
    "standard": _a1(16, _DOUBLING, _DOUBLING),
    "lite": _a1(12, *_LITE),
    "feather": _a1(8, *_LITE),
    "nano": _a1(4, *_LITE),
}
"""The four shapes of NAM's first architecture, by NAM's own names."""


def plain_shape(channels: int, layers: int) -> WaveNetConfig:
    """One array whose dilations double from layer to layer: 1, 2, 4, …"""
    dilations = tuple(2**n for n in range(layers))
    return WaveNetConfig((ArrayConfig(channels, dilations, head_channels=1, head_bias=True),))


def tcn_shape(channels: int, layers: int) -> WaveNetConfig:
    """A temporal convolutional network with few layers, 13 taps each, that lie ten times further apart from
    layer to layer: C. Steinmetz and J. Reiss, "Efficient Neural Networks for Real-time Modeling of Analog
    Dynamic Range Compression", AES 2022.
    """
    dilations = tuple(10**n for n in range(layers))
    array = ArrayConfig(channels, dilations, head_channels=1, head_bias=True, kernel=13)
    return WaveNetConfig((array,), head_scale=0.2, activation="LeakyReLU")


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"Tanh": torch.tanh, "LeakyReLU": functional.leaky_relu}


class WaveNetLayer(nn.Module):
    """Dilated convolution plus a mix of the condition, an activation, then a 1x1 convolution and a residual.

    Features modulate what is activated: FiLM, after E. Perez et al., "FiLM: Visual Reasoning with a General
    Conditioning Layer", AAAI 2018. Since they stand still over a segment, they are multiplied into each
    item's weights, which costs nothing for a frame.

    Computed as matrix products: on a CPU PyTorch's own convolutions take nearly three times as long at
    these few channels.
    """

    def __init__(
        self, channels: int, kernel: int, dilation: int, activation: str = "Tanh", features: int = 0
    ) -> None:
        super().__init__()
        self.activation = activation
        self.convolution = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.mixin = nn.Conv1d(1 + features, channels, 1, bias=False)
        self.layer1x1 = nn.Conv1d(channels, channels, 1)
        self.film = nn.Linear(features, 2 * channels) if features else None
        if self.film is not None:
            with torch.no_grad():  # begins as if there were none
                self.film.weight.mul_(0.1)
                self.film.bias.copy_(torch.arange(2 * channels) < channels)

    def forward(self, input: Tensor, condition: Tensor, features: Tensor | None) -> tuple[Tensor, Tensor]:
        """From (batch, channels, frames) to the next layer's input and the head's, both shorter."""
        taps, dilation = self.convolution.kernel_size[0], self.convolution.dilation[0]
        frames = input.shape[2] - (taps - 1) * dilation
        past = [input[:, :, tap * dilation : tap * dilation + frames] for tap in range(taps)]
        stacked = torch.cat((*past, condition[:, :, -frames:]), dim=1)
        weight = torch.cat((*self.convolution.weight.unbind(2), self.mixin.weight[:, :1, 0]), dim=1)
        bias = self.convolution.bias
        if self.film is not None and features is not None and bias is not None:
            scale, shift = self.film(features).chunk(2, dim=1)
            bias = scale * (bias + features @ self.mixin.weight[:, 1:, 0].T) + shift
            weight = scale[:, :, None] * weight
        activated = ACTIVATIONS[self.activation](_product(weight, stacked, bias))
        residual = _product(self.layer1x1.weight[:, :, 0], activated, self.layer1x1.bias)
        return input[:, :, -frames:] + residual, activated


def _product(weight: Tensor, input: Tensor, bias: Tensor | None) -> Tensor:
    """``weight @ input + bias`` for each item of a batch, of shape (batch, channels, frames).

    The weight is of shape (outputs, channels) or (batch, outputs, channels), the bias likewise.
    """
    product = torch.bmm(weight.expand(input.shape[0], -1, -1), input)
    return product if bias is None else product + bias[..., None]


class WaveNetArray(nn.Module):
    """Residual layers of one width, with a 1x1 convolution into them and one out to the head."""

    def __init__(self, inputs: int, config: ArrayConfig, activation: str, features: int) -> None:
        super().__init__()
        self.rechannel = nn.Conv1d(inputs, config.channels, 1, bias=False)
        self.layers = nn.ModuleList(
            WaveNetLayer(config.channels, config.kernel, dilation, activation, features)
            for dilation in config.dilations
        )
        self.head = nn.Conv1d(config.channels, config.head_channels, 1, bias=config.head_bias)

    def forward(
        self, input: Tensor, condition: Tensor, head: Tensor, features: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The last layer's output, and the head's for the sum that goes on from ``head``."""
        hidden = self.rechannel(input)
        for layer in self.layers:
            hidden, activated = layer(hidden, condition, features)
            head = head + activated[:, :, -head.shape[2] :]
        return hidden, self.head(head)


class WaveNetNetwork(nn.Module):
    """NAM's feed-forward WaveNet (A1): two or more arrays whose activations add up to the output.

    The structure is that of S. Atkinson's neural-amp-modeler, after A. van den Oord et al., "WaveNet: A
    Generative Model for Raw Audio", 2016, and A. Wright et al. (as above).

    Attributes
    ----------
    config, features : what it was made with; ``features`` is the number of constant signals that the layers
        hear after the sound, see `EffectNetwork`
    arrays : each with ``rechannel``, ``layers`` (``convolution``, ``mixin``, ``layer1x1``) and ``head``
    head_scale : factor on the output
    receptive_field : frames of input that one frame of output depends on
    """

    def __init__(self, config: WaveNetConfig, features: int = 0) -> None:
        super().__init__()
        self.config = config
        inputs = [1] + [array.channels for array in config.arrays[:-1]]
        self.arrays = nn.ModuleList(
            WaveNetArray(width, array, config.activation, features)
            for width, array in zip(inputs, config.arrays, strict=True)
        )
        self.head_scale = config.head_scale
        self.receptive_field: int = 1 + sum(
            (array.kernel - 1) * sum(array.dilations) for array in config.arrays
        )

    def forward(
        self, input: Tensor, state: tuple[Tensor, ...] | None = None, features: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run over ``input``, shape (batch, frames); ``features``, shape (batch, count), stand still.

        Returns
        -------
        output : shape (batch, frames)
        state : the newest input, shape (batch, receptive_field - 1), alone in a tuple
        """
        memory = self.receptive_field - 1
        (past,) = state or self.hear(input[:, :0])
        history = torch.cat((past, input), dim=1)
        condition = history[:, None]
        hidden = condition
        head = input.new_zeros(input.shape[0], self.config.arrays[0].channels, input.shape[1])
        for array in self.arrays:
            hidden, head = array(hidden, condition, head, features)
        output: Tensor = self.head_scale * head[:, 0]
        return output, (history[:, history.shape[1] - memory :],)

    def hear(self, past: Tensor, features: Tensor | None = None) -> tuple[Tensor, ...]:
        """The state after ``past``, shape (batch, frames)."""
        memory = self.receptive_field - 1
        silence = past.new_zeros(past.shape[0], max(0, memory - past.shape[1]))
        return (torch.cat((silence, past[:, max(0, past.shape[1] - memory) :]), dim=1),)
