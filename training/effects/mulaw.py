"""WaveNet with µ-law classes for samples, on both sides: a baseline for learning effects."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

MU = 255.0
CLASSES = 256
DILATIONS = tuple(2**n for n in range(10))
"""Doubling up to 512, from where a network starts again at 1."""
SKIP = 32


def encode(sound: Tensor) -> Tensor:
    """The class, 0 to 255, of each sample.

    ``F(x) = sgn(x) ln(1 + µ|x|) / ln(1 + µ)`` with µ = 255 (ITU-T G.711), in 256 equal steps from -1 to 1;
    samples over full scale count as full scale.
    """
    x = sound.clamp(-1.0, 1.0)
    curve = torch.sign(x) * torch.log1p(MU * x.abs()) / math.log1p(MU)
    return torch.floor((curve + 1.0) * (0.5 * (CLASSES - 1)) + 0.5).long()


def decode(classes: Tensor) -> Tensor:
    """The sample in the middle of each class; of class 128, where silence falls, 8.6e-5."""
    curve = classes * (2.0 / (CLASSES - 1)) - 1.0
    return torch.sign(curve) * torch.expm1(curve.abs() * math.log1p(MU)) / MU


class MuLawLayer(nn.Module):
    """A gated dilated convolution of two taps, with a 1x1 convolution back and one to the skip sum."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.convolution = nn.Conv1d(channels, 2 * channels, 2, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, SKIP, 1)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """From (batch, channels, frames) to the next layer's input and the skip sum's, both shorter."""
        tanh, gate = self.convolution(hidden).chunk(2, dim=1)
        gated = torch.tanh(tanh) * torch.sigmoid(gate)
        return hidden[:, :, self.dilation :] + self.residual(gated), self.skip(gated)


class MuLawWaveNet(nn.Module):
    """WaveNet, fed with the dry sound instead of its own output.

    The dry sample goes in one-hot, as one of 256 µ-law classes, and what comes out are the logits of the
    class of the wet sample: A. van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016.

    Parameters
    ----------
    channels : of the residual layers
    repeats : times that the dilations double from 1 to 512

    Attributes
    ----------
    receptive_field : frames of input that one frame of output depends on
    """

    def __init__(self, channels: int = 16, repeats: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(CLASSES, channels)  # a 1x1 convolution of one-hot vectors
        dilations = DILATIONS * repeats
        self.layers = nn.ModuleList(MuLawLayer(channels, dilation) for dilation in dilations)
        self.head = nn.Conv1d(SKIP, SKIP, 1)
        self.logits = nn.Conv1d(SKIP, CLASSES, 1)
        self.receptive_field = 1 + sum(dilations)

    def forward(self, history: Tensor) -> Tensor:
        """Logits, shape (batch, 256, frames), after ``receptive_field - 1`` frames of past.

        ``history`` is sound, shape (batch, receptive_field - 1 + frames).
        """
        hidden = self.embedding(encode(history)).transpose(1, 2)
        frames = history.shape[1] - self.receptive_field + 1
        total = history.new_zeros(1)
        for layer in self.layers:
            hidden, skip = layer(hidden)
            total = total + skip[:, :, skip.shape[2] - frames :]
        output: Tensor = self.logits(torch.relu(self.head(torch.relu(total))))
        return output

    def loss(self, history: Tensor, wet: Tensor) -> Tensor:
        """Cross entropy, in nats, of the classes of ``wet``, shape (batch, frames)."""
        return functional.cross_entropy(self(history), encode(wet))

    @torch.no_grad()
    def play(self, history: Tensor) -> Tensor:
        """The likeliest wet sound (argmax), shape (batch, frames), for a history as in `forward`."""
        return decode(self(history).argmax(dim=1)).float()
