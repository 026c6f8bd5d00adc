"""Three plain networks to compare with: a convolutional one on a window, a stacked LSTM, a µ-law WaveNet.

They are what a first attempt at learning effects takes from image, text and speech recognition, and they
are trained as plainly: for a fixed budget, without checkpoints, and nothing is chosen on the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...export.model import Metadata, NeuralModel
from ...export.streaming import write_onnx
from ...export.torch_module import from_torch
from ..losses import error_to_signal
from .config import TrainingError
from .data import Pair, batches
from .mulaw import MuLawWaveNet
from .mulaw_onnx import write_mulaw
from .recurrent import LstmNetwork

Array: TypeAlias = NDArray[np.float32]
BASELINES = ("window-512", "lstm-2x32", "lstm-7x800", "mulaw-16x2")
CONVOLUTIONS, CHANNELS, KERNEL, POOL = 6, 16, 3, 2
LINEAR = (64, 32, 1)
SILENCE = 1e-6
"""Energy that is added to that of the wet sound, so that a rest in it does not count for more."""
PLAYED = 48000
"""Frames that are computed at once."""


class WindowNetwork(nn.Module):
    """Six convolutions with ReLU between them, a max-pooling layer, and three linear layers.

    What classifies images of digits, on a window of samples: the output is the wet sample at its end. The
    pooling takes pairs; between the linear layers, too, are ReLUs. Nothing is padded.

    Parameters
    ----------
    window : frames, 16 or more
    """

    def __init__(self, window: int = 512) -> None:
        super().__init__()
        if window < 16:
            raise TrainingError(f"the window is {window} frames, expected 16 or more")
        self.receptive_field = window
        convolutions: list[nn.Module] = []
        for n in range(CONVOLUTIONS):
            convolutions += [nn.ReLU()] if n else []
            convolutions.append(nn.Conv1d(CHANNELS if n else 1, CHANNELS, KERNEL))
        self.convolutions = nn.Sequential(*convolutions)
        self.pool = nn.MaxPool1d(POOL)
        self.pooled = (window - CONVOLUTIONS * (KERNEL - 1)) // POOL
        first, second, last = LINEAR
        self.linear = nn.Sequential(
            nn.Linear(CHANNELS * self.pooled, first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, last),
        )

    def forward(self, windows: Tensor) -> Tensor:
        """From windows, shape (batch, window), to one sample each, shape (batch,)."""
        pooled = self.pool(self.convolutions(windows[:, None]))
        output: Tensor = self.linear(pooled.flatten(1))[:, 0]
        return output

    def loss(self, dry: Tensor, wet: Tensor) -> Tensor:
        """Error-to-signal ratio of the windows' last samples."""
        return error_to_signal(self(dry), wet[:, -1], SILENCE)

    @torch.no_grad()
    def streaming(self) -> nn.Sequential:
        """The same for every sample of a sound, as causal convolutions: so it is played and exported.

        What windows share is computed once. The larger one of a pair is ``max(a, b) = relu(a - b) + relu(b)
        - relu(-b)``, a convolution and a ReLU; a linear layer over pairs is then one over frames two apart.
        """
        unit, linear = torch.eye(CHANNELS), [part for part in self.linear if isinstance(part, nn.Linear)]
        pairs = torch.zeros(3, CHANNELS, CHANNELS, POOL)
        pairs[0, ..., 0], pairs[0, ..., 1] = unit, -unit
        pairs[1, ..., 1], pairs[2, ..., 1] = unit, -unit
        weight = linear[0].weight.cpu().view(LINEAR[0], CHANNELS, self.pooled)
        parts: list[nn.Module] = [
            *self.convolutions,
            _convolution(pairs.flatten(0, 1), torch.zeros(3 * CHANNELS)),
            nn.ReLU(),
            _convolution(torch.cat((weight, weight, -weight), dim=1), linear[0].bias, POOL),
        ]
        for part in linear[1:]:
            parts += [nn.ReLU(), _convolution(part.weight[..., None], part.bias)]
        return nn.Sequential(*parts)


def _convolution(weight: Tensor, bias: Tensor, dilation: int = 1) -> nn.Conv1d:
    made = nn.Conv1d(weight.shape[1], weight.shape[0], weight.shape[2], dilation=dilation)
    made.get_parameter("weight").copy_(weight)
    made.get_parameter("bias").copy_(bias)
    return made


Network: TypeAlias = WindowNetwork | LstmNetwork | MuLawWaveNet


@dataclass(frozen=True)
class Schedule:
    """How a kind is trained, with Adam.

    Attributes
    ----------
    batch : segments at once, from random places
    segment : frames of output of each, which follow one another
    truncation : of them, frames between two steps of the optimiser
    learning_rate : constant
    """

    batch: int
    segment: int
    truncation: int
    learning_rate: float = 1e-3


SCHEDULES = {
    "window": Schedule(batch=128, segment=1, truncation=1),
    "lstm": Schedule(batch=8, segment=48 * 1024, truncation=1024),
    "mulaw": Schedule(batch=8, segment=4096, truncation=4096, learning_rate=3e-3),
}
"""A window is drawn for each sample; an LSTM hears about a second in order, then another section."""


