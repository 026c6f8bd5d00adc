"""The round trip: known delays, in arrays and through a JACK server."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.processors.player import Player
from tonerig.realtime.roundtrip import burst_and_pause, find_delays, find_starts, measure

from .cli.command import tonerig
from .run import BLOCKS, prepared, run

LONGEST = 24_000


def played() -> tuple[NDArray[np.float32], NDArray[np.float32], list[int]]:
    """One burst, four periods of it, and where they start."""
    burst, period = burst_and_pause(48000)
    return burst, np.tile(period, 5), [k * len(period) + LONGEST for k in range(4)]


def test_bursts_are_found_in_what_was_played() -> None:
    """Every whole burst after a pause, even where the recording begins or ends inside one."""
    burst, signal, starts = played()
    assert find_starts(signal, burst)[:4] == starts
    cut = signal[starts[0] + 100 : starts[3] + 200]
    assert find_starts(cut, burst) == [start - starts[0] - 100 for start in starts[1:3]]
    assert find_starts(np.zeros(1000, np.float32), burst) == []


@pytest.mark.parametrize("delay", [0, 1, 64, 1337, 23_999])
def test_a_known_delay_is_found(delay: int) -> None:
    """To the sample, through noise 6 dB above the returning signal, turned over, from every burst."""
    burst, signal, starts = played()
    noise = np.random.default_rng(0).normal(0, 0.1, len(signal))
    heard = (noise - 0.2 * np.roll(signal, delay)).astype(np.float32)
    for samples, clarity in find_delays(heard, burst, starts, LONGEST):
        assert samples == pytest.approx(delay, abs=0.1)
        assert clarity > 15


def test_a_delay_between_samples() -> None:
    """A band-limited path with a delay of 100.4 samples is found within a tenth of a sample."""
    burst, signal, starts = played()
    turns = np.fft.rfftfreq(len(signal))
    path = np.where(turns < 0.35, np.exp(-2j * np.pi * turns * 100.4), 0)
    heard = np.fft.irfft(np.fft.rfft(signal) * path, len(signal)).astype(np.float32)
    for samples, _ in find_delays(heard, burst, starts, LONGEST):
        assert samples == pytest.approx(100.4, abs=0.1)


def test_nothing_comes_back() -> None:
    """Where only noise is heard the clarity is low, so that no number passes for a measurement."""
    burst, signal, starts = played()
    noise = np.random.default_rng(0).normal(0, 0.1, len(signal)).astype(np.float32)
    assert all(clarity < 15 for _, clarity in find_delays(noise, burst, starts, LONGEST))


@pytest.mark.parametrize("block", BLOCKS)
def test_the_player_repeats_its_signal(block: int) -> None:
    """Whatever comes in and whatever the blocks, on both channels the signal comes out over and over."""
    signal = np.random.default_rng(0).normal(size=777).astype(np.float32)
    found = run(prepared(Player(signal), 2), np.ones((2, 3000)), block)
    np.testing.assert_array_equal(found, np.tile(signal, 4)[None, :3000].repeat(2, axis=0))


@pytest.mark.usefixtures("jack_in_step")
def test_a_jack_connection_takes_one_period() -> None:
    """An output connected to the same client's input comes back one period of the server later: 64 frames."""
    found = measure(loop=True)
    assert (found.samples, found.spread_samples, found.block) == (64.0, 0.0, 64)
    assert found.milliseconds == pytest.approx(64 / 48)


@pytest.mark.usefixtures("jack_in_step")
def test_the_verb() -> None:
    """As JSON; and without a cable it says that nothing comes back."""
    assert json.loads(tonerig("latency", "--loop", "--json").out)["samples"] == 64.0
    found = tonerig("latency")
    assert found.code == 1 and "connect a cable" in found.err
    found = tonerig("latency", "--rate", 44100)
    assert found.code == 1 and "does not run at 44100 Hz" in found.err
