"""The study's joint models: one network that answers for all parameters, with multiplicative gates.

Sizes are those of Appendices 2 and 3, column Noisemaker. What the text leaves open is as in the author's
notebook (github.com/tsellam/secret-sauce, models/predict_noisemaker.ipynb): inputs and knobs standardised by
the training sounds, batches of 32, the last tenth of the training sounds to validate with, rectified dense
layers, and after convolutions (not rectified) the maximum over time and a dense layer of as many units as
filters.

A gate multiplies a standardised knob by the probability that it is heard: one that is surely not is at the
mean of the training sounds, the best guess for what leaves no trace, and is taught that mean, as in the
notebook. The weights of the best epoch are kept.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .features import Heard
from .targets import Targets

Kind: TypeAlias = Literal["MLP", "LSTM", "Conv"]
EPOCHS = 50
PATIENCE = 5
BATCH = 32
VALIDATION = 0.1
CONV_WINDOW, POOL_WINDOW, POOL_STRIDE = 4, 4, 2


@dataclass(frozen=True)
class Topology:
    """A row of Appendix 3.

    Attributes
    ----------
    kind : of its hidden layers
    units : hidden units; filters of a convolution's first layer, of which layer i has i times as many
    layers : hidden layers
    """

    kind: Kind
    units: int
    layers: int


_MEL: dict[str, Topology] = {
    "MLP": Topology("MLP", 64, 2),
    "LSTM": Topology("LSTM", 80, 2),
    "Conv": Topology("Conv", 16, 1),
}
_MFCC: dict[str, Topology] = {
    "MLP": Topology("MLP", 128, 2),
    "LSTM": Topology("LSTM", 128, 2),
    "Conv": Topology("Conv", 64, 2),
}
_ROWS: dict[Heard, dict[str, Topology]] = {"mel": _MEL, "mel_db": _MEL, "mfcc": _MFCC}
TOPOLOGIES = {(heard, kind): topology for heard, rows in _ROWS.items() for kind, topology in rows.items()}
"""What each network is like, by what it hears and its kind."""


@dataclass(frozen=True)
class Trained:
    """A network's answers and how it came to them.

    Attributes
    ----------
    answers : positions of switches and knobs from 0 to 10, shape (sounds, parameters)
    losses : of the validation sounds after each epoch
    """

    answers: NDArray[np.float64]
    losses: list[float]


class Joint(nn.Module):
    """A network from what is heard, shape (sounds, windows, bins), to all parameters.

    ``forward`` gives the logits of each switch and the standardised knobs, gates applied,
    shape (sounds, knobs).
    """

    def __init__(self, targets: Targets, topology: Topology, windows: int, bins: int) -> None:
        super().__init__()
        self.targets = targets
        body, width = _BODIES[topology.kind](topology, windows, bins)
        self.body = body
        self.switches = nn.ModuleList(
            nn.Linear(width, targets.parameters[k].levels) for k in targets.switches
        )
        self.knobs = nn.Linear(width, len(targets.knobs))

    def forward(self, heard: Tensor) -> tuple[list[Tensor], Tensor]:
        hidden = self.body(heard)
        logits = [switch(hidden) for switch in self.switches]
        probabilities = {
            k: torch.softmax(one, 1) for k, one in zip(self.targets.switches, logits, strict=True)
        }
        return logits, self.knobs(hidden) * gates(self.targets, probabilities)


def gates(targets: Targets, probabilities: dict[int, Tensor]) -> Tensor:
    """Probability that each knob is heard, from those of the switches' positions, shape (sounds, knobs).

    Where one of several switches is enough: 1 less the probability that none is in such a position.
    """
    some = next(iter(probabilities.values()))
    opened = targets.gates()
    columns = []
    for knob in targets.knobs:
        closed = torch.ones_like(some[:, 0])
        for switch, positions in opened.get(knob, ()):
            closed = closed * (1 - probabilities[switch][:, list(positions)].sum(1))
        columns.append(1 - closed if knob in opened else closed)
    return torch.stack(columns, 1)


def joint(
    targets: Targets,
    topology: Topology,
    heard: NDArray[np.float32],
    levels: NDArray[np.int64],
    asked: NDArray[np.float32],
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    progress: Callable[[float], None] = lambda _: None,
) -> Trained:
    """Train a network and let it answer.

    Parameters
    ----------
    heard, levels : to learn from, shape (sounds, windows, bins) and (sounds, parameters)
    asked : to answer for, shape (sounds, windows, bins)
    seed : of weights and of the order
    epochs : at most
    progress : hears the share that is done
    """
    torch.manual_seed(seed)
    mean, deviation = heard.mean(0), heard.std(0)
    deviation[deviation == 0] = 1
    network = Joint(targets, topology, *heard.shape[1:])
    answers = targets.answers(levels)
    knobs = answers[:, targets.knobs]
    middle, spread = knobs.mean(0), knobs.std(0)
    taught = np.where(targets.heard(levels)[:, targets.knobs], (knobs - middle) / spread, 0)
    inputs = torch.from_numpy((heard - mean) / deviation)
    positions = torch.from_numpy(levels[:, targets.switches])
    data = (inputs, positions, torch.from_numpy(taught).float())
    losses = _fit(network, data, epochs, progress)
    with torch.inference_mode():
        logits, turned = _batched(network, torch.from_numpy((asked - mean) / deviation))
    found = np.empty((len(asked), len(targets.parameters)))
    for k, one in zip(targets.switches, logits, strict=True):
        found[:, k] = one.argmax(1).numpy()
    found[:, targets.knobs] = turned.numpy() * spread + middle
    return Trained(found, losses)


def loss_of(logits: list[Tensor], knobs: Tensor, positions: Tensor, taught: Tensor) -> Tensor:
    """Cross entropy of every switch and squared error of every knob, added up.

    Parameters
    ----------
    logits : of each switch, shape (sounds, positions)
    knobs, taught : standardised, as answered and as taught, shape (sounds, knobs)
    positions : that are right, integers, shape (sounds, switches)
    """
    crossed = [nn.functional.cross_entropy(one, positions[:, k]) for k, one in enumerate(logits)]
    return torch.stack(crossed).sum() + (knobs - taught).square().mean(0).sum()


def _fit(
    network: Joint,
    data: tuple[Tensor, Tensor, Tensor],
    epochs: int,
    progress: Callable[[float], None],
) -> list[float]:
    learnt = len(data[0]) - max(1, round(VALIDATION * len(data[0])))
    held = [part[learnt:] for part in data]
    optimizer = torch.optim.Adam(network.parameters(), eps=1e-7)  # Keras's; the rest is torch's default too
    losses: list[float] = []
    best = copy.deepcopy(network.state_dict())
    while not stopped(losses, epochs):
        network.train()
        order = torch.randperm(learnt)
        for first in range(0, learnt, BATCH):
            heard, positions, taught = (part[order[first : first + BATCH]] for part in data)
            optimizer.zero_grad()
            logits, knobs = network(heard)
            torch.autograd.backward(loss_of(logits, knobs, positions, taught))
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            logits, knobs = _batched(network, held[0])
            losses.append(float(loss_of(logits, knobs, held[1], held[2])))
        if losses[-1] == min(losses):
            best = copy.deepcopy(network.state_dict())
        progress(len(losses) / epochs)
    network.load_state_dict(best)
    return losses


def stopped(losses: list[float], epochs: int) -> bool:
    """Whether enough epochs were seen, or the last five brought nothing better than one before."""
    since_best = len(losses) - 1 - int(np.argmin(losses)) if losses else 0
    return len(losses) >= epochs or since_best >= PATIENCE


def _batched(network: Joint, heard: Tensor) -> tuple[list[Tensor], Tensor]:
    parts = [network(heard[first : first + 256]) for first in range(0, len(heard), 256)]
    logits = [torch.cat(one) for one in zip(*(part[0] for part in parts), strict=True)]
    return logits, torch.cat([part[1] for part in parts])


def _mlp(topology: Topology, windows: int, bins: int) -> tuple[nn.Module, int]:
    layers: list[nn.Module] = [nn.Flatten()]
    width = windows * bins
    for _ in range(topology.layers):
        layers += [nn.Linear(width, topology.units), nn.ReLU()]
        width = topology.units
    return nn.Sequential(*layers), width


def _lstm(topology: Topology, windows: int, bins: int) -> tuple[nn.Module, int]:
    recurrent = nn.LSTM(bins, topology.units, topology.layers, batch_first=True)
    return nn.Sequential(recurrent, _Last()), topology.units


def _conv(topology: Topology, windows: int, bins: int) -> tuple[nn.Module, int]:
    layers: list[nn.Module] = [_TimeLast()]
    width = bins
    for k in range(topology.layers):
        layers += [
            nn.Conv1d(width, topology.units * (k + 1), CONV_WINDOW),
            nn.MaxPool1d(POOL_WINDOW, POOL_STRIDE),
        ]
        width = topology.units * (k + 1)
    layers += [nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(width, topology.units)]
    return nn.Sequential(*layers), topology.units


class _Last(nn.Module):
    """The last window's output of a recurrent layer."""

    def forward(self, output: tuple[Tensor, tuple[Tensor, Tensor]]) -> Tensor:
        return output[0][:, -1]


class _TimeLast(nn.Module):
    """(sounds, windows, bins) as (sounds, bins, windows)."""

    def forward(self, heard: Tensor) -> Tensor:
        return heard.transpose(1, 2)


_BODIES: dict[Kind, Callable[[Topology, int, int], tuple[nn.Module, int]]] = {
    "MLP": _mlp,
    "LSTM": _lstm,
    "Conv": _conv,
}