def baseline_network(kind: str) -> Network:
    """A network by its kind.

    Parameters
    ----------
    kind : ``window-FRAMES``, ``lstm-LAYERSxHIDDEN``, or ``mulaw-CHANNELSxREPEATS``; `BASELINES` has some

    Raises
    ------
    TrainingError
        If there is none of that kind.
    """
    name, _, shape = kind.partition("-")
    sizes = [int(size) for size in shape.split("x") if size.isdecimal()]
    if name == "window" and len(sizes) == 1 and 16 <= sizes[0] <= 8192 and sizes[0] % POOL == 0:
        return WindowNetwork(sizes[0])
    if name in ("lstm", "mulaw") and len(sizes) == 2 and min(sizes) >= 1 and max(sizes) <= 1024:
        return LstmNetwork(sizes[1], sizes[0], skip=False) if name == "lstm" else MuLawWaveNet(*sizes)
    raise TrainingError(
        f"there is no baseline {kind!r}; use window-FRAMES (even, 16 to 8192), lstm-LAYERSxHIDDEN "
        f"or mulaw-CHANNELSxREPEATS, as in {', '.join(BASELINES)}"
    )


@dataclass(frozen=True)
class Baseline:
    """A trained network; called with a sound of shape (frames,), it gives the same shape.

    Attributes
    ----------
    rate : in Hz, of what it was trained on
    losses : of every step: an error-to-signal ratio, or cross entropy of classes in nats
    """

    kind: str
    network: Network
    rate: float
    losses: list[float] = field(default_factory=list)

    @torch.no_grad()
    def __call__(self, dry: Array) -> Array:
        """The output after silence, computed in blocks."""
        device = next(self.network.parameters()).device
        sound = torch.from_numpy(dry).to(device)[None]
        outputs: list[Tensor] = []
        if isinstance(self.network, LstmNetwork):
            state = None
            for part in torch.split(sound, PLAYED, dim=1):
                output, state = self.network(part, state)
                outputs.append(output)
        else:
            play = self.network.play if isinstance(self.network, MuLawWaveNet) else self._windows(device)
            memory = self.network.receptive_field - 1
            history = functional.pad(sound, (memory, 0))
            for start in range(0, len(dry), PLAYED):
                outputs.append(play(history[:, start : start + memory + PLAYED]))
        return np.asarray(torch.cat(outputs, dim=1)[0].cpu().numpy(), np.float32)

    def _windows(self, device: torch.device) -> Callable[[Tensor], Tensor]:
        assert isinstance(self.network, WindowNetwork)
        convolutions = self.network.cpu().streaming().to(device)
        self.network.to(device)
        return lambda history: convolutions(history[:, None])[:, 0]

    def write(self, path: Path) -> None:
        """Write as streaming ONNX; µ-law classes have no place in a `NeuralModel`, see `mulaw_onnx`.

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        if isinstance(self.network, MuLawWaveNet):
            write_mulaw(self.network.cpu(), path, self.rate, self.kind)
        else:
            write_onnx(self.model(), path)

    def model(self) -> NeuralModel:
        """A windowed network or an LSTM as what the engine's kernels play.

        Raises
        ------
        TrainingError
            For a µ-law WaveNet.
        """
        if isinstance(self.network, MuLawWaveNet):
            raise TrainingError(
                f"{self.kind} has classes for samples, which no kernel plays; write it as ONNX"
            )
        network = self.network.cpu()
        module = network.streaming() if isinstance(network, WindowNetwork) else network
        return from_torch(module, sample_rate=self.rate, metadata=Metadata(name=self.kind, gear_type="amp"))


def train_baseline(
    kind: str,
    pairs: Sequence[Pair],
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 1,
    device: str = "cpu",
    clock: Callable[[], float] = time.monotonic,
    progress: Callable[[float], None] = lambda _: None,
) -> Baseline:
    """Train a baseline for so many minutes, or so many steps.

    Parameters
    ----------
    kind : see `baseline_network`
    pairs : dry and wet sound
    minutes, steps : the budget, one of them; steps make a run repeatable
    seed : of weights and batches
    device : as torch knows it
    clock : gives the seconds by which minutes are counted; `time.process_time` for those of a processor,
        whatever else the machine does
    progress : called after every step with the part of the budget that is spent, 0 to 1

    Raises
    ------
    TrainingError
        If there is no such baseline, no budget, or the loss is no number any more.
    """
    if (minutes is None) == (steps is None):
        raise TrainingError("a baseline is trained for minutes or for steps; give one of them")
    torch.manual_seed(seed)
    network = baseline_network(kind).to(device)
    schedule = SCHEDULES[kind.partition("-")[0]]
    optimiser = torch.optim.Adam(network.parameters(), lr=schedule.learning_rate)
    losses: list[float] = []
    began = clock()
    for loss in _losses(network, schedule, pairs, seed, device):
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if not np.isfinite(losses[-1]):
            raise TrainingError(f"the loss of {kind} became {losses[-1]} at step {len(losses)}")
        spent = len(losses) / steps if steps else (clock() - began) / (60.0 * (minutes or 1.0))
        progress(min(1.0, spent))
        if spent >= 1.0:
            break
    return Baseline(kind, network.eval(), pairs[0].rate, losses)


def _losses(
    network: Network, schedule: Schedule, pairs: Sequence[Pair], seed: int, device: str
) -> Iterator[Tensor]:
    """The loss of each step, endlessly; the state of an LSTM goes on within a section."""
    memory = 0 if network.receptive_field is None else network.receptive_field - 1
    longest = min(len(pair.dry) for pair in pairs) // schedule.truncation * schedule.truncation
    frames = memory + max(schedule.truncation, min(schedule.segment, longest))
    for dry, wet, _, _ in batches(pairs, schedule.batch, frames, seed, 0):
        heard, wanted = dry.to(device), wet.to(device)
        if not isinstance(network, LstmNetwork):
            yield network.loss(heard, wanted[:, memory:])
            continue
        state: tuple[Tensor, ...] | None = None
        parts = (torch.split(x, schedule.truncation, dim=1) for x in (heard, wanted))
        for part, target in zip(*parts, strict=True):
            output, after = network(part, state)
            yield error_to_signal(output, target, SILENCE)
            state = tuple(x.detach() for x in after)
