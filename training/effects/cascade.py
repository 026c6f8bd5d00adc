"""Filters and curves in turn, as a torch module: what an amp is built of, every part of it learnt."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .filtering import filtered

UNITS = 16
"""Hidden units of a curve."""
CORNERS = (0.001, 0.3, 0.004, 0.04)
"""Where a filter's corners begin, in turns a sample; at 48 kHz 48 Hz, 14.4 kHz, 192 Hz and 1.9 kHz."""


class Sections(nn.Module):
    """A filter of few numbers, which learns fast: a high-pass and a low-pass of first order, and two bells.

    Its response is sampled at the frequencies of a transform, through which gradients flow: S. Nercessian,
    "Neural Parametric Equalizer Matching Using Differentiable Biquads", DAFx 2020.

    Attributes
    ----------
    corners : of high-pass, low-pass and bells, natural logarithms of turns a sample
    widths, gains : of the bells, natural logarithms of their Q and of their gain
    """

    def __init__(self, taps: int) -> None:
        super().__init__()
        self.count, self.size = taps, 4 << (taps - 1).bit_length()
        self.corners = nn.Parameter(torch.tensor(CORNERS).log())
        self.widths = nn.Parameter(torch.zeros(2))
        self.gains = nn.Parameter(torch.zeros(2))

    def forward(self) -> Tensor:
        """The impulse response, shape (taps,)."""
        angle = torch.linspace(0.0, math.pi, self.size // 2 + 1, device=self.corners.device)
        delay = torch.polar(torch.ones_like(angle), -angle)
        high, low, *bells = (2 * math.pi * self.corners.exp().clamp(max=0.49)).unbind()
        pole = torch.exp(-high)
        response = 0.5 * (1 + pole) * (1 - delay) / (1 - pole * delay)
        pole = torch.exp(-low)
        response = response * (1 - pole) / (1 - pole * delay)
        for corner, width, gain in zip(bells, self.widths.exp(), self.gains.exp(), strict=True):
            # R. Bristow-Johnson's peaking equaliser, Audio EQ Cookbook
            slope, centre = torch.sin(corner) / (2 * width), -2 * torch.cos(corner) * delay
            above = 1 + slope * gain + centre + (1 - slope * gain) * delay**2
            response = response * above / (1 + slope / gain + centre + (1 - slope / gain) * delay**2)
        return torch.fft.irfft(response, self.size)[: self.count]


class Stage(nn.Module):
    """A filter, and after it a curve: a small network that sees one sample at a time.

    Attributes
    ----------
    filter : see `Sections`
    curve : nn.Sequential of Linear, Tanh and Linear, from one value to one; less what it makes of 0, so that
        silence stays silence
    """

    def __init__(self, taps: int) -> None:
        super().__init__()
        self.filter = Sections(taps)
        bent, straight = nn.Linear(1, UNITS), nn.Linear(UNITS, 1, bias=False)
        with torch.no_grad():  # bends sound of ordinary level: a stage that begins as a wire stays one
            bent.weight.copy_(torch.logspace(-0.3, 0.7, UNITS)[:, None])
            bent.bias.copy_(0.3 * torch.randn(UNITS))
            straight.weight.fill_(1.0 / UNITS)
        self.curve = nn.Sequential(bent, nn.Tanh(), straight)

    @property
    def memory(self) -> int:
        return self.filter.count - 1

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
        for stage, past in zip(self._stages(), pasts, strict=True):
            history = torch.cat((past, signal), dim=1)
            kept.append(history[:, history.shape[1] - stage.memory :])
            signal = stage.bend(filtered(history, stage.filter()[None]))
        return signal, tuple(kept)

    @torch.no_grad()
    def hear(self, past: Tensor, features: Tensor | None = None) -> tuple[Tensor, ...]:
        """The state after ``past``, shape (batch, frames)."""
        silence = tuple(past.new_zeros(past.shape[0], stage.memory) for stage in self._stages())
        return self(past, silence)[1] if past.shape[1] else silence

    @torch.no_grad()
    def amplify(self, gain: float) -> None:
        """Make the output louder by a gain."""
        last = self._stages()[-1].curve[2]
        if isinstance(last, nn.Linear):
            last.weight *= gain

    def _stages(self) -> list[Stage]:
        return [stage for stage in self.stages if isinstance(stage, Stage)]
