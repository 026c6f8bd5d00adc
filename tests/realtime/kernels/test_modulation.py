"""The modulated voices' kernel, against NumPy's interpolation."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.export.model import Modulation, NeuralModel
from tonerig.realtime.compiler.layout import CONTEXT, State
from tonerig.realtime.compiler.unit import load
from tonerig.realtime.kernels import kernel_for, modulation

from .play import BLOCKS, Player

RATE = 48000.0
SOUND = np.random.default_rng(1).normal(0, 0.3, 9000).astype(np.float32)


def array(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def expected(network: Modulation, signal: NDArray[np.floating], start: int = 0) -> NDArray[np.float64]:
    """The docstring of `Modulation` in float64, its oscillator ``start`` samples old."""
    n = np.arange(signal.size)
    before = int(np.ceil(network.delay.max())) + 2
    x = np.concatenate([np.zeros(before), signal.astype(np.float64)])
    points = np.linspace(0.0, 1.0, network.delay.size)
    voices = np.zeros(signal.size)
    for v in range(network.voices):
        phase = (network.phase + (n + start) * network.rate_hz / RATE + v / network.voices) % 1.0
        place = n - np.interp(phase, points, network.delay)
        voices += np.interp(phase, points, network.gain) * np.interp(place + before, np.arange(x.size), x)
    direct = np.convolve(signal.astype(np.float64), network.direct)[: signal.size]
    return np.asarray(direct + np.convolve(voices, network.wet)[: signal.size])


def chorus(points: int = 64) -> Modulation:
    """One voice on a sine of 1.5 Hz around 12.3 ms."""
    turn = np.linspace(0.0, 2 * np.pi, points + 1)
    delay = (590.0 + 110.3 * np.sin(turn)).astype(np.float32)
    return Modulation(array(0.5, 0.1), array(0.4, -0.2, 0.1), delay, np.ones_like(delay), 1.5, 0.3)


def octave() -> Modulation:
    """Two voices on a sawtooth of 50 ms under a Hann window: an octave up."""
    points = np.linspace(0.0, 1.0, 65)
    delay, window = 2400.0 * (1.0 - points), 0.5 - 0.5 * np.cos(2 * np.pi * points)
    return Modulation(
        array(0.0), array(1.0), delay.astype(np.float32), window.astype(np.float32), 20.0, 0.1, 2
    )


def vibrato() -> Modulation:
    """Five fast voices that reach the newest sample, with long filters."""
    delay, gain = array(0.0, 30.7, 2.2, 100.0), array(1.0, -0.4, 0.3, 0.2)
    rng = np.random.default_rng(2)
    direct, wet = ((0.1 * rng.normal(size=count)).astype(np.float32) for count in (150, 300))
    return Modulation(direct, wet, delay, gain, 33.3, 0.999, 5)


@pytest.mark.parametrize("network", [chorus(), chorus(1), octave(), vibrato()])
def test_voices_are_where_the_oscillator_puts_them(network: Modulation) -> None:
    """Within 1e-5 of the formula, and the same bits at every block size."""
    model = NeuralModel(network, RATE)
    assert kernel_for(model) is modulation
    player = Player(model)
    output = player.play(SOUND, 64)
    assert np.abs(output - expected(network, SOUND)).max() < 1e-5
    for block in BLOCKS:
        assert np.array_equal(player.play(SOUND, block), output)


def test_the_phase_is_exact_after_a_day() -> None:
    """A state that is 24 hours old goes on as the formula does there."""
    network, start = octave(), 24 * 3600 * 48000 + 12345
    model = NeuralModel(network, RATE)
    state, context, output = modulation.make_state(model), State(CONTEXT), np.zeros_like(SOUND)
    state.record["place"] = start
    process = load(modulation.units(model)[0]).function("process", *[ctypes.c_int64] * 5)
    process(context.address, state.address, SOUND.ctypes.data, output.ctypes.data, SOUND.size)
    assert np.abs(output - expected(network, SOUND, start)).max() < 1e-5


def test_delays_outside_the_past_stay_inside_the_memory() -> None:
    """A negative delay is none, and the loudest samples pass without a crash."""
    network = Modulation(array(0.0), array(1.0), array(-5.0, -3e38), array(1.0, 1.0), 1.0)
    output = Player(NeuralModel(network, RATE)).play(SOUND, 100)
    np.testing.assert_allclose(output, SOUND, atol=1e-6)
    loud = np.full(4000, 3e38, np.float32)
    assert Player(NeuralModel(vibrato(), RATE)).play(loud, 64, 7).size == 4000


@pytest.mark.parametrize(
    "network",
    [
        Modulation(array(1.0), array(1.0), array(0.0, 2.0**24), array(1.0, 1.0), 1.0),
        Modulation(array(1.0), array(1.0), array(0.0, 1.0), array(1.0), 1.0),
        Modulation(array(1.0), array(1.0), array(0.0, 1.0), array(1.0, 1.0), 1.0, voices=0),
        Modulation(array(1.0), array(1.0), array(0.0, 1.0), array(1.0, 1.0), 1e30),
        Modulation(array(1.0), array(1.0), array(0.0, 1.0), array(1.0, 1.0), 1.0, float("nan")),
    ],
)
def test_what_it_cannot_play_is_left_to_others(network: Modulation) -> None:
    """A delay beyond the ring, tables of two lengths, no voices, and an oscillator without a place."""
    assert kernel_for(NeuralModel(network, RATE)) is None
