"""How close a model comes to its teacher on sound it never heard, as figures in a small JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from .data import Pair
from .losses import error_to_signal, pre_emphasis, spectral_distance
from .networks import LstmNetwork, WaveNetNetwork

Array: TypeAlias = NDArray[np.float32]
Model: TypeAlias = Callable[[Array], Array]


@dataclass(frozen=True)
class Scores:
    """Distances of a model's output from the wet sound: 0 is equal, an ESR of 1 is silence.

    Attributes
    ----------
    esr : error-to-signal ratio
    emphasised_esr : the same after `losses.pre_emphasis`
    spectral_distance : multi-resolution STFT distance
    """

    esr: float
    emphasised_esr: float
    spectral_distance: float


@dataclass(frozen=True)
class Result:
    """Scores of all held-out sound together, and of each recording by name."""

    overall: Scores
    recordings: dict[str, Scores]

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def evaluate(model: Model, pairs: list[Pair]) -> Result:
    """Run ``model`` over the dry sound of each pair, each from rest, and compare with the wet.

    Parameters
    ----------
    model : from a signal of shape (frames,) to the output of the same shape
    pairs : at least one
    """
    outputs = [model(pair.dry) for pair in pairs]
    recordings = {pair.name: _scores(output, pair.wet) for pair, output in zip(pairs, outputs, strict=True)}
    overall = _scores(np.concatenate(outputs), np.concatenate([pair.wet for pair in pairs]))
    return Result(overall, recordings)


def _scores(output: Array, wet: Array) -> Scores:
    pair = torch.from_numpy(output)[None].double(), torch.from_numpy(wet)[None].double()
    return Scores(
        esr=float(error_to_signal(*pair)),
        emphasised_esr=float(error_to_signal(pre_emphasis(pair[0]), pre_emphasis(pair[1]))),
        spectral_distance=float(spectral_distance()(pair[0].float(), pair[1].float())),
    )


@torch.no_grad()
def run_network(network: LstmNetwork | WaveNetNetwork, dry: Array, block: int = 48000) -> Array:
    """The output of a torch network for ``dry``, shape (frames,), computed in blocks to save memory."""
    device = next(network.parameters()).device
    state, outputs = None, []
    for start in range(0, len(dry), block):
        part = torch.from_numpy(dry[start : start + block]).to(device)
        output, state = network(part[None], state)
        outputs.append(output[0].cpu().numpy())
    return np.concatenate(outputs)


def esr_of(network: LstmNetwork | WaveNetNetwork, pairs: list[Pair]) -> float:
    """Error-to-signal ratio of a network over all pairs together; cheap enough to watch training by."""
    error = signal = 0.0
    for pair in pairs:
        wet = pair.wet.astype(np.float64)
        error += float(((run_network(network, pair.dry) - wet) ** 2).sum())
        signal += float((wet**2).sum())
    return error / max(signal, 1e-12)
