"""The echo's kernel, against SciPy's recursive filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter
from tonerig.export.model import Echo, NeuralModel
from tonerig.realtime.kernels import echo, kernel_for

from .play import BLOCKS, Player

SOUND = np.random.default_rng(1).normal(0, 0.3, 9000).astype(np.float32)


def taps(rng: np.random.Generator, count: int, sum_of_sizes: float) -> NDArray[np.float32]:
    """Decaying noise whose magnitudes sum to a number: no frequency is amplified by more."""
    noise = rng.normal(size=count) * np.exp(-3 * np.arange(count) / count)
    return (sum_of_sizes * noise / np.abs(noise).sum()).astype(np.float32)


def single(direct: float, enter: float, loop: float, delay: int) -> Echo:
    """An echo whose filters have one tap each."""
    first, second, third = (np.array([value], np.float32) for value in (direct, enter, loop))
    return Echo(first, second, third, delay)


def random_echo(delay: int, direct: int, enter: int, loop: int, seed: int = 0) -> Echo:
    """An echo with filters of the given lengths that comes to rest."""
    rng = np.random.default_rng(seed)
    return Echo(taps(rng, direct, 1.0), taps(rng, enter, 1.0), taps(rng, loop, 0.9), delay)


def expected(network: Echo, signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """The transfer function ``direct + z^-delay enter / (1 - z^-delay loop)`` in float64."""
    wait = np.zeros(network.delay)
    numerator = np.concatenate([wait, network.enter.astype(np.float64)])
    denominator = np.concatenate([[1.0], wait[1:], -network.loop.astype(np.float64)])
    x = signal.astype(np.float64)
    result = lfilter(network.direct.astype(np.float64), [1.0], x) + lfilter(numerator, denominator, x)
    return np.asarray(result)


@pytest.mark.parametrize(
    ("delay", "lengths"),
    [(64, (1, 1, 1)), (65, (3, 64, 65)), (500, (200, 1, 64)), (4800, (1, 33, 3000)), (12000, (9, 9, 9))],
)
def test_it_repeats_as_the_recursive_filter_does(delay: int, lengths: tuple[int, int, int]) -> None:
    """Within 1e-5 of SciPy with short and long filters, and the same bits at every block size."""
    network = random_echo(delay, *lengths)
    model = NeuralModel(network)
    assert kernel_for(model) is echo
    player = Player(model)
    output = player.play(SOUND, 64)
    assert np.abs(output - expected(network, SOUND)).max() < 1e-5
    for block in BLOCKS:
        assert np.array_equal(player.play(SOUND, block), output)


@settings(max_examples=15, deadline=None)
@given(
    delay=st.integers(64, 3000),
    lengths=st.tuples(st.integers(1, 200), st.integers(1, 200), st.integers(1, 200)),
    blocks=st.lists(st.integers(1, 700), min_size=1, max_size=6),
)
def test_any_echo_in_any_blocks(delay: int, lengths: tuple[int, int, int], blocks: list[int]) -> None:
    """Whatever the delay and the filters, and however the blocks vary."""
    network = random_echo(delay, *lengths)
    output = Player(NeuralModel(network)).play(SOUND[:5000], *blocks)
    assert np.abs(output - expected(network, SOUND[:5000])).max() < 1e-5


def test_reset_forgets_the_tail() -> None:
    """After a reset the delay line and the filters, which are the state's parts, are silent."""
    player = Player(NeuralModel(random_echo(64, 200, 200, 200)))
    assert player.play(SOUND, 64).any()
    assert not player.play(np.zeros(9000, np.float32), 64).any()


def test_a_tail_ends_in_exact_silence() -> None:
    """What rings out below -360 dB becomes 0 rather than denormal."""
    network = single(1.0, 1.0, 0.3, 64)
    signal = np.zeros(12000, np.float32)
    signal[0] = 1.0
    output = Player(NeuralModel(network)).play(signal, 64)
    assert output[64 * 20] > 0
    assert not output[-2000:].any()


def test_the_largest_numbers_do_no_harm() -> None:
    """A loop that overflows comes back: it neither hangs nor crashes."""
    network = single(1.0, 2.0, -2.0, 64)
    loud = np.full(4000, 3e38, np.float32)
    assert Player(NeuralModel(network)).play(loud, 64, 7).size == 4000


def test_shorter_delays_are_left_to_others() -> None:
    """Below 64 samples, or beyond what the ring holds, there is no kernel."""
    for delay in (63, 2**23 + 1):
        assert kernel_for(NeuralModel(single(1.0, 1.0, 0.5, delay))) is None
