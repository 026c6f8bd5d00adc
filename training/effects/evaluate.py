"""How close a model comes to its teacher on sound it never heard, as figures in a small JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...export.writing import write_bytes
from ...realtime.plucked import riff
from ..losses import error_to_signal, pre_emphasis, spectral_distance
from .data import Pair
from .networks import EffectNetwork

Array: TypeAlias = NDArray[np.float32]
Model: TypeAlias = Callable[[Array], Array]


@dataclass(frozen=True)
class Scores:
    """Distances of a model's output from the wet sound: 0 is equal, an ESR of 1 is silence.

    Attributes
    ----------
    esr : error-to-signal ratio
    emphasised_esr : the same after `losses.pre_emphasis`
    spectral_distance : multi-resolution STFT distance, or None where auraloss is not installed
    """

    esr: float
    emphasised_esr: float
    spectral_distance: float | None


@dataclass(frozen=True)
class Result:
    """Scores of all held-out sound together, and of each recording by name.

    The overall ratios are of the energies of all recordings; the overall spectral distance is the mean of
    theirs, weighted by length.
    """

    overall: Scores
    recordings: dict[str, Scores]

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        document = json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"
        write_bytes(path, document.encode("ascii"))


def evaluate(model: Model, pairs: list[Pair]) -> Result:
    """Run ``model`` over the dry sound of each pair, each from rest, and compare with the wet.

    Parameters
    ----------
    model : from a signal of shape (frames,) to the output of the same shape
    pairs : at least one
    """
    outputs = [model(pair.dry) for pair in pairs]
    wets = [pair.wet for pair in pairs]
    scores = [_scores(output, wet) for output, wet in zip(outputs, wets, strict=True)]
    distances = [(s.spectral_distance, len(wet)) for s, wet in zip(scores, wets, strict=True)]
    known = [(distance, frames) for distance, frames in distances if distance is not None]
    mean = sum(distance * frames for distance, frames in known) / sum(len(wet) for wet in wets)
    ratios = _ratios(_tensor(np.concatenate(outputs)), _tensor(np.concatenate(wets)))
    overall = Scores(*ratios, mean if known else None)
    return Result(overall, {pair.name: s for pair, s in zip(pairs, scores, strict=True)})


def _scores(output: Array, wet: Array) -> Scores:
    distance = None
    if find_spec("auraloss") is not None:
        distance = float(spectral_distance()(torch.from_numpy(output)[None], torch.from_numpy(wet)[None]))
    return Scores(*_ratios(_tensor(output), _tensor(wet)), distance)


def _ratios(output: Tensor, wet: Tensor) -> tuple[float, float]:
    emphasised = pre_emphasis(output), pre_emphasis(wet)
    return float(error_to_signal(output, wet)), float(error_to_signal(*emphasised))


def _tensor(signal: Array) -> Tensor:
    return torch.from_numpy(signal.astype(np.float64))


@torch.no_grad()
def run_network(network: EffectNetwork, dry: Array, turns: Sequence[float] = (), block: int = 48000) -> Array:
    """The output of a torch network for ``dry``, shape (frames,), computed in blocks to save memory.

    The knobs stand at ``turns``, 0 to 1 each, or else at their defaults.
    """
    device = next(network.parameters()).device
    stand = torch.tensor([list(turns)], device=device) if turns else None
    state, outputs = None, []
    for start in range(0, len(dry), block):
        part = torch.from_numpy(dry[start : start + block]).to(device)
        output, state = network(part[None], state, stand)
        outputs.append(output[0].cpu().numpy())
    return np.concatenate(outputs)


def loudness_db(model: Model, rate: float) -> float:
    """RMS level in dB of a model's output for the phrase `tonerig.realtime.plucked.riff`.

    What a preset's output normalisation starts from; NAM's files state the same of their own phrase.
    """
    output = model(riff(rate)).astype(np.float64)
    return 10 * math.log10(max(float(np.mean(output**2)), 1e-12))


def esr_of(network: EffectNetwork, pairs: Sequence[Pair]) -> float:
    """Error-to-signal ratio of a network over all pairs together; cheap enough to watch training by."""
    error = signal = 0.0
    for pair in pairs:
        wet = pair.wet.astype(np.float64)
        error += float(((run_network(network, pair.dry, pair.turns) - wet) ** 2).sum())
        signal += float((wet**2).sum())
    return error / max(signal, 1e-12)
