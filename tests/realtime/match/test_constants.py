"""The constants of saws and triangles: told apart, and taken out exactly."""

from __future__ import annotations

import numpy as np
from tonerig.realtime.match.constants import constants_of, told_without_constants, without_constants
from tonerig.realtime.match.sound import at_rate, read_sound
from tonerig.realtime.match.synths import FOUR, TWO

from .test_sound import SAMPLES

VALUES = FOUR.values(FOUR.drawn(2, "test", 0, 200))


def test_without_them_waves_run_around_0() -> None:
    """A saw and a triangle alone, wide open: less a half of their amplitudes' sum at full level."""
    values = {p.name: p.minimum for p in FOUR.parameters}
    values |= {"saw_amplitude": 0.6, "triangle_amplitude": 0.3, "sustain": 1.0, "release_s": 1.0}
    values |= {"cutoff_hz": 4000.0, "resonance": 0.7}
    row = np.array([[values[p.name] for p in FOUR.parameters]])
    plain, centred = FOUR.render(row), without_constants(FOUR).render(row)
    held = slice(round(0.05 * FOUR.rate), round(0.29 * FOUR.rate))
    np.testing.assert_allclose((plain - centred)[0, held], 0.45, atol=1e-4)
    assert abs(centred[0, held].mean()) < 0.005


def test_told_apart() -> None:
    """Nearly all sounds of the data set have them, none of the recordings; where unsure both are tried."""
    own = [constants_of(sound) for sound in FOUR.render(VALUES)]
    assert np.mean([True in found for found in own]) > 0.97
    assert np.mean([found == (True,) for found in own]) > 0.85
    files = sorted(SAMPLES.glob("*.flac"))[::8]
    others = [constants_of(at_rate(read_sound(file), FOUR.rate, FOUR.frames)) for file in files]
    assert np.mean([found == (False,) for found in others]) > 0.85


def test_at_any_pitch() -> None:
    """What is taken out does not depend on the key."""
    low = FOUR.render(VALUES[:4], semitones=-12) - without_constants(FOUR).render(VALUES[:4], semitones=-12)
    np.testing.assert_allclose(
        low, FOUR.render(VALUES[:4]) - without_constants(FOUR).render(VALUES[:4]), atol=1e-4
    )


def test_two_has_none() -> None:
    """The other synth is left as it is."""
    assert without_constants(TWO) is TWO


def test_what_is_told_of_the_waves_that_have_them_is_less_sure() -> None:
    """Saw and triangle; still probabilities."""
    told = [np.eye(p.levels)[2] for p in FOUR.parameters]
    found = told_without_constants(FOUR, told)
    for parameter, part in zip(FOUR.parameters, found, strict=True):
        unsure = parameter.name in ("saw_amplitude", "triangle_amplitude")
        assert part.sum() == 1 and (part[2] < 0.6) == unsure
