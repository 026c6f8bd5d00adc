"""Recurrent networks as torch modules: stacked LSTM or GRU layers and one dense output."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RecurrentNetwork(nn.Module):
    """Stacked recurrent layers and one dense output, as in A. Wright et al., "Real-Time Guitar Amplifier
    Emulation with Deep Learning", Applied Sciences 10(3), 2020.

    Parameters
    ----------
    hidden : units of each layer
    layers : number of layers
    skip : add the input to the output, so that only the difference is learned
    features : constant signals that the first layer hears after the sound, see `EffectNetwork`

    Attributes
    ----------
    dense : torch.nn.Linear from ``hidden`` to one output
    h : the state before the first frame, shape (layers, hidden); see `settle`
    """

    h: Tensor
    receptive_field: None = None
    remembered: tuple[str, ...]
    """Names of the buffers that hold the state before the first frame."""

    def __init__(self, hidden: int, layers: int, skip: bool) -> None:
        super().__init__()
        self.hidden, self.layers, self.skip = hidden, layers, skip
        self.dense = nn.Linear(hidden, 1)
        for name in self.remembered:
            self.register_buffer(name, torch.zeros(layers, hidden))

    def forward(
        self, input: Tensor, state: tuple[Tensor, ...] | None = None, features: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run over ``input``, shape (batch, frames); ``features``, shape (batch, count), stand still.

        Returns
        -------
        output : shape (batch, frames)
        state : the layers' after the last frame, each of shape (layers, batch, hidden)
        """
        if state is None:
            state = self._first(input)
        heard = input[..., None]
        if features is not None:
            heard = torch.cat((heard, features[:, None].expand(-1, input.shape[1], -1)), dim=2)
        hidden, last = self._layers()(heard, state if len(state) > 1 else state[0])
        output = self.dense(hidden)[..., 0]
        return (output + input if self.skip else output), last if isinstance(last, tuple) else (last,)

    def _layers(self) -> nn.LSTM | nn.GRU:
        raise TypeError(f"{type(self).__name__} has no layers of its own; use LstmNetwork or GruNetwork")

    @torch.no_grad()
    def hear(self, past: Tensor, features: Tensor | None = None) -> tuple[Tensor, ...]:
        """The state after ``past``, shape (batch, frames)."""
        return self(past, None, features)[1] if past.shape[1] else self._first(past)

    def _first(self, input: Tensor) -> tuple[Tensor, ...]:
        starts = (getattr(self, name) for name in self.remembered)
        return tuple(start[:, None].repeat(1, input.shape[0], 1) for start in starts)

    @torch.no_grad()
    def settle(self, frames: int = 48000, features: Tensor | None = None) -> None:
        """Make the state after ``frames`` of silence the one to start from.

        A state of zeros is heard as a click while the layers find their rest.
        """
        state = self.hear(torch.zeros(1, frames, device=self.h.device), features)
        for name, settled in zip(self.remembered, state, strict=True):
            getattr(self, name).copy_(settled[:, 0])


class LstmNetwork(RecurrentNetwork):
    """Long short-term memory: ``lstm`` with gates in the order i, f, g, o, and the states h and c."""

    c: Tensor
    remembered = ("h", "c")

    def __init__(self, hidden: int = 16, layers: int = 1, skip: bool = True, features: int = 0) -> None:
        super().__init__(hidden, layers, skip)
        self.lstm = nn.LSTM(1 + features, hidden, layers, batch_first=True)

    def _layers(self) -> nn.LSTM:
        return self.lstm


class GruNetwork(RecurrentNetwork):
    """Gated recurrent units: ``gru`` with gates in the order r, z, n, and the state h."""

    remembered = ("h",)

    def __init__(self, hidden: int = 16, layers: int = 1, skip: bool = True, features: int = 0) -> None:
        super().__init__(hidden, layers, skip)
        self.gru = nn.GRU(1 + features, hidden, layers, batch_first=True)

    def _layers(self) -> nn.GRU:
        return self.gru
