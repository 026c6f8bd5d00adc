"""Mono to stereo, and panning."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.processors.stereo import Stereo

from tests.realtime.run import BLOCKS, noise, prepared, run


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("pan", [-100.0, -30.0, 0.0, 60.0, 100.0])
def test_the_far_side_falls_on_a_straight_line(channels: int, pan: float) -> None:
    """Left is scaled by 1 - pan and right by 1 + pan, neither above 1."""
    signal = noise(0.05, channels)
    output = run(prepared(Stereo({"pan": pan}), channels), signal)
    gains = np.array([[min(1.0, 1.0 - pan / 100)], [min(1.0, 1.0 + pan / 100)]])
    np.testing.assert_allclose(output, signal * gains, atol=2e-7)


def test_the_middle_changes_nothing() -> None:
    """A stereo signal passes bit for bit, a mono one is on both sides."""
    stereo, mono = noise(0.05, 2), noise(0.05)
    assert np.array_equal(run(prepared(Stereo(), 2), stereo), stereo)
    assert np.array_equal(run(prepared(Stereo()), mono), np.repeat(mono, 2, axis=0))


def test_a_turned_pan_makes_no_steps() -> None:
    """From left to right, no sample of a constant is more than 5 % away from the one before."""
    output = run(prepared(Stereo({"pan": -100.0})), np.ones(9600), changes={1000: {"pan": 100.0}})
    assert np.array_equal(output[:, 999], [1.0, 0.0])
    assert np.array_equal(output[:, -1], [0.0, 1.0])
    assert np.abs(np.diff(output, axis=1)).max() < 0.05


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_do_not_matter(block: int) -> None:
    """The same bits in any block size, a turn within included."""
    signal, changes = noise(0.1, 2), {1111: {"pan": 70.0}}
    expected = run(prepared(Stereo(), 2), signal, 37, changes=changes)
    assert np.array_equal(run(prepared(Stereo(), 2), signal, block, changes=changes), expected)
