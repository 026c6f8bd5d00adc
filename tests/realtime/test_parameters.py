"""The one definition of a parameter: checking and both conversions."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime.parameters import Parameter, ParameterError

LEVEL = Parameter("level_db", -60.0, 12.0, 0.0, "dB")
CUTOFF = Parameter("cutoff_hz", 20.0, 20000.0, 1000.0, "Hz", curve="logarithmic")
WAVE = Parameter.switch("wave", "saw", "pulse", "noise", default="pulse")


@given(st.floats(0, 1))
def test_turn_and_value_convert_both_ways(turn: float) -> None:
    """A knob's turn comes back from the value it gives, on linear and logarithmic curves."""
    for parameter in (LEVEL, CUTOFF):
        value = parameter.from_turn(turn)
        assert parameter.minimum <= value <= parameter.maximum * (1 + 1e-12)
        assert parameter.to_turn(value) == pytest.approx(turn, abs=1e-9)


def test_a_logarithmic_curve_is_at_the_geometric_mean_half_way() -> None:
    """Half a turn of 20 Hz to 20 kHz is 632 Hz."""
    assert CUTOFF.from_turn(0.5) == pytest.approx((20.0 * 20000.0) ** 0.5)


@pytest.mark.parametrize("value", [13, -60.5, "loud", None, float("nan"), float("inf"), True, [1]])
def test_what_is_not_in_the_range_is_refused_with_name_and_range(value: object) -> None:
    """The sentence names the parameter and the range it expects."""
    with pytest.raises(ParameterError, match=r"level_db is .*expected -60 to 12 dB"):
        LEVEL.check(value)


def test_a_switch_takes_names_and_positions() -> None:
    """A switch knows its positions by name and by number and refuses others."""
    assert WAVE.check("noise") == 2.0
    assert WAVE.check(1) == 1.0
    assert WAVE.text(0.0) == "saw"
    for value in ("square", 1.5, 3):
        with pytest.raises(ParameterError, match="one of saw, pulse, noise"):
            WAVE.check(value)


@given(st.data())
def test_levels_are_kept_through_values_and_back(data: st.DataObject) -> None:
    """On any grid levels come back from their values, and what lies between goes to the nearest."""
    minimum = data.draw(st.floats(0.01, 100))
    curve: Literal["linear", "logarithmic"] = data.draw(st.sampled_from(["linear", "logarithmic"]))
    count = data.draw(st.integers(2, 40))
    parameter = Parameter("x", minimum, minimum * 7, minimum, curve=curve, levels=count)
    levels = np.arange(count)
    values = parameter.decode(levels)
    assert np.array_equal(parameter.encode(values), levels)
    assert values[0] == pytest.approx(minimum)
    assert values[-1] == pytest.approx(7 * minimum)
    turns = (np.arange(count - 1) + 0.4) / (count - 1)
    nearer = [parameter.from_turn(turn) for turn in turns]
    assert np.array_equal(parameter.encode(nearer), levels[:-1])


def test_a_switchs_grid_is_its_positions() -> None:
    """Each position is a level."""
    parameter = Parameter.switch("wave", "saw", "pulse", "noise", default="saw")
    assert parameter.levels == 3
    assert parameter.grid().tolist() == [0, 1, 2]


def test_levels_are_drawn_evenly() -> None:
    """Every level comes up about as often as every other, and a seed brings the same ones."""
    parameter = Parameter("x", 0, 1, 0, levels=16)
    drawn = parameter.sample(np.random.default_rng(1), 16000)
    assert np.array_equal(drawn, parameter.sample(np.random.default_rng(1), 16000))
    counts = np.bincount(drawn, minlength=16)
    assert counts.size == 16
    assert counts.min() > 850
    assert counts.max() < 1150


@pytest.mark.parametrize("levels", [1, -2])
def test_a_grid_of_no_use_is_refused(levels: int) -> None:
    """One level tells nothing."""
    with pytest.raises(ValueError, match="two levels or more"):
        Parameter("x", 0, 1, 0, levels=levels)
