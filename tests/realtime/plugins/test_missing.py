"""The wire in the place of a plugin that is not there."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.plugins.missing import Missing, MissingInstrument

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


def test_a_missing_instrument_plays_nothing() -> None:
    """A guitar passes through it, on both sides; a note makes no sound."""
    kind = type("Gone", (MissingInstrument,), {"problem": "there is no plugin Gone"})
    silent = prepared(kind({"volume_db": -6}, plugin="Gone"), 1)
    signal = noise(0.1)
    note = np.array([(100, 0x90, 69, 100, 3)], EVENT)
    assert (silent.outputs, silent.latency, silent.values) == (2, 0, {})
    assert np.array_equal(run(silent, signal, events=note), np.repeat(signal, 2, axis=0))
    silent.reset()
    with pytest.raises(ParameterError, match="volume_db cannot be set: there is no plugin Gone"):
        silent.set("volume_db", 0)
