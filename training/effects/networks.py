"""The networks that learn an effect: an LSTM and NAM's WaveNet, as torch modules.

Both are called the same way: ``network(input, state)`` gives the output for every frame of the
input, and the state from which the next frames go on. Without a state a network starts after
endless silence. The attributes have the names of `tonerig.export.model`, so that one maps to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

State: TypeAlias = Tensor | tuple[Tensor, Tensor]


class LstmNetwork(nn.Module):
    """Stacked LSTM layers and one dense output, as in A. Wright et al., "Real-Time Guitar Amplifier
    Emulation with Deep Learning", Applied Sciences 10(3), 2020.

    Parameters
    ----------
    hidden : units of each layer
    layers : number of layers
    skip : add the input to the output, so that only the difference is learned

    Attributes
    ----------
    lstm : torch.nn.LSTM with one input, gates in the order i, f, g, o
    dense : torch.nn.Linear from ``hidden`` to one output
    h, c : the state before the first frame, shape (layers, hidden); see `settle`
    """

    h: Tensor
    c: Tensor
    receptive_field: None = None

    def __init__(self, hidden: int = 16, layers: int = 1, skip: bool = True) -> None:
        super().__init__()
        self.hidden, self.layers, self.skip = hidden, layers, skip
        self.lstm = nn.LSTM(1, hidden, layers, batch_first=True)
        self.dense = nn.Linear(hidden, 1)
        self.register_buffer("h", torch.zeros(layers, hidden))
        self.register_buffer("c", torch.zeros(layers, hidden))

    def forward(self, input: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over ``input``, shape (batch, frames).

        Returns
        -------
        output : shape (batch, frames)
        state : h and c after the last frame, each of shape (layers, batch, hidden)
        """
        if state is None:
            h, c = (start[:, None].repeat(1, input.shape[0], 1) for start in (self.h, self.c))
            state = (h, c)
        hidden, state = self.lstm(input[..., None], state)
        output = self.dense(hidden)[..., 0]
        return (output + input if self.skip else output), state

    @torch.no_grad()
    def hear(self, past: Tensor) -> State:
        """The state after ``past``, shape (batch, frames)."""
        _, state = self(past)
        return state

    @torch.no_grad()
    def settle(self, frames: int = 48000) -> None:
        """Make the state after ``frames`` of silence the one to start from.

        A state of zeros is heard as a click while the layers find their rest.
        """
        device = self.h.device
        _, (h, c) = self(torch.zeros(1, frames, device=device))
        self.h.copy_(h[:, 0])
        self.c.copy_(c[:, 0])


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


class WaveNetLayer(nn.Module):
    """Dilated convolution plus a mix of the condition, tanh, then a 1x1 convolution and a residual.

    Computed as matrix products: on a CPU PyTorch's own convolutions take nearly three times as long at
    these few channels.
    """

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.mixin = nn.Conv1d(1, channels, 1, bias=False)
        self.layer1x1 = nn.Conv1d(channels, channels, 1)

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """From (batch, channels, frames) to the next layer's input and the head's, both shorter."""
        taps, dilation = self.convolution.kernel_size[0], self.convolution.dilation[0]
        frames = input.shape[2] - (taps - 1) * dilation
        past = [input[:, :, tap * dilation : tap * dilation + frames] for tap in range(taps)]
        stacked = torch.cat((*past, condition[:, :, -frames:]), dim=1)
        weight = torch.cat((*self.convolution.weight.unbind(2), self.mixin.weight[:, :, 0]), dim=1)
        activated = torch.tanh(_product(weight, stacked, self.convolution.bias))
        residual = _product(self.layer1x1.weight[:, :, 0], activated, self.layer1x1.bias)
        return input[:, :, -frames:] + residual, activated


def _product(weight: Tensor, input: Tensor, bias: Tensor | None) -> Tensor:
    """``weight @ input + bias`` for each item of a batch, of shape (batch, channels, frames)."""
    product = torch.bmm(weight.expand(input.shape[0], -1, -1), input)
    return product if bias is None else product + bias[:, None]


class WaveNetArray(nn.Module):
    """Residual layers of one width, with a 1x1 convolution into them and one out to the head."""

    def __init__(self, inputs: int, config: ArrayConfig) -> None:
        super().__init__()
        self.rechannel = nn.Conv1d(inputs, config.channels, 1, bias=False)
        self.layers = nn.ModuleList(
            WaveNetLayer(config.channels, config.kernel, dilation) for dilation in config.dilations
        )
        self.head = nn.Conv1d(config.channels, config.head_channels, 1, bias=config.head_bias)

    def forward(self, input: Tensor, condition: Tensor, head: Tensor) -> tuple[Tensor, Tensor]:
        """The last layer's output, and the head's for the sum that goes on from ``head``."""
        hidden = self.rechannel(input)
        for layer in self.layers:
            hidden, activated = layer(hidden, condition)
            head = head + activated[:, :, -head.shape[2] :]
        return hidden, self.head(head)


class WaveNetNetwork(nn.Module):
    """NAM's feed-forward WaveNet (A1): two or more arrays whose activations add up to the output.

    The structure is that of S. Atkinson's neural-amp-modeler, after A. van den Oord et al., "WaveNet: A
    Generative Model for Raw Audio", 2016, and A. Wright et al. (as above).

    Attributes
    ----------
    arrays : each with ``rechannel``, ``layers`` (``convolution``, ``mixin``, ``layer1x1``) and ``head``
    head_scale : factor on the output
    receptive_field : frames of input that one frame of output depends on
    """

    def __init__(self, config: WaveNetConfig) -> None:
        super().__init__()
        self.config = config
        inputs = [1] + [array.channels for array in config.arrays[:-1]]
        self.arrays = nn.ModuleList(
            WaveNetArray(width, array) for width, array in zip(inputs, config.arrays, strict=True)
        )
        self.head_scale = config.head_scale
        self.receptive_field: int = 1 + sum(
            (array.kernel - 1) * sum(array.dilations) for array in config.arrays
        )

    def forward(self, input: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over ``input``, shape (batch, frames).

        Returns
        -------
        output : shape (batch, frames)
        state : the newest input, shape (batch, receptive_field - 1)
        """
        memory = self.receptive_field - 1
        if state is None:
            state = self.hear(input[:, :0])
        if not isinstance(state, Tensor):
            raise TypeError("the state of a WaveNet is one tensor of past input, but a tuple was given")
        history = torch.cat((state, input), dim=1)
        condition = history[:, None]
        hidden = condition
        head = input.new_zeros(input.shape[0], self.config.arrays[0].channels, input.shape[1])
        for array in self.arrays:
            hidden, head = array(hidden, condition, head)
        output: Tensor = self.head_scale * head[:, 0]
        return output, history[:, history.shape[1] - memory :]

    def hear(self, past: Tensor) -> State:
        """The state after ``past``, shape (batch, frames)."""
        memory = self.receptive_field - 1
        silence = past.new_zeros(past.shape[0], max(0, memory - past.shape[1]))
        return torch.cat((silence, past[:, max(0, past.shape[1] - memory) :]), dim=1)
