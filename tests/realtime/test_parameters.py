"""The one definition of a parameter: checking and both conversions."""

from __future__ import annotations

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
