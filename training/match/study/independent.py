"""The study's independent models: one predictor for each parameter, tuned by cross-validation.

Neighbours do not depend on what is asked for, and a decision tree of less depth is the upper part of a
deeper one; so each fold looks for neighbours once and grows one tree for each parameter, and every count of
neighbours and every depth is read from these. Folds are scikit-learn's three of 2018, not shuffled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from sklearn.neighbors import NearestNeighbors
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from .targets import Targets

NEIGHBOURS = (3, 5, 8, 16, 32, 64)
DEPTHS = (2, 4, 8, 16, 32)
FOLDS = 3


@dataclass(frozen=True)
class Answered:
    """What a model answers for sounds that it was not fitted to.

    Attributes
    ----------
    answers : positions of switches and knobs from 0 to 10, shape (sounds, parameters)
    chosen : what cross-validation chose for each parameter
    """

    answers: NDArray[np.float64]
    chosen: dict[str, int]


def naive(targets: Targets, levels: NDArray[np.int64], count: int) -> Answered:
    """The most frequent position of each switch and the mean of each knob, for so many sounds."""
    truth = targets.answers(levels)
    columns = [_answer(truth[:, k], bool(p.choices)) for k, p in enumerate(targets.parameters)]
    return Answered(np.tile(columns, (count, 1)), {})


def nearest(
    targets: Targets,
    heard: NDArray[np.float32],
    levels: NDArray[np.int64],
    asked: NDArray[np.float32],
    *,
    neighbours: Sequence[int] = NEIGHBOURS,
) -> Answered:
    """k nearest neighbours in Euclidean distance; the vote of a switch, the mean of a knob.

    Parameters
    ----------
    heard, levels : to learn from, shape (sounds, …) both
    asked : to answer for, shape (sounds, …)
    neighbours : counts to choose from
    """
    known, wanted = _flat(heard), _flat(asked)
    truth = targets.answers(levels)
    most = max(neighbours)
    folds = list(KFold(FOLDS).split(known))
    found = [learnt[_neighbours(known[learnt], known[left], most)] for learnt, left in folds]
    last = _neighbours(known, wanted, most)
    answers, chosen = np.empty((len(wanted), truth.shape[1])), {}
    for k, parameter in enumerate(targets.parameters):
        switch, column = bool(parameter.choices), truth[:, k]
        losses = [
            np.mean(
                [
                    _loss(_vote(column[near[:, :count]], switch), column[left], switch)
                    for near, (_, left) in zip(found, folds, strict=True)
                ]
            )
            for count in neighbours
        ]
        best = neighbours[int(np.argmin(losses))]
        answers[:, k] = _vote(column[last[:, :best]], switch)
        chosen[parameter.name] = best
    return Answered(answers, chosen)


def trees(
    targets: Targets,
    heard: NDArray[np.float32],
    levels: NDArray[np.int64],
    asked: NDArray[np.float32],
    *,
    depths: Sequence[int] = DEPTHS,
    progress: Callable[[float], None] = lambda _: None,
) -> Answered:
    """A decision tree for each switch and a regression tree for each knob.

    Parameters
    ----------
    heard, levels, asked : see `nearest`
    depths : to choose from
    progress : hears the share that is done
    """
    known, wanted = _flat(heard), _flat(asked)
    truth = targets.answers(levels)
    folds = list(KFold(FOLDS).split(known))
    answers, chosen = np.empty((len(wanted), truth.shape[1])), {}
    for k, parameter in enumerate(targets.parameters):
        switch, column = bool(parameter.choices), truth[:, k]
        losses = np.zeros(len(depths))
        for learnt, left in folds:
            grown = _tree(switch, max(depths)).fit(known[learnt], column[learnt])
            told = at_depths(grown, known[left], depths)
            losses += [_loss(one, column[left], switch) for one in told]
        best = depths[int(np.argmin(losses))]
        answers[:, k] = _tree(switch, best).fit(known, column).predict(wanted)
        chosen[parameter.name] = best
        progress((k + 1) / len(targets.parameters))
    return Answered(answers, chosen)


def at_depths(
    grown: DecisionTreeClassifier | DecisionTreeRegressor, heard: NDArray[np.float32], depths: Sequence[int]
) -> list[NDArray[np.float64]]:
    """What a tree would answer had it stopped at each of some depths, shape (sounds,) each."""
    tree = grown.tree_
    node = np.zeros(len(heard), np.int64)
    rows = np.arange(len(heard))
    told = {}
    for depth in range(max(depths) + 1):
        if depth in depths:
            value = tree.value[node, 0]
            classes = isinstance(grown, DecisionTreeClassifier)
            told[depth] = grown.classes_[np.argmax(value, axis=1)] if classes else value[:, 0]
        inner = tree.children_left[node] >= 0
        left = heard[rows, np.maximum(tree.feature[node], 0)] <= tree.threshold[node]
        child = np.where(left, tree.children_left[node], tree.children_right[node])
        node = np.where(inner, child, node)
    return [told[depth] for depth in depths]


def _tree(switch: bool, depth: int) -> DecisionTreeClassifier | DecisionTreeRegressor:
    kind = DecisionTreeClassifier if switch else DecisionTreeRegressor
    return kind(max_depth=depth, random_state=0)


def _flat(heard: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(heard.reshape(len(heard), -1))


def _neighbours(known: NDArray[np.float32], wanted: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    search = NearestNeighbors(n_neighbors=min(count, len(known)), algorithm="brute").fit(known)
    return search.kneighbors(wanted, return_distance=False)


def _answer(column: NDArray[np.float64], switch: bool) -> float:
    return float(np.argmax(np.bincount(column.astype(np.int64)))) if switch else float(np.mean(column))


def _vote(near: NDArray[np.float64], switch: bool) -> NDArray[np.float64]:
    """Answers from those of neighbours, shape (sounds, neighbours); among equal votes the first."""
    if not switch:
        return near.mean(axis=1)
    positions = np.arange(int(near.max()) + 1)
    return np.argmax((near[:, :, None] == positions).sum(axis=1), axis=1).astype(np.float64)


def _loss(answers: NDArray[np.float64], truth: NDArray[np.float64], switch: bool) -> float:
    """What cross-validation makes small: the share of wrong positions, a knob's mean absolute error."""
    return float(np.mean(answers != truth) if switch else np.mean(np.abs(answers - truth)))
