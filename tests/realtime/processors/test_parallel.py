"""Two chains side by side: their mix, their latency, and a link that fails."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.export.model import Convolution, NeuralModel, Stack
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.processors.delay import Delay
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.mono import Mono
from tonerig.realtime.processors.neural import Neural
from tonerig.realtime.processors.parallel import Parallel
from tonerig.realtime.processors.stereo import Stereo

from tests.realtime.run import BLOCKS, noise, prepared, run


def model(weight: float, sample_rate: float = 48000.0) -> NeuralModel:
    """A model that multiplies its input."""
    layer = Convolution(np.full((1, 1, 1), weight, np.float32))
    return NeuralModel(Stack((layer,)), sample_rate=sample_rate)


@pytest.mark.parametrize("mix", [0.0, 25.0, 50.0, 100.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_mix_is_of_equal_gain(mix: float, channels: int) -> None:
    """The output is (1 - mix) a + mix b for two chains of gains."""
    signal = noise(0.1, channels)
    chains = {"a": [Gain({"gain_db": 6.0}), Gain({"gain_db": -3.0})], "b": [Gain({"gain_db": -20.0})]}
    output = run(prepared(Parallel({"mix": mix}, **chains), channels), signal)
    expected = (1 - mix / 100) * 10 ** (3 / 20) + mix / 100 * 0.1
    np.testing.assert_allclose(output, expected * signal, atol=1e-6)


def test_empty_chains_are_wires() -> None:
    """Without processors on either side the input passes, at half the mix too."""
    signal = noise(0.1, 2)
    assert np.array_equal(run(prepared(Parallel(), 2), signal), signal)


def test_the_wider_chain_gives_the_channels() -> None:
    """A mono path is on both sides beside a stereo one; two mono paths give one channel."""
    signal = noise(0.1, 2)
    wide = prepared(Parallel(a=[Mono()], b=[Mono(), Stereo({"pan": 100.0})]), 2)
    middle = 0.5 * (signal[0] + signal[1])
    np.testing.assert_allclose(run(wide, signal), [0.5 * middle, middle], atol=1e-6)
    narrow = prepared(Parallel(a=[Mono()], b=[Mono({"side": "left"})]), 2)
    assert run(narrow, signal).shape[0] == 1


@pytest.mark.parametrize("channels", [1, 2])
def test_the_faster_path_waits_for_the_slower(channels: int) -> None:
    """Beside a resampled model a wire is delayed by exactly the model's latency, which is what it states."""
    signal = noise(0.2, channels)
    slow = Neural({"normalization": "raw"}, model=model(1.0, 44100.0))
    both = prepared(Parallel({"mix": 0.0}, b=[slow]), channels)
    assert both.latency == slow.latency > 0
    assert np.array_equal(run(both, signal)[:, both.latency :], signal[:, : -both.latency])
    swapped = Neural({"normalization": "raw"}, model=model(1.0, 44100.0))
    other = prepared(Parallel({"mix": 100.0}, a=[swapped]), channels)
    assert np.array_equal(run(other, signal)[:, other.latency :], signal[:, : -other.latency])


def test_a_link_that_fails_is_silent_and_seen() -> None:
    """A model that gives Inf is muted and named; the other path sounds on, and a reset brings it back."""
    bad = Neural({"normalization": "raw"}, model=model(3e38))
    parallel = Parallel(a=[Gain()], b=[Gain(), bad])
    program = Program([parallel], 48000.0, 64, 1)
    signal = noise(0.05, level=10.0)
    output = Runner(program).process(signal)
    np.testing.assert_allclose(output, 0.5 * signal, rtol=1e-6)
    assert parallel.muted() == [("b", 1)]
    assert parallel.state.record["muted"] == 1
    assert program.muted() == []
    program.reset()
    assert parallel.muted() == []


def test_chains_nest() -> None:
    """A parallel within a parallel mixes as arithmetic says, at a quarter each."""
    signal = noise(0.1)
    inner = Parallel(a=[Gain({"gain_db": 20.0})], b=[Gain({"gain_db": -20.0})])
    output = run(prepared(Parallel(a=[inner])), signal)
    np.testing.assert_allclose(output, (0.25 * 10.1 + 0.5) * signal, rtol=1e-5)


def test_reset_reaches_the_chains() -> None:
    """After a reset a delay inside has forgotten what it heard."""
    parallel = prepared(Parallel(b=[Delay({"time_ms": 20.0})]))
    signal = noise(0.2)
    first = run(parallel, signal)
    parallel.reset()
    assert np.array_equal(run(parallel, signal), first)


def test_units_include_those_inside() -> None:
    """What has to be compiled beforehand is known before anything is prepared."""
    modules = [unit.module for unit in Parallel(a=[Mono()], b=[Parallel(b=[Delay()])]).units()]
    assert modules == ["processors.parallel", "processors.mono", "processors.parallel", "processors.delay"]


def test_a_turned_mix_makes_no_steps() -> None:
    """From one path to the other, no sample of a constant is more than 5 % away from the one before."""
    parallel = prepared(Parallel({"mix": 0.0}, b=[Gain({"gain_db": -60.0})]))
    output = run(parallel, np.ones(9600), changes={1000: {"mix": 100.0}})[0]
    assert np.abs(np.diff(output)).max() < 0.05
    assert output[-1] == pytest.approx(1e-3)


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_do_not_matter(block: int) -> None:
    """The same bits in any block size, with latency, echoes and a turn of the mix."""
    signal, changes = noise(0.2, 2), {3333: {"mix": 90.0}}

    def play(*blocks: int) -> np.ndarray:
        slow = Neural({"normalization": "raw"}, model=model(0.5, 44100.0))
        return run(prepared(Parallel(a=[slow], b=[Delay()]), 2), signal, *blocks, changes=changes)

    assert np.array_equal(play(block), play(37))
