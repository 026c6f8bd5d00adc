"""Refinement, counted in renders rather than in seconds."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.match.distance import Heard
from tonerig.realtime.match.look import Candidate, Looked, look
from tonerig.realtime.match.refine import refine
from tonerig.realtime.match.synths import FOUR, SYNTHS, MatchedSynth

from .made import guesses, simple_patch


def _looked(synth: MatchedSynth, levels: np.ndarray, seed: int, renders: int = 150) -> tuple[Heard, Looked]:
    heard = Heard(synth, synth.render(synth.values(levels[None]), threads=1)[0])
    return heard, look(heard, guesses(synth, levels, seed), seed=seed, renders=renders)


def _poor(heard: Heard, looked: Looked, levels: np.ndarray) -> Looked:
    """The same with a worse best: a look that stopped elsewhere."""
    values = heard.synth.values(levels[None])
    distance = float(heard.distances(heard.synth.render(values, threads=1))[0])
    return Looked(levels, [Candidate(values[0], distance)], looked.probabilities)


@pytest.mark.parametrize("name", list(SYNTHS))
def test_never_worse_than_the_look(name: str) -> None:
    """Even after no time at all; and better after a while."""
    synth = SYNTHS[name]
    heard, looked = _looked(synth, synth.drawn(5, "train", 0, 1)[0], 0)
    looked = _poor(heard, looked, synth.drawn(6, "train", 0, 1)[0])
    best = looked.candidates[0].distance
    at_once = refine(heard, looked, seconds=0.0)
    assert at_once[0].distance == best
    later = refine(heard, looked, seconds=1e9, _renders=1000)
    assert later[0].distance < best * 0.8


def test_a_simple_patch_is_found_exactly() -> None:
    """Every parameter that can be heard, on the grid: nothing but the silent oscillators' may differ."""
    levels = simple_patch()
    heard, looked = _looked(FOUR, levels, 3)
    looked = _poor(heard, looked, np.array([part.argmax() for part in guesses(FOUR, levels, 3)]))
    found = refine(heard, looked, seconds=1e9, _renders=12000)[0]
    turns = FOUR.turns(found.values[None])[0] * 15
    silent = ("triangle", "square", "sine_modulation")
    for parameter, turn, level in zip(FOUR.parameters, turns, levels, strict=True):
        if not parameter.name.startswith(silent) or parameter.name.endswith("amplitude"):
            assert turn == pytest.approx(level, abs=1e-6), parameter.name


def test_an_own_sound_off_the_grid_comes_near() -> None:
    """Values between levels: nearer than the nearest levels are."""
    levels = FOUR.drawn(7, "train", 0, 1)
    turns = np.clip(FOUR.turns(FOUR.values(levels)) + 0.02, 0, 1)
    turns[:, [0, 4, 8, 12]] -= 0.02
    heard = Heard(FOUR, FOUR.render(FOUR.from_turns(turns), threads=1)[0])
    looked = _poor(heard, look(heard, guesses(FOUR, levels[0], 0), renders=150), levels[0])
    found = refine(heard, looked, seconds=1e9, _renders=2500)
    assert found[0].distance < looked.candidates[0].distance * 0.9


@pytest.mark.parametrize("name", list(SYNTHS))
def test_candidates_are_what_they_say(name: str) -> None:
    """Each has the distance of its own sound; they differ; switches have positions; the same each time."""
    synth = SYNTHS[name]
    heard, looked = _looked(synth, synth.drawn(8, "train", 0, 1)[0], 1)
    told: list[tuple[float, float]] = []
    found = refine(heard, looked, seconds=1e9, _renders=1000, progress=lambda *said: told.append(said))
    values = np.array([candidate.values for candidate in found])
    distances = [candidate.distance for candidate in found]
    assert np.allclose(distances, heard.distances(synth.render(values, threads=1)), atol=1e-6)
    assert distances == sorted(distances)
    assert len(np.unique(values.round(9), axis=0)) == len(values) > 1
    switches = [k for k, parameter in enumerate(synth.parameters) if parameter.choices]
    assert (values[:, switches] == values[:, switches].round()).all()
    for column, parameter in zip(values.T, synth.parameters, strict=True):
        assert (column >= parameter.minimum).all() and (column <= parameter.maximum).all()
    fractions, nearest = zip(*told, strict=True)
    assert list(fractions) == sorted(fractions) and fractions[-1] == 1.0
    assert list(nearest) == sorted(nearest, reverse=True) and nearest[-1] == distances[0]
    again = refine(heard, looked, seconds=1e9, _renders=1000, threads=2)
    assert [candidate.distance for candidate in again] == distances


@pytest.mark.parametrize("kind", ["silence", "constant", "click"])
def test_strange_sounds_have_an_answer(kind: str) -> None:
    """Silence, DC, a click: finite distances, no warning."""
    sound = np.zeros(FOUR.frames, np.float32)
    if kind == "constant":
        sound += 0.3
    if kind == "click":
        sound[50] = 1.0
    heard = Heard(FOUR, sound)
    looked = look(heard, [np.full(16, 1 / 16)] * 23, renders=60)
    found = refine(heard, looked, seconds=1e9, _renders=600)
    assert np.isfinite([candidate.distance for candidate in found]).all()


def test_an_interruption_comes_through() -> None:
    """Ctrl-C while it searches ends it."""
    heard, looked = _looked(FOUR, FOUR.drawn(9, "train", 0, 1)[0], 0)
    looked = _poor(heard, looked, FOUR.drawn(9, "train", 1, 1)[0])

    def interrupted(gone: float, distance: float) -> None:
        if gone > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refine(heard, looked, seconds=1e9, _renders=5000, threads=2, progress=interrupted)
