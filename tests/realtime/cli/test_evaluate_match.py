"""``tonerig evaluate match`` with estimators written here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.match.synths import FOUR, TWO

from tests.training.match.estimators import constant_estimator

from .command import tonerig
from .test_compare import without

SOUNDS, SEED = 3, 11


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    """Random ones, 16 for each of the 23 parameters."""
    return np.random.default_rng(3).normal(size=23 * 16).astype(np.float32)


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory, logits: np.ndarray) -> Path:
    """One that tells the same of every sound."""
    return constant_estimator(tmp_path_factory.mktemp("match") / "same.onnx", FOUR, logits)


def test_the_json(estimator: Path, logits: np.ndarray) -> None:
    """The issued keys; the network's ranks counted again with argsort, its sounds' correlation with NumPy."""
    found = tonerig(
        "evaluate", "match", "--sounds", SOUNDS, "--seed", SEED, "--estimator", estimator, "--json"
    )
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert (told["synth"], told["sounds"], told["seed"]) == ("four", SOUNDS, SEED)
    assert {"mpr", "stft_pcc_mean", "stft_pcc_median", "parameters", "network", "look"} <= set(told)
    assert "refined" not in told and set(told["parameters"]) == {p.name for p in FOUR.parameters}
    truth = FOUR.drawn(SEED, "test", 0, SOUNDS)
    order = np.argsort(np.argsort(-logits.reshape(23, 16), axis=1), axis=1)
    for k, parameter in enumerate(FOUR.parameters):
        rank = order[k, truth[:, k]].mean()
        assert told["network"]["parameters"][parameter.name]["rank"] == pytest.approx(100 * (1 - rank / 15))
    ranks = [figures["rank"] for figures in told["network"]["parameters"].values()]
    assert told["network"]["mpr"] == pytest.approx(np.mean(ranks))
    assert told["mpr"] == told["look"]["mpr"] and told["stft_pcc_mean"] == told["look"]["stft_pcc_mean"]
    assert told["network"]["multi_resolution_mean_share"] == 1
    ratio = told["look"]["multi_resolution_median"] / told["network"]["multi_resolution_median"]
    assert told["multi_resolution_median_share"] == pytest.approx(ratio) and ratio < 1
    assert told["look"]["stft_pcc_mean"] > told["network"]["stft_pcc_mean"]
    answer = np.repeat(logits.reshape(1, 23, 16).argmax(axis=2), SOUNDS, axis=0)
    errors = 10 * np.abs(answer - truth).mean() / 15
    assert told["network"]["knob_error"] == pytest.approx(errors)
    sounds, made = (FOUR.render(FOUR.values(levels)) for levels in (truth, answer))
    pairs = zip(sounds, made, strict=True)
    expected = np.mean([100 * np.corrcoef(*pair)[0, 1] for pair in pairs])
    assert told["network"]["time_pcc_mean"] == pytest.approx(expected, abs=1e-3)


def test_the_tables(estimator: Path) -> None:
    """As Markdown: a row for each measure and one for each parameter, and what it was measured on."""
    found = tonerig("evaluate", "match", "--sounds", 1, "--estimator", estimator)
    assert found.code == 0, found.err
    rows = [[cell.strip() for cell in line.split("|")] for line in found.out.splitlines() if "|" in line]
    names = [row[1] for row in rows]
    assert "STFT correlation, mean" in names and {p.name for p in FOUR.parameters} <= set(names)
    assert "switches right" not in names
    assert rows[0][2:4] == ["network alone", "with the look"]
    assert found.out.splitlines()[-1] == "1 sounds of the synth 'four', seed 0"


def test_switches(tmp_path: Path) -> None:
    """Of the synth with two oscillators: how often each is right, and in the table how often all are."""
    levels = TWO.drawn(0, "test", 0, 2)
    logits = np.concatenate([np.eye(n)[level] for n, level in zip(TWO.levels, levels[0], strict=True)])
    path = constant_estimator(tmp_path / "two.onnx", TWO, logits.astype(np.float32))
    words = ("evaluate", "match", "--synth", "two", "--sounds", 2, "--estimator", path)
    found = tonerig(*words, "--json")
    assert found.code == 0, found.err
    told = json.loads(found.out)["network"]
    expected = {p.name: (1 + (a == b)) / 2 for p, a, b in zip(TWO.parameters, *levels, strict=True)}
    for parameter in TWO.parameters:
        figures = told["parameters"][parameter.name]
        assert figures["top_1"] == pytest.approx(expected[parameter.name])
        assert ("right" in figures) == bool(parameter.choices) != ("error" in figures)
    rights = [expected[p.name] for p in TWO.parameters if p.choices]
    assert told["switches_right"] == pytest.approx(np.mean(rights))
    shown = tonerig(*words)
    assert f"| {np.mean(rights):.3f} |" in " ".join(shown.out.split())


def test_refined(estimator: Path) -> None:
    """Refined sounds are no farther than the look's; what a refinement does not rank stays the look's."""
    words = ("--sounds", 1, "--refine", "0.3", "--estimator", estimator, "--json")
    found = tonerig("evaluate", "match", *words)
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["refine_s"] == 0.3 and told["refined"]["mpr"] is None
    assert told["mpr"] == told["look"]["mpr"] and told["seconds"] == told["refined"]["seconds"] > 0.3
    assert told["stft_pcc_mean"] == told["refined"]["stft_pcc_mean"]
    assert told["parameters"]["cutoff_hz"]["error"] == told["refined"]["parameters"]["cutoff_hz"]["error"]


def test_without_torch(estimator: Path) -> None:
    """Nothing of it imports torch, librosa or scikit-learn."""
    words = ("evaluate", "match", "--sounds", 1, "--json", "--estimator", estimator)
    found = without(("torch", "librosa", "sklearn", "lightning"), *words)
    assert found.code == 0, found.err
    assert json.loads(found.out)["sounds"] == 1


def test_bad_input(estimator: Path, tmp_path: Path) -> None:
    """A sentence for a synth that cannot be matched, for no time, no file and a file of no kind."""
    found = tonerig("evaluate", "match", "--synth", "drums")
    assert found.code == 1 and "no estimator for a synth 'drums'" in found.err
    found = tonerig("evaluate", "match", "--refine", "inf")
    assert found.code == 2 and "inf is no number of seconds" in found.err
    found = tonerig("evaluate", "match", "--estimator", tmp_path / "none.onnx")
    assert found.code == 1 and "none.onnx: cannot be read" in found.err
    (tmp_path / "text.onnx").write_text("text")
    found = tonerig("evaluate", "match", "--estimator", tmp_path / "text.onnx")
    assert found.code == 1 and "text.onnx: is no" in found.err
