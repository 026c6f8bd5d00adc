"""The wire in the place of a plugin that is not there."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.plugins.missing import Missing

from tests.realtime.run import noise, prepared, run


class Gone(Missing):
    """As a preset gets it."""

    problem = "there is no plugin Gone"


@pytest.mark.parametrize("channels", [1, 2])
def test_it_is_a_wire(channels: int) -> None:
    """What goes in comes out, bit by bit, at once."""
    wire = prepared(Gone(plugin="Gone"), channels)
    signal = noise(0.1, channels)
    assert (wire.outputs, wire.latency) == (channels, 0)
    assert np.array_equal(run(wire, signal, 64, 7, 441), signal)


def test_it_takes_any_values() -> None:
    """Those of hosting are checked, of the others nothing is known."""
    wire = Gone({"threshold_db": -20, "mode": "hard", "late": "silence"}, plugin="Gone", raw_state="AAAA")
    assert wire.values == {"isolate": 0.0, "late": 1.0}
    with pytest.raises(ParameterError, match="late is 'never', expected one of dry, silence"):
        Gone({"late": "never"}, plugin="Gone")


def test_its_knobs_cannot_be_turned() -> None:
    """The sentence says why."""
    with pytest.raises(ParameterError, match=r"threshold_db cannot be set: there is no plugin Gone"):
        Gone(plugin="Gone").set("threshold_db", -20)
