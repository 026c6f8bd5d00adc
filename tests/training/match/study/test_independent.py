"""The study's independent models, beside formulas and scikit-learn's own classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from tonerig.realtime.parameters import Parameter
from tonerig.training.match.study import independent
from tonerig.training.match.study.targets import Targets

TARGETS = Targets(
    (
        Parameter.switch("s", "a", "b", "c", default="a"),
        Parameter("k", 0.0, 1.0, 0.5, levels=11),
        Parameter("unheard", 0.0, 1.0, 0.5, levels=11),
    )
)


def toy(seed: int, sounds: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Levels, and what is heard of the first two: noisy, shape (sounds, 4, 2)."""
    generator = np.random.default_rng(seed)
    levels = np.stack([generator.integers(0, p.levels, sounds) for p in TARGETS.parameters], axis=1)
    noise = generator.normal(0, 0.3, (sounds, 4, 2))
    return levels, (noise + levels[:, None, :2] * np.array([3.0, 1.0])).astype(np.float32)


def test_naive_has_the_formulas_error() -> None:
    """Eleven even levels around their mean 5 are 30/11 away; the most frequent position is right."""
    levels = np.stack([np.arange(330) % 3, np.arange(330) % 11, np.arange(330) % 11], axis=1)
    levels[0, 0] = 2
    answered = independent.naive(TARGETS, levels, len(levels))
    scores = TARGETS.scores(answered.answers, levels)
    np.testing.assert_allclose(list(scores.error.values()), 30 / 11)
    assert scores.accuracy == {"s": 111 / 330}


@pytest.mark.parametrize("model", [independent.nearest, independent.trees])
def test_beats_naive(model) -> None:
    """On a toy problem: what is heard is told, what is not is no better than the mean."""
    levels, heard = toy(0)
    asked_levels, asked = toy(1)
    scores = TARGETS.scores(model(TARGETS, heard, levels, asked).answers, asked_levels)
    assert scores.accuracy["s"] > 0.95
    assert scores.error["k"] < 0.6
    assert scores.error["unheard"] > 2.4


@pytest.mark.parametrize("count", [3, 8])
def test_nearest_is_scikit_learns(count: int) -> None:
    """Votes and means are those of its own classes."""
    levels, heard = toy(2)
    asked = toy(3)[1]
    answers = independent.nearest(TARGETS, heard, levels, asked, neighbours=(count,)).answers
    flat = [part.reshape(len(part), -1) for part in (heard, asked)]
    switch = KNeighborsClassifier(count).fit(flat[0], levels[:, 0]).predict(flat[1])
    np.testing.assert_array_equal(answers[:, 0], switch)
    for k in (1, 2):
        knob = KNeighborsRegressor(count).fit(flat[0], levels[:, k]).predict(flat[1])
        np.testing.assert_allclose(answers[:, k], knob)


def test_cross_validation_chooses_each_parameters_own() -> None:
    """A knob without a trace in the sound wants many neighbours and a shallow tree, a clear one does not."""
    levels, heard = toy(4)
    near = independent.nearest(TARGETS, heard, levels, heard[:5]).chosen
    assert near["unheard"] >= 32
    assert near["k"] <= 8
    deep = independent.trees(TARGETS, heard, levels, heard[:5]).chosen
    assert deep["unheard"] == 2
    assert deep["k"] >= 4


@pytest.mark.parametrize(("kind", "column"), [(DecisionTreeClassifier, 0), (DecisionTreeRegressor, 1)])
def test_depths_of_one_tree_are_trees(kind, column: int) -> None:
    """The upper part of a deep tree answers as a tree that was grown to that depth."""
    levels, heard = toy(5)
    flat, asked = (part[:, 0] for part in (heard, toy(6)[1]))
    deep = kind(max_depth=20, random_state=0).fit(flat, levels[:, column])
    depths = (1, 2, 4, 20)
    for depth, told in zip(depths, independent.at_depths(deep, asked, depths), strict=True):
        grown = kind(max_depth=depth, random_state=0).fit(flat, levels[:, column])
        assert np.mean(told == grown.predict(asked)) > 0.99
