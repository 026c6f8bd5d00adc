"""Stereo to mono."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.processors.mono import Mono

from tests.realtime.run import BLOCKS, noise, prepared, run


@pytest.mark.parametrize(("side", "left", "right"), [("left", 1, 0), ("sum", 0.5, 0.5), ("right", 0, 1)])
def test_each_side_has_its_share(side: str, left: float, right: float) -> None:
    """One channel comes out: left, right, or half of each, to float32's last bits."""
    signal = noise(0.05, 2)
    output = run(prepared(Mono({"side": side}), 2), signal)
    assert output.shape == (1, signal.shape[1])
    np.testing.assert_allclose(output[0], left * signal[0] + right * signal[1], atol=1e-7)


def test_a_mono_signal_passes_bit_for_bit() -> None:
    """Nothing happens to one channel, whatever the switch says."""
    signal = noise(0.05)
    assert np.array_equal(run(prepared(Mono({"side": "left"})), signal), signal)


def test_switching_sides_ramps() -> None:
    """From left at 1 to right at 0, no sample is more than 5 % away from the one before."""
    signal = np.stack([np.ones(9600), np.zeros(9600)])
    output = run(prepared(Mono({"side": "left"}), 2), signal, changes={1000: {"side": 2.0}})[0]
    assert output[999] == 1.0
    assert output[-1] == 0.0
    assert np.abs(np.diff(output)).max() < 0.05


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_do_not_matter(block: int) -> None:
    """The same bits in any block size, a switch within included."""
    signal, changes = noise(0.1, 2), {1111: {"side": 0.0}}
    expected = run(prepared(Mono(), 2), signal, 37, changes=changes)
    assert np.array_equal(run(prepared(Mono(), 2), signal, block, changes=changes), expected)
