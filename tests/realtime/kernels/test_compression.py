"""The compressor's kernel, against the formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tonerig.export.model import Compression, NeuralModel
from tonerig.realtime.kernels import compression, kernel_for

from .play import BLOCKS, Player

_RNG = np.random.default_rng(1)
SOUND = (_RNG.normal(0, 0.3, 9000) * np.repeat([1.0, 0.001, 0.2], 3000)).astype(np.float32)


def array(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def expected(network: Compression, signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """The docstring of `Compression` in float64."""
    x = signal.astype(np.float64)
    level, envelope = np.empty(x.size), 0.0
    for t, size in enumerate(np.abs(x)):
        a = network.attack if size > envelope else network.release
        envelope += (1.0 - a) * (size - envelope)
        level[t] = envelope
    level_db = 20.0 * np.log10(np.maximum(level, 1e-200))
    gain = 10.0 ** (np.interp(level_db, network.levels_db, network.gains_db) / 20.0)
    return np.asarray(np.convolve(x * gain, network.response.astype(np.float64))[: x.size])


COMPRESSOR = Compression(
    0.995, 0.9998, array(-60, -40, -30, -20, 0), array(12, 12, 10, 4, -11), array(0.9, 0.05, -0.02)
)
LIMITER = Compression(0.0, 0.99, array(-6, 40), array(0, -46), array(1.0))
EXPANDER = Compression(
    0.9, 0.9999, np.linspace(-120, 0, 97).astype(np.float32), np.linspace(-60, 0, 97).astype(np.float32) ** 3,
    (0.1 * _RNG.normal(size=200)).astype(np.float32),
)  # fmt: skip
CONSTANT = Compression(0.9, 0.9, array(-20), array(-6), array(1.0))


@pytest.mark.parametrize("network", [COMPRESSOR, LIMITER, EXPANDER, CONSTANT])
def test_the_gain_follows_the_envelope(network: Compression) -> None:
    """Within 1e-5 of the formula, and the same bits at every block size."""
    model = NeuralModel(network)
    assert kernel_for(model) is compression
    player = Player(model)
    output = player.play(SOUND, 64)
    assert np.abs(output - expected(network, SOUND)).max() < 1e-5
    for block in BLOCKS:
        assert np.array_equal(player.play(SOUND, block), output)


@settings(max_examples=15, deadline=None)
@given(
    attack=st.floats(0.0, 0.99999),
    release=st.floats(0.0, 0.99999),
    points=st.lists(
        st.tuples(st.integers(-120, 20), st.floats(-60, 20, width=32)),
        min_size=1, max_size=9, unique_by=lambda point: point[0],
    ),
    blocks=st.lists(st.integers(1, 700), min_size=1, max_size=6),
)  # fmt: skip
def test_any_curve_in_any_blocks(
    attack: float, release: float, points: list[tuple[int, float]], blocks: list[int]
) -> None:
    """Whatever the times and the curve, and however the blocks vary."""
    levels, gains = np.array(sorted(points), np.float32).T
    network = Compression(attack, release, levels, gains, array(1.0))
    output = Player(NeuralModel(network)).play(SOUND, *blocks)
    wanted = expected(network, SOUND)
    assert np.abs(output - wanted).max() < 1e-5 * max(1.0, np.abs(wanted).max())


def test_silence_and_the_quietest_sounds_have_the_first_points_gain() -> None:
    """An envelope of 0 and denormal samples lie below every point."""
    network = Compression(0.5, 0.5, array(-100, 0), array(20, 0), array(1.0))
    quiet = np.array([0.0, 1e-30, -1e-42, 0.0] * 100, np.float32)
    output = Player(NeuralModel(network)).play(quiet, 64)
    np.testing.assert_allclose(output, 10.0 * quiet, rtol=1e-5, atol=1e-40)


def test_a_step_in_the_curve_is_played_as_one() -> None:
    """Two points at the same level: below it the one gain, above it the other."""
    network = Compression(0.0, 0.0, array(-20, -20), array(0, -20), array(1.0))
    signal = np.tile(array(0.05, 0.5), 50)
    output = Player(NeuralModel(network)).play(signal, 64)
    np.testing.assert_allclose(output, np.tile([0.05, 0.05], 50), rtol=1e-5)


def test_the_largest_numbers_do_no_harm() -> None:
    """The loudest samples and absurd curves come back: nothing hangs or crashes."""
    network = Compression(0.9, 0.9, array(-3e38, 3e38), array(3e38, -3e38), array(1.0, -1.0))
    loud = np.tile(array(3e38, -3e38, 0.0), 1000)
    assert Player(NeuralModel(network)).play(loud, 64, 7).size == 3000
    assert Player(NeuralModel(COMPRESSOR)).play(loud, 64, 7).size == 3000


def test_a_curve_without_points_is_left_to_others() -> None:
    """No points, or gains for other points: no kernel."""
    for levels, gains in ((array(), array()), (array(-20), array(-6, 0))):
        assert kernel_for(NeuralModel(Compression(0.9, 0.9, levels, gains, array(1.0)))) is None
