"""A look: candidates drawn and swept around what an estimator says."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.match.distance import Heard
from tonerig.realtime.match.look import UNHEARD, Looked, believed, look
from tonerig.realtime.match.synths import FOUR, SYNTHS

from .made import guesses

SOUNDS = 4


@pytest.fixture(scope="module")
def looks() -> list[tuple[Heard, np.ndarray, list[np.ndarray], Looked]]:
    """Drawn sounds of `four`, their levels, guesses at them, and what a look makes of these."""
    drawn = FOUR.drawn(2, "validation", 0, SOUNDS)
    sounds = FOUR.render(FOUR.values(drawn), threads=1)
    found = []
    for k, (levels, sound) in enumerate(zip(drawn, sounds, strict=True)):
        heard, told = Heard(FOUR, sound), guesses(FOUR, levels, k)
        found.append((heard, levels, told, look(heard, told, seed=k)))
    return found


def test_a_look_beats_the_leading_levels(
    looks: list[tuple[Heard, np.ndarray, list[np.ndarray], Looked]],
) -> None:
    """The best is never farther than the estimator's own answer, and on average less than half as far."""
    own, found = [], []
    for heard, _, told, looked in looks:
        leading = np.array([[part.argmax() for part in told]])
        own.append(heard.distances(FOUR.render(FOUR.values(leading), threads=1))[0])
        found.append(looked.candidates[0].distance)
    assert (np.array(found) <= np.array(own) + 1e-9).all()
    assert np.mean(found) < np.mean(own) / 2


def test_probabilities_become_better(looks: list[tuple[Heard, np.ndarray, list[np.ndarray], Looked]]) -> None:
    """What was rendered raises the probability of the right levels."""
    before = np.mean(
        [np.log(p[t]) for _, levels, told, _ in looks for p, t in zip(told, levels, strict=True)]
    )
    after = [
        np.log(p[t] + 1e-9)
        for _, levels, _, looked in looks
        for p, t in zip(looked.probabilities, levels, strict=True)
    ]
    assert np.mean(after) > before
    for *_, looked in looks:
        assert all(part.sum() == pytest.approx(1) and (part >= 0).all() for part in looked.probabilities)


def test_candidates_are_compared_and_differ(
    looks: list[tuple[Heard, np.ndarray, list[np.ndarray], Looked]],
) -> None:
    """Best first (but for what nobody hears), each at the distance of its own sound, no two alike."""
    for heard, _, _, looked in looks:
        values = np.array([candidate.values for candidate in looked.candidates])
        told = np.array([candidate.distance for candidate in looked.candidates])
        assert np.allclose(told, heard.distances(FOUR.render(values, threads=1)), atol=1e-6)
        assert (np.diff(told[1:]) >= 0).all() and told[0] <= told.min() + UNHEARD
        assert len(np.unique(values, axis=0)) == len(values)
        assert np.allclose(FOUR.values(looked.levels[None])[0], values[0])


def test_a_look_is_the_same_every_time(
    looks: list[tuple[Heard, np.ndarray, list[np.ndarray], Looked]],
) -> None:
    """On one thread or two, with the same seed."""
    heard, _, told, looked = looks[1]
    again = look(heard, told, seed=1, threads=2)
    assert (again.levels == looked.levels).all()
    assert [c.distance for c in again.candidates] == [c.distance for c in looked.candidates]


@pytest.mark.parametrize("name", list(SYNTHS))
@pytest.mark.parametrize("kind", ["silence", "constant", "click"])
def test_strange_sounds_have_an_answer(kind: str, name: str) -> None:
    """Silence, DC, a click: candidates with finite distances, and probabilities."""
    synth = SYNTHS[name]
    sound = np.zeros(synth.frames, np.float32)
    if kind == "constant":
        sound += 0.3
    if kind == "click":
        sound[50] = 1.0
    even = [np.full(count, 1 / count) for count in synth.levels]
    looked = look(Heard(synth, sound), even, renders=120)
    assert np.isfinite([candidate.distance for candidate in looked.candidates]).all()
    assert all(np.isfinite(part).all() for part in looked.probabilities)


@pytest.mark.parametrize(
    ("distances", "switch", "taken"),
    [
        ([0.5, 0.1, 0.1, 0.1, 0.5], False, 2),  # the middle of those that sound alike, as believed
        ([0.1, 0.1, 0.1, 0.1, 0.1], True, 3),  # the likeliest position
        ([0.5, 0.4, 0.3, 0.4, 0.1], False, 4),  # what is heard counts more than what is believed
        ([0.1, 0.5, 0.5, 0.5, 0.1], False, 0),  # never a level between two that sound alike
    ],
)
def test_what_cannot_be_heard_is_as_believed(distances: list[float], switch: bool, taken: int) -> None:
    """Levels whose sounds are equally far are told apart by the estimator alone."""
    told = np.array([0.3, 0.1, 0.15, 0.4, 0.05])
    if not switch and taken == 2:
        told = np.array([0.2, 0.2, 0.2, 0.2, 0.2])
    assert believed(told, np.array(distances), switch) == taken
