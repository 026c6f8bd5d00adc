"""The noise gate: when it opens, how long it holds, how it closes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.processors.gate import Gate

from tests.realtime.run import noise, prepared, run, sine

VALUES = {"threshold_db": -40, "hysteresis_db": 6, "attack_ms": 1, "hold_ms": 20, "release_ms": 100}
PER_MS = 48


def _constant(*parts: tuple[float, float]) -> NDArray[np.float32]:
    """A constant level in dB for a while in ms, one part after another: the output shows the gain."""
    return np.concatenate([np.full(round(ms * PER_MS), 10 ** (db / 20), np.float32) for db, ms in parts])


def test_what_stays_below_the_threshold_is_silent() -> None:
    """A signal 1 dB below the threshold never opens it: every sample is 0."""
    assert not run(prepared(Gate(VALUES)), sine(200, 0.5, level=10 ** (-41 / 20))).any()


def test_an_open_gate_changes_no_bit() -> None:
    """Once the attack is over, what is loud passes as it came, through its zero crossings too."""
    signal = noise(0.3)
    output = run(prepared(Gate(VALUES)), signal)
    assert np.array_equal(output[:, PER_MS + 10 :], signal[:, PER_MS + 10 :])


def test_it_opens_on_a_straight_line_in_the_attack() -> None:
    """From the first loud sample the gain rises by equal steps and is 1 after ``attack_ms``."""
    signal = _constant((-90, 10), (-6, 10))
    gain = run(prepared(Gate(VALUES)), signal)[0] / signal
    start = 10 * PER_MS
    assert not gain[:start].any()
    np.testing.assert_allclose(gain[start : start + PER_MS], np.arange(1, PER_MS + 1) / PER_MS, rtol=1e-5)
    assert (gain[start + PER_MS + 1 :] == 1).all()


def test_it_holds_then_falls_60_db_in_the_release() -> None:
    """After the last loud sample the gain stays 1 for the hold, is -60 dB a release later, then 0."""
    signal = _constant((-6, 20), (-90, 400))
    gain = run(prepared(Gate(VALUES)), signal)[0] / signal
    closing = (20 + 20) * PER_MS
    assert (gain[2 * PER_MS : closing] == 1).all()
    falling = gain[closing : closing + 100 * PER_MS]
    expected = -60 * np.arange(1, falling.size + 1) / falling.size
    np.testing.assert_allclose(20 * np.log10(falling), expected, atol=0.02)
    assert not gain[-PER_MS:].any()


def test_between_the_two_levels_it_stays_as_it_was() -> None:
    """In the hysteresis an open gate stays open and a shut one shut."""
    signal = _constant((-43, 100), (-30, 10), (-43, 100))
    output = run(prepared(Gate(VALUES)), signal)[0]
    assert not output[: 100 * PER_MS].any()
    assert np.array_equal(output[-100 * PER_MS :], signal[-100 * PER_MS :])


def test_the_louder_channel_opens_both() -> None:
    """A quiet right channel passes while the left one is loud."""
    signal = np.stack([_constant((-6, 50)), _constant((-70, 50))])
    output = run(prepared(Gate(VALUES), 2), signal)
    assert np.array_equal(output[:, 2 * PER_MS :], signal[:, 2 * PER_MS :])
