"""The network of the shipped estimators: strided convolutions over a logarithmic spectrogram.

The paper's Conv6 with three changes: it hears the logarithm of the magnitudes, every layer is normalised over
the batch (S. Ioffe and C. Szegedy, *Batch normalization*, 2015), and it tells levels by a softmax for each
parameter, see `losses.levels_loss`. What each of them is worth is measured in docs/match.md.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from ...realtime.match.spectrogram import HOP
from ...realtime.match.synths import MatchedSynth

QUIETEST = {"four": 1e-3, "two": 1e-6}
"""Added to magnitudes before their logarithm: what two's low-pass of 24 dB to the octave leaves is faint."""
MIDDLE, WIDTH = -2.0, 2.5
"""Where most logarithms lie."""
LAYERS = (
    (32, (3, 3), (2, 2)),
    (71, (3, 3), (2, 2)),
    (128, (3, 4), (2, 3)),
    (128, (3, 3), (2, 2)),
    (128, (3, 3), (2, 2)),
    (128, (3, 3), (1, 2)),
)
"""Filters, kernel and stride of each layer: over windows, then over bins."""
HIDDEN = 512


class LogMagnitude(nn.Module):
    """Logarithms of magnitudes, most about -1 to 1: (sounds, windows, bins) to (sounds, 1, windows, bins)."""

    def __init__(self, quietest: float) -> None:
        super().__init__()
        self.quietest = quietest

    def forward(self, magnitudes: Tensor) -> Tensor:
        scaled = (torch.log(magnitudes + self.quietest) - MIDDLE) / WIDTH
        return scaled[:, None].contiguous(memory_format=torch.channels_last)


def make_estimator(synth: MatchedSynth) -> nn.Sequential:
    """A network from magnitudes, shape (sounds, windows, bins), to logits (sounds, sum of the levels)."""
    layers: list[nn.Module] = [LogMagnitude(QUIETEST[synth.name])]
    channels, windows, bins = 1, -(-synth.frames // HOP), synth.window // 2 + 1
    for filters, kernel, stride in LAYERS:
        padding = (kernel[0] // 2, kernel[1] // 2)
        convolution = nn.Conv2d(channels, filters, kernel, stride, padding, bias=False)
        layers += [convolution, nn.BatchNorm2d(filters), nn.ReLU()]
        channels = filters
        windows = (windows + 2 * padding[0] - kernel[0]) // stride[0] + 1
        bins = (bins + 2 * padding[1] - kernel[1]) // stride[1] + 1
    layers += [
        nn.Flatten(),
        nn.Linear(channels * windows * bins, HIDDEN, bias=False),
        nn.BatchNorm1d(HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, sum(synth.levels)),
    ]
    return convert_conv2d_weight_memory_format(nn.Sequential(*layers), torch.channels_last)
