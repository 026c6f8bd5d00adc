"""Figures of a model against values known beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tonerig.realtime.plucked import riff
from tonerig.training.effects.config import make_network
from tonerig.training.effects.data import Pair
from tonerig.training.effects.evaluate import esr_of, evaluate, loudness_db, run_network


def _pairs() -> list[Pair]:
    rng = np.random.default_rng(0)
    signals = [rng.standard_normal(frames).astype(np.float32) for frames in (5000, 9000)]
    return [Pair(f"take {i}", x, 2 * x, 48000.0) for i, x in enumerate(signals)]


def test_a_model_at_half_the_level_has_an_esr_of_a_quarter() -> None:
    """Half the amplitude everywhere is an ESR of 1/4, emphasised or not, for each recording and in all."""
    result = evaluate(lambda dry: dry, _pairs())
    assert list(result.recordings) == ["take 0", "take 1"]
    for scores in (result.overall, *result.recordings.values()):
        assert scores.esr == pytest.approx(0.25)
        assert scores.emphasised_esr == pytest.approx(0.25)
        assert scores.spectral_distance == pytest.approx(0.5 + np.log(2), rel=1e-3)


def test_a_perfect_model_scores_zero() -> None:
    """Equal sound has no distance."""
    scores = evaluate(lambda dry: 2 * dry, _pairs()).overall
    assert (scores.esr, scores.emphasised_esr, scores.spectral_distance) == (0.0, 0.0, 0.0)


def test_the_result_is_json(tmp_path: Path) -> None:
    """The file holds the same numbers, and nothing else is left in the folder."""
    result = evaluate(lambda dry: 1.5 * dry, _pairs())
    result.write(tmp_path / "result.json")
    read = json.loads((tmp_path / "result.json").read_text())
    assert read["overall"]["esr"] == result.overall.esr
    assert read["recordings"]["take 1"]["esr"] == pytest.approx(1 / 16)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_network_runs_in_blocks() -> None:
    """Blocks of any length give the output of one call, and the ESR agrees with the full figures."""
    torch.manual_seed(0)
    network = make_network("lstm-4")
    dry = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    with torch.no_grad():
        whole = network(torch.from_numpy(dry)[None])[0][0].numpy()
    np.testing.assert_allclose(run_network(network, dry, block=77), whole, atol=1e-6)
    pairs = _pairs()
    full = evaluate(lambda x: run_network(network, x), pairs).overall.esr
    assert esr_of(network, pairs) == pytest.approx(full, rel=1e-6)


def test_loudness_is_the_level_of_the_standard_phrase() -> None:
    """A model at half the level is 6.02 dB quieter, and the phrase itself has its RMS level."""
    phrase = riff(48000.0).astype(np.float64)
    level = loudness_db(lambda dry: dry, 48000.0)
    assert level == pytest.approx(20 * np.log10(np.sqrt(np.mean(phrase**2))))
    assert loudness_db(lambda dry: 0.5 * dry, 48000.0) == pytest.approx(level - 6.0206, abs=1e-3)
