"""The filter that is solved for, against the filter that made the sound."""

from __future__ import annotations

import numpy as np
import torch
from scipy.signal import lfilter
from tonerig.export.model import Knob
from tonerig.training.effects.config import make_network
from tonerig.training.effects.data import Pair
from tonerig.training.effects.evaluate import esr_of
from tonerig.training.effects.networks import FEATURES
from tonerig.training.effects.response import solve_response

RATE = 8000.0


def _played(network: torch.nn.Module, seed: int, turn: float) -> tuple[np.ndarray, np.ndarray]:
    dry = 0.3 * np.random.default_rng(seed).standard_normal(16000).astype(np.float32)
    return dry, network.play_core(dry, (turn,))[0]


def test_the_filter_that_made_the_sound_is_found() -> None:
    """A low-pass that a knob blends with a comb is found from four settings, for a fifth too."""
    torch.manual_seed(0)
    network = make_network("cascade-2x50", (Knob("blend", 0.0, 1.0, 0.5),), taps=300)
    network.features = torch.nn.Sequential(torch.nn.Linear(1, FEATURES))  # features in proportion to the knob

    def pair(seed: int, turn: float) -> Pair:
        dry, played = _played(network, seed, turn)
        low, comb = lfilter([0.1], [1, -0.9], played), 0.5 * played
        comb[40:] -= 0.5 * played[:-40]
        wet = (1 - turn) * low + turn * comb
        return Pair(f"{turn}", dry, wet.astype(np.float32), RATE, (turn,))

    pairs = [pair(n, turn) for n, turn in enumerate((0.0, 0.3, 0.6, 1.0))]
    unheard = [pair(9, 0.8)]
    assert esr_of(network, unheard) > 0.3
    solve_response(network, pairs)
    assert esr_of(network, unheard) < 1e-3
