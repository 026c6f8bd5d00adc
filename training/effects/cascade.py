"""Filters and curves in turn, as a torch module: what an amp is built of, every part of it learnt."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .filtering import filtered

UNITS = 32
"""Hidden units of a curve."""


class Stage(nn.Module):
    """A FIR filter, and after it a curve: a small network that sees one sample at a time.

    Attributes
    ----------
    taps : shape (count,); tap 0 meets the newest sample
    curve : nn.Sequential of Linear, Tanh and Linear, from one value to one; less what it makes of 0, so that
        silence stays silence
    """

    def __init__(self, taps: int) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.zeros(taps))
        self.curve = nn.Sequential(nn.Linear(1, UNITS), nn.Tanh(), nn.Linear(UNITS, 1, bias=False))
        with torch.no_grad():  # a wire, and a soft curve with slopes of all sizes
            self.taps[0] = 1.0
            slopes = torch.logspace(-1.0, 1.0, UNITS)
            self.curve[0].weight.copy_(slopes[:, None])
            self.curve[0].bias.copy_(0.5 * torch.randn(UNITS))
            self.curve[2].weight.copy_((1.0 / (slopes * UNITS))[None])

    @property
    def memory(self) -> int:
        return len(self.taps) - 1

    def bend(self, signal: Tensor) -> Tensor:
        """The curve of every sample, any shape."""
        output: Tensor = self.curve(signal[..., None])[..., 0] - self.curve(signal.new_zeros(1))
        return output


class CascadeNetwork(nn.Module):
    """Stages one after another: a Wiener-Hammerstein cascade.

    An amp is a few tubes with filters between them. A network built like it has far less to find out than a
    WaveNet, and finds it in a fraction of the time. Block-oriented models of amps are as old as
    F. Eichas and U. Zölzer, "Gray-Box Modeling of Guitar Amplifiers", J. Audio Eng. Soc. 66(12), 2018;
    here filters are long, and curves are networks.

    Parameters
    ----------
    stages : number of filters with a curve
    taps : of each filter

    Attributes
    ----------
    stages : see `Stage`
    receptive_field : frames of input that one frame of output depends on
    """

    def __init__(self, stages: int, taps: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(Stage(taps) for _ in range(stages))
        self.receptive_field = 1 + stages * (taps - 1)

    def forward(
        self, input: Tensor, state: tuple[Tensor, ...] | None = None, features: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run over ``input``, shape (batch, frames); without a state, after endless silence.

        Returns
        -------
        output : shape (batch, frames)
        state : the newest input of each filter, shape (batch, taps - 1)
        """
        pasts = self.hear(input[:, :0]) if state is None else state
        signal, kept = input, []
        for stage, past in zip(self.stages, pasts, strict=True):
            history = torch.cat((past, signal), dim=1)
            kept.append(history[:, history.shape[1] - stage.memory :])
            signal = stage.bend(filtered(history, stage.taps[None]))
        return signal, tuple(kept)

    @torch.no_grad()
    def hear(self, past: Tensor, features: Tensor | None = None) -> tuple[Tensor, ...]:
        """The state after ``past``, shape (batch, frames)."""
        silence = tuple(past.new_zeros(past.shape[0], stage.memory) for stage in self.stages)
        return self(past, silence)[1] if past.shape[1] else silence
