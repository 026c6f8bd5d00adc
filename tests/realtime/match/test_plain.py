"""What simple sounds are taken to be."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.match.pitch import key_frequency, pitch_at
from tonerig.realtime.match.plain import told_of_others, told_plainly
from tonerig.realtime.match.synths import FOUR, TWO


def test_four_plays_the_pitch_unmodulated() -> None:
    """Carriers at the pitch's level of the octave that is heard, depths at 0; the rest as told."""
    told = [np.full(p.levels, 1 / p.levels) for p in FOUR.parameters]
    found = told_plainly(FOUR, told, pitch_at(key_frequency(60)), -12.0)
    for parameter, part, before in zip(FOUR.parameters, found, told, strict=True):
        assert part.sum() == pytest.approx(1)
        if parameter.name.endswith("_depth_hz"):
            assert part[0] > 0.9
        elif parameter.name.endswith("_frequency_hz"):
            assert part[3] > 0.9  # C5, three semitones over A4
        else:
            np.testing.assert_array_equal(part, before)


def test_a_pitch_out_of_reach_says_nothing_of_the_carriers() -> None:
    """Heard two octaves too low, no carrier reaches it."""
    told = [np.full(p.levels, 1 / p.levels) for p in FOUR.parameters]
    found = told_plainly(FOUR, told, pitch_at(key_frequency(60)), -36.0)
    assert all(
        part.max() < 0.1 for p, part in zip(FOUR.parameters, found, strict=True) if "frequency" in p.name
    )


def test_two_has_one_oscillator_and_still_ones() -> None:
    """No second oscillator a fifth above, nothing that the LFO moves."""
    told = [np.full(p.levels, 1 / p.levels) for p in TWO.parameters]
    sure = [
        parameter.name
        for parameter, part in zip(TWO.parameters, told_plainly(TWO, told, pitch_at(440.0), 0.0), strict=True)
        if part[0] > 0.9
    ]
    assert sure == ["osc_2_volume", "lfo_amount"]


def test_others_sounds_are_told_less_surely() -> None:
    """No level is left out, the likeliest stays it."""
    for part in told_of_others([np.eye(p.levels)[1] for p in FOUR.parameters]):
        assert part.min() > 0.01 and part.argmax() == 1 and part.sum() == pytest.approx(1)
