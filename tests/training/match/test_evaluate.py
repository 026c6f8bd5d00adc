"""What is measured of a model, where the right answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.match.estimator import EstimatorError
from tonerig.realtime.match.synths import FOUR, TWO, MatchedSynth
from tonerig.training.match import evaluate
from tonerig.training.match.results import Figures

from .estimators import constant_estimator

SOUNDS, SEED = 5, 2


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Levels of the first sounds of the test part."""
    return FOUR.drawn(SEED, "test", 0, SOUNDS)


def measured(scores: list[np.ndarray], truth: np.ndarray, synth: MatchedSynth = FOUR) -> Figures:
    """With some budget."""
    return evaluate.figures_of(
        scores,
        truth,
        synth,
        model="conv1",
        seed=SEED,
        weights=1_200_000,
        sounds_seen=10,
        epochs=2.5,
        seconds=3.0,
        hardware="one core",
        precision="float32",
        threads=1,
    )


def test_who_knows_everything(truth: np.ndarray) -> None:
    """Ranks of 100, every first level right, sounds that are the same."""
    found = measured([np.eye(16)[column] for column in truth.T], truth)
    assert set(found.ranks) == {p.name for p in FOUR.parameters} and set(found.ranks.values()) == {100.0}
    assert found.mpr == 100 and found.calibration == 0 and set(found.knobs.values()) == {0.0}
    assert all(set(shares) == {1.0} and len(shares) == 5 for shares in found.top.values())
    assert found.reconstruction.stft.mean == pytest.approx(100)
    assert found.reconstruction.time.median == pytest.approx(100)
    assert found.reconstruction.frobenius.mean == 0
    assert (found.test_sounds, found.seed, found.epochs, found.weights) == (SOUNDS, SEED, 2.5, 1_200_000)


def test_who_knows_all_but_the_gate(truth: np.ndarray) -> None:
    """The gate's rank alone falls, and the sounds differ as those with another gate do."""
    scores = [np.eye(16)[column] for column in truth.T]
    gate = [p.name for p in FOUR.parameters].index("gate_hz")
    wrong = truth.copy()
    wrong[:, gate] = (truth[:, gate] + 5) % 16
    scores[gate] = np.eye(16)[wrong[:, gate]]
    found = measured(scores, truth)
    assert [name for name, rank in found.ranks.items() if rank < 100] == ["gate_hz"]
    assert found.top["Filter"][0] == 1 and found.top["All"][0] == pytest.approx(22 / 23)
    assert found.calibration == pytest.approx(1 / 23)
    assert found.knobs["gate_hz"] == pytest.approx(10 * np.abs(wrong - truth)[:, gate].mean() / 15)
    sounds, made = (evaluate.reconstructed(FOUR, levels, threads=1) for levels in (truth, wrong))
    expected = [100 * np.corrcoef(*pair)[0, 1] for pair in zip(sounds, made, strict=True)]
    assert found.reconstruction.time.mean == pytest.approx(np.mean(expected), abs=1e-3)
    assert found.reconstruction.time.median == pytest.approx(np.median(expected), abs=1e-3)


def test_a_synth_with_switches() -> None:
    """Of two oscillators: one group, switches beside knobs, each wave wrong in two of five sounds."""
    levels = TWO.drawn(SEED, "test", 0, SOUNDS)
    answered = levels.copy()
    answered[:2, 0] = (levels[:2, 0] + 1) % 3
    scores = [np.eye(count)[column] for count, column in zip(TWO.levels, answered.T, strict=True)]
    found = measured(scores, levels, TWO)
    assert set(found.switches) == {"osc_1_wave", "osc_2_wave", "lfo_destination"}
    assert found.switches["osc_1_wave"] == pytest.approx(0.6) and found.switches["lfo_destination"] == 1
    assert set(found.knobs) == {p.name for p in TWO.parameters} - set(found.switches)
    assert list(found.top) == ["All"] and found.synth == "two"
    assert found.top["All"][0] == pytest.approx(1 - 0.4 / len(TWO.parameters))


def test_scores_that_are_no_probabilities(truth: np.ndarray) -> None:
    """Have ranks, but no calibration."""
    found = measured([4 * np.eye(16)[column] - 2 for column in truth.T], truth)
    assert found.calibration is None and found.mpr == 100


def test_the_sounds_of_levels() -> None:
    """They are the data set's."""
    levels = FOUR.drawn(SEED, "train", 7, 2)
    np.testing.assert_array_equal(
        evaluate.reconstructed(FOUR, levels, threads=1), FOUR.render(FOUR.values(levels), threads=1)
    )


def test_an_estimator_that_is_right(tmp_path: Path) -> None:
    """One that is sure of the only sound there is: the look finds no other sound, and progress ends at 1."""
    seed = 4
    right = FOUR.drawn(seed, "test", 0, 1)[0]
    logits = 30 * np.concatenate([np.eye(16, dtype=np.float32)[level] for level in right])
    path = constant_estimator(tmp_path / "sure.onnx", FOUR, logits)
    shares: list[float] = []
    found = evaluate.evaluate_shipped("four", 1, seed, progress=shares.append, estimator=path)
    assert shares[-1] == 1 and found.training == {"sounds": 0}
    for name in ("network", "look"):
        stage = found.stages[name]
        assert stage.mpr == 100
        assert stage.stft_pcc_mean == pytest.approx(100) and stage.multi_resolution_mean == pytest.approx(0)
        assert stage.switches_right is None and stage.seconds > 0
        assert stage.parameters["sustain"]["top_1"] == 1
    assert found.stages["network"].knob_error == pytest.approx(0, abs=1e-9)
    assert found.stages["look"].seconds > found.stages["network"].seconds
    assert found.as_json()["mpr"] == 100 and "refined" not in found.as_json()


def test_an_estimator_of_another_synth(tmp_path: Path) -> None:
    """Is refused by name."""
    path = constant_estimator(tmp_path / "four.onnx", FOUR, np.zeros(368, np.float32))
    content = path.read_bytes().replace(b'"synth": "four"', b'"synth": "drum"')
    path.write_bytes(content)
    with pytest.raises(EstimatorError, match=r"parameters of the synth 'drum', not of 'four'"):
        evaluate.evaluate_shipped("four", 1, 0, estimator=path)
