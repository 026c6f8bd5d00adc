"""Figures of models made up for tests."""

from __future__ import annotations

from typing import Any

from tonerig.training.match import paper
from tonerig.training.match.results import Figures, Losses, Reconstructed, Spread


def figures(model: str, **others: Any) -> Figures:
    """As the paper has them where it has them, 60 and 0.5 elsewhere; ``others`` replace them."""
    known = paper.RECONSTRUCTION.get(model, {})
    spreads = {
        measure: Spread(mean=known.get((measure, "mean"), 60.0), median=known.get((measure, "median"), 60.0))
        for measure in ("stft", "fourier", "time", "frobenius")
    }
    ranks = paper.MEAN_PERCENTILE_RANKS.get(model, dict.fromkeys(paper.SYMBOLS, 60.0))
    groups = (
        "Filter",
        "Notes",
        "Amplitude LFO",
        "Frequency LFO",
        "Oscillators Amplitude",
        "Amplitude ADSR",
        "All",
    )
    first = (sum(ranks.values()) / len(ranks) - 50) / 50
    made = {
        "model": model,
        "synth": "four",
        "weights": 1_155_287,
        "sounds_seen": 100_000,
        "epochs": 1.0,
        "seconds": 1234.5,
        "hardware": "two CPU cores",
        "precision": "float32",
        "test_sounds": 2000,
        "seed": 0,
        "ranks": dict(ranks),
        "top": {group: tuple(first + (1 - first) * k / 16 for k in range(5)) for group in groups},
        "calibration": 0.125,
        "reconstruction": Reconstructed(**spreads),
        "losses": Losses(train=(0.3, 0.25, 0.2), validation=(0.31, 0.27, 0.24)),
    }
    return Figures(**(made | others))
