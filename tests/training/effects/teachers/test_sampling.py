"""Settings drawn by chance: spread over their turns, with more at the ends."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.training.effects.teachers import TeacherError, find_teacher, sample_settings


def test_turns_are_even_and_the_ends_more_likely() -> None:
    """Of 4000 draws, a tenth lies at each end and the others are spread evenly over the turns."""
    distortion, generator = find_teacher("distortion"), np.random.default_rng(1)
    tone = next(parameter for parameter in distortion.parameters if parameter.name == "tone")
    drawn = [sample_settings(distortion, ["drive", "tone"], generator) for _ in range(4000)]
    turns = np.array([tone.to_turn(settings["tone"]) for settings in drawn])
    for end in (0.0, 1.0):
        assert np.isclose(turns, end).mean() == pytest.approx(0.1, abs=0.02)
    inside = turns[(turns > 1e-6) & (turns < 1 - 1e-6)]
    counts = np.histogram(inside, 8, (0, 1))[0] / len(inside)
    np.testing.assert_allclose(counts, 1 / 8, atol=0.03)
    drives = np.array([settings["drive"] for settings in drawn])
    assert abs(np.corrcoef(drives, turns)[0, 1]) < 0.06


def test_only_named_parameters_are_drawn_and_all_are_taken() -> None:
    """The names come in their order; the teacher takes each value; the seed repeats them."""
    amp = find_teacher("amp")
    names = ("treble", "drive")
    first = [sample_settings(amp, names, np.random.default_rng(5)) for _ in range(2)]
    assert first[0] == first[1]
    assert tuple(first[0]) == names
    assert amp.settings(first[0])["bass"] == 5.0


def test_switches_are_drawn_too() -> None:
    """A switch gets each of its positions."""
    from tonerig.training.effects.teachers import TEACHERS

    zamtube, generator = TEACHERS["zamtube"], np.random.default_rng(1)
    positions = {
        sample_settings(zamtube, ["tone_stack_model"], generator)["tone_stack_model"] for _ in range(500)
    }
    assert positions == set(map(float, range(25)))


def test_unknown_names_are_refused() -> None:
    """A knob that the teacher does not have is named, with those it has."""
    with pytest.raises(TeacherError, match="distortion has no parameter 'bass' to draw; it has drive, tone"):
        sample_settings(find_teacher("distortion"), ["bass"], np.random.default_rng(1))
