"""The study's scores, by hand."""

from __future__ import annotations

import json

import numpy as np
from tonerig.realtime.parameters import Parameter
from tonerig.realtime.synths.two import ESTIMATED
from tonerig.training.match.study.targets import Scores, Targets

TWO = Targets(ESTIMATED)
NAMES = [parameter.name for parameter in ESTIMATED]


def test_three_switches_and_thirteen_knobs() -> None:
    """As the document counts them."""
    assert [NAMES[k] for k in TWO.switches] == ["osc_1_wave", "osc_2_wave", "lfo_destination"]
    assert len(TWO.knobs) == 13


def test_scores_by_hand() -> None:
    """Half of the switches right; a knob of five levels, twice off by 5 of 10 and once by 2.5."""
    targets = Targets((Parameter.switch("s", "a", "b", default="a"), Parameter("k", 0.0, 1.0, 0.5, levels=5)))
    levels = np.array([[0, 0], [1, 2], [1, 3], [0, 4]])
    answers = np.array([[0, 5.0], [0, 0.0], [1, 5.0], [1, 10.0]])
    scores = targets.scores(answers, levels)
    assert scores.accuracy == {"s": 0.5}
    assert scores.error == {"k": (5 + 5 + 2.5 + 0) / 4}
    assert scores.heard_error == {}


def test_heard_by_hand() -> None:
    """The LFO's knobs with a destination, the pulse width with a pulse on either oscillator."""
    levels = np.zeros((4, 16), np.int64)
    levels[1, NAMES.index("osc_1_wave")] = 1
    levels[2, NAMES.index("osc_2_wave")] = 1
    levels[3, NAMES.index("lfo_destination")] = 6
    heard = TWO.heard(levels)
    np.testing.assert_array_equal(heard[:, NAMES.index("pulse_width")], [False, True, True, False])
    for name in ("lfo_rate_hz", "lfo_amount"):
        np.testing.assert_array_equal(heard[:, NAMES.index(name)], [False, False, False, True])
    others = [k for k, n in enumerate(NAMES) if n not in ("pulse_width", "lfo_rate_hz", "lfo_amount")]
    assert heard[:, others].all()


def test_means_are_of_parameters() -> None:
    """The mean accuracy and error weigh each parameter alike."""
    scores = Scores({"a": 0.2, "b": 0.4, "c": 0.9}, {"d": 1.0, "e": 3.0}, {"e": 5.0})
    np.testing.assert_allclose([scores.mean_accuracy, scores.mean_error], [0.5, 2.0])


def test_json_there_and_back() -> None:
    """Scores are the same after a way through text."""
    scores = Scores({"a": 0.25}, {"d": 1 / 3}, {"d": 0.1})
    assert Scores.from_json(json.loads(json.dumps(scores.as_json()))) == scores
