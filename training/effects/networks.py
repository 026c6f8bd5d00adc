"""The network that learns an effect: a core, and around it what lets its knobs be learnt too.

The attributes have the names that `tonerig.export.torch_module` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...export.model import Knob
from .cascade import CascadeNetwork
from .filtering import filtered
from .recurrent import GruNetwork, LstmNetwork, RecurrentNetwork
from .wavenet import WaveNetNetwork

Core: TypeAlias = LstmNetwork | GruNetwork | WaveNetNetwork | CascadeNetwork
State: TypeAlias = tuple[tuple[Tensor, ...], Tensor]
"""The core's state, and its newest output that the response still hears, shape (batch, taps - 1)."""
FEATURES, HIDDEN = 40, 64
"""Of the knobs' network: as many as a response of three tone controls takes, and a kernel folds."""


BENT = 2.5
"""Spread of the slopes of the knobs' hidden units, for a turn."""


class KnobbedGain(nn.Module):
    """The gain of `tonerig.export.model.Gain`: before the core, since most drive knobs are one."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.exponent = nn.Parameter(torch.zeros(1 + features))

    def forward(self, input: Tensor, features: Tensor) -> Tensor:
        exponent = self.exponent[0] + features @ self.exponent[1:]
        return input * torch.exp(exponent)[:, None]


class KnobbedResponse(nn.Module):
    """The FIR filter of `tonerig.export.model.Response`: after the core, for cabinets and tone controls."""

    def __init__(self, taps: int, features: int) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.zeros(1 + features, taps))
        with torch.no_grad():
            self.taps[0, 0] = 1.0

    @property
    def memory(self) -> int:
        return self.taps.shape[1] - 1

    def forward(self, history: Tensor, features: Tensor | None) -> Tensor:
        """From (batch, memory + frames) to (batch, frames), by FFT."""
        taps = self.taps[:1] if features is None else self.taps[:1] + features @ self.taps[1:]
        return filtered(history, taps)


def _features(knobs: int, count: int) -> nn.Sequential:
    """Two layers, of whose outputs the first ones begin as the turns of the knobs, from -0.5 to 0.5, and the
    others bend them in many ways: what the response makes of them is solved for.
    """
    first, last = nn.Linear(knobs, HIDDEN), nn.Linear(HIDDEN, count)
    slope = 0.5  # so flat that tanh is a straight line
    with torch.no_grad():
        first.weight.normal_(0.0, BENT)
        first.bias.copy_(torch.randn(HIDDEN) - 0.5 * first.weight.sum(1))
        first.weight[:knobs] = 0.0
        first.weight[:knobs] = slope * torch.eye(knobs)
        first.bias[:knobs] = -0.5 * slope
        last.weight[:knobs] = torch.eye(knobs, HIDDEN) / slope
        last.bias[:knobs] = 0.0
    return nn.Sequential(first, nn.Tanh(), last)


class EffectNetwork(nn.Module):
    """A core that makes one signal from another, with knobs, and with a long filter after it.

    A few features are computed from the knobs. They set a gain before the core, stand beside the sound as
    constant signals that the core hears, and shape the filter. ``network(input, state, turns)`` gives the
    output for every frame of the input and the state from which the next frames go on. Without a state it
    starts after endless silence.

    Parameters
    ----------
    core : made with `FEATURES` features if there are knobs
    knobs : what a person turns; empty for an effect as it stands
    taps : of the filter after the core; 0: none

    Attributes
    ----------
    features : nn.Sequential from turns (0 to 1), shape (batch, knobs), to features, or None without knobs
    gain, response : None where there is none
    receptive_field : frames of input that one frame of output depends on; None: without end
    """

    def __init__(self, core: Core, knobs: Sequence[Knob] = (), taps: int = 0) -> None:
        super().__init__()
        self.core, self.knobs = core, tuple(knobs)
        count = FEATURES if knobs else 0
        self.features = _features(len(knobs), count) if knobs else None
        self.gain = KnobbedGain(count) if knobs else None
        self.response = KnobbedResponse(taps, count) if taps else None
        memory = self.response.memory if self.response is not None else 0
        self.receptive_field = None if core.receptive_field is None else core.receptive_field + memory

    def forward(
        self, input: Tensor, state: State | None = None, turns: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Run over ``input``, shape (batch, frames), with the knobs at ``turns``, shape (batch, knobs)."""
        features = None if self.features is None else self.features(self._turns(turns, input))
        played = input if self.gain is None or features is None else self.gain(input, features)
        if state is None:
            memory = 0 if self.response is None else self.response.memory
            state = self.hear(torch.zeros_like(input[:, :1]).expand(-1, memory), turns)
        past, before = state
        output, last = self.core(played, past, features)
        if self.response is None:
            return output, (last, before)
        history = torch.cat((before, output), dim=1)
        end = history.shape[1] - self.response.memory
        return self.response(history, features), (last, history[:, end:])

    def _turns(self, turns: Tensor | None, input: Tensor) -> Tensor:
        if turns is None:
            turns = torch.tensor([[knob.to_turn(knob.default) for knob in self.knobs]], device=input.device)
        return turns.expand(input.shape[0], -1).to(input.dtype)

    @torch.no_grad()
    def hear(self, past: Tensor, turns: Tensor | None = None) -> State:
        """The state after ``past``, shape (batch, frames)."""
        features = None if self.features is None else self.features(self._turns(turns, past))
        played = past if self.gain is None or features is None else self.gain(past, features)
        if self.response is None:
            return self.core.hear(played, features), played[:, :0]
        memory = self.response.memory
        if isinstance(self.core, WaveNetNetwork):  # its state is the past itself
            early = max(0, played.shape[1] - memory)
            output, last = self.core(played[:, early:], self.core.hear(played[:, :early]), features)
        else:
            output, last = self.core(played, None, features)
        silence = output.new_zeros(output.shape[0], max(0, memory - output.shape[1]))
        return last, torch.cat((silence, output[:, max(0, output.shape[1] - memory) :]), dim=1)

    @torch.no_grad()
    def play_core(
        self, dry: NDArray[np.float32], turns: Sequence[float]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What goes into the response for ``dry``, shape (frames,), and the features of the knobs."""
        device = next(self.parameters()).device
        input = torch.from_numpy(dry).to(device)[None]
        stand = self._turns(torch.tensor([list(turns)], device=device) if turns else None, input)
        features = None if self.features is None else self.features(stand)
        played = input if self.gain is None or features is None else self.gain(input, features)
        outputs, state = [], None
        for part in played.split(48000, dim=1):
            output, state = self.core(part, state, features)
            outputs.append(output[0])
        heard = np.zeros(0, np.float32) if features is None else features[0].cpu().numpy()
        return torch.cat(outputs).cpu().numpy(), heard

    @torch.no_grad()
    def settle(self, frames: int = 48000) -> None:
        """Make a recurrent core's state after ``frames`` of silence its first; knobs at their defaults."""
        if isinstance(self.core, RecurrentNetwork):
            silence = torch.zeros(1, 1, device=self.core.h.device)
            features = None if self.features is None else self.features(self._turns(None, silence))
            self.core.settle(frames, features)


def detached(state: State) -> State:
    """The same state without the gradients that led to it."""
    past, before = state
    return tuple(part.detach() for part in past), before.detach()
