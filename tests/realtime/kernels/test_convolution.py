"""Convolution without latency, against SciPy and at every block size."""

from __future__ import annotations

import ctypes
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import oaconvolve
from tonerig.export.model import Convolution, NeuralModel, Stack
from tonerig.realtime.compiler.layout import CONTEXT, State
from tonerig.realtime.compiler.unit import Unit, load
from tonerig.realtime.kernels import convolution, feedforward, kernel_for
from tonerig.realtime.kernels.convolution import filter_state

from .play import Player

Signal = NDArray[np.float32]
BLOCKS = (1, 16, 64, 96, 441, 2048)
SOUND = np.random.default_rng(1).normal(0, 0.3, 9000).astype(np.float32)


def convolved(state: State, signal: Signal, *blocks: int) -> Signal:
    """The output for a signal in blocks of the given sizes in turn."""
    process = load(Unit.of("kernels.convolution")).function("process", *[ctypes.c_int64] * 5)
    context, output, start = State(CONTEXT), np.full_like(signal, np.nan), 0
    for size in cycle(blocks):
        count = min(size, signal.size - start)
        if count == 0:
            break
        place = 4 * start
        process(context.address, state.address, signal.ctypes.data + place, output.ctypes.data + place, count)
        start += count
    return output


def response(taps: int, seed: int = 0) -> NDArray[np.float64]:
    """Decaying noise of energy 1."""
    decay = np.exp(-4 * np.arange(taps) / taps)
    noise = np.random.default_rng(seed).normal(size=taps) * decay
    return np.asarray(noise / np.linalg.norm(noise))


@pytest.mark.parametrize("taps", [1, 63, 64, 65, 1000, 2048, 2049, 3072, 3073, 8192])
def test_it_convolves_as_scipy_does(taps: int) -> None:
    """Within 1e-5 from the first sample, on either side of each boundary between the three parts."""
    h = response(taps)
    expected = oaconvolve(SOUND.astype(np.float64), h)[: SOUND.size]
    np.testing.assert_allclose(convolved(filter_state(h), SOUND, 64), expected, atol=2e-6)


@settings(max_examples=20, deadline=None)
@given(
    taps=st.integers(1, 6000),
    blocks=st.lists(st.integers(1, 700), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_any_length_in_any_blocks(taps: int, blocks: list[int], seed: int) -> None:
    """Whatever the taps and however the blocks vary, it is SciPy's convolution."""
    h = response(taps, seed)
    expected = oaconvolve(SOUND.astype(np.float64), h)[: SOUND.size]
    np.testing.assert_allclose(convolved(filter_state(h), SOUND, *blocks), expected, atol=3e-6)


@pytest.mark.parametrize("taps", [40, 700, 5000])
def test_block_sizes_change_no_bit(taps: int) -> None:
    """All block sizes give the same bits as blocks of 64."""
    state = filter_state(response(taps))
    state.seal()
    expected = convolved(state, SOUND, 64)
    for block in BLOCKS:
        state.reset()
        assert convolved(state, SOUND, block).tobytes() == expected.tobytes()


def test_the_past_ends_with_the_last_tap() -> None:
    """Silence after a sound is exact once the response is over."""
    signal = np.concatenate([SOUND[:1000], np.zeros(9000, np.float32)])
    output = convolved(filter_state(response(4000)), signal, 64)
    assert np.abs(output[4800:4990]).max() > 0
    # what the last transforms leave is at rounding level for at most two long blocks
    assert np.abs(output[5000:]).max() < 1e-6
    assert not output[5000 + 2 * 1024 :].any()


@pytest.mark.parametrize("taps", [[], [float("nan")], [1.0, float("inf")], np.zeros(2**23 + 1)])
def test_taps_that_cannot_be_played_are_refused(taps: list[float]) -> None:
    """No taps, too many, or some that are not finite."""
    with pytest.raises(ValueError, match="expected 1 to 8388608, all finite"):
        filter_state(taps)


@pytest.mark.parametrize("tap", [0, 63, 64, 127, 2047, 2048, 3071, 3072, 5000])
def test_a_single_tap_delays(tap: int) -> None:
    """One tap anywhere, at the seams of the partitions too, delays the sound by its place."""
    taps = np.zeros(tap + 1)
    taps[tap] = 1.0
    expected = np.concatenate([np.zeros(tap), SOUND])[: SOUND.size]
    np.testing.assert_allclose(convolved(filter_state(taps), SOUND, 96), expected, atol=1e-6)


def test_taps_of_zero_are_silent_and_free() -> None:
    """Zeros alone give silence; zeros behind the last tap make no partitions."""
    assert not convolved(filter_state(np.zeros(5000)), SOUND, 64).any()
    assert filter_state(np.append(response(500), np.zeros(9000))).record["long_partitions"] == 0


def test_a_model_that_is_one_long_convolution_plays_here() -> None:
    """Weights, bias and gains give SciPy's correlation of the gained signal, at every block size."""
    weight, signal = response(3000).astype(np.float32)[None, None], SOUND
    network = Stack((Convolution(weight, np.array([0.25], np.float32)),), input_gain=0.5, output_gain=3.0)
    model = NeuralModel(network, prewarm=2999)
    assert kernel_for(model) is convolution
    player = Player(model)
    output = player.play(signal, 64)
    taps = weight[0, 0, ::-1].astype(np.float64)
    expected = 3.0 * (oaconvolve(0.5 * signal.astype(np.float64), taps)[: signal.size] + 0.25)
    assert np.abs(output - expected).max() < 2e-6
    for block in BLOCKS:
        assert np.array_equal(player.play(signal, block), output)


def test_other_networks_are_left_to_other_kernels() -> None:
    """Short, dilated, skipped, wide or stacked convolutions are not taken."""
    long, short = (
        Convolution(response(500).astype(np.float32)[None, None]),
        Convolution(response(100).astype(np.float32)[None, None]),
    )
    dilated = Convolution(response(500).astype(np.float32)[None, None], dilation=2)
    wide = Convolution(np.ones((2, 1, 500), np.float32))
    assert convolution.takes(NeuralModel(Stack((long,))))
    for network in (
        Stack((short,)),
        Stack((dilated,)),
        Stack((wide,)),
        Stack((long, long)),
        Stack((long,), skip=True),
    ):
        assert not convolution.takes(NeuralModel(network))
    assert kernel_for(NeuralModel(Stack((short,)))) is feedforward
