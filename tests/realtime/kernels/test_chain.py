"""Chains of models on one kernel, against their parts one after another."""

from __future__ import annotations

import numpy as np
from tonerig.export.model import Chain, Container, Gain, NeuralModel
from tonerig.export.reference import evaluate
from tonerig.realtime.engine.program import Program, compile_chain
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.kernels import chain, kernel_for
from tonerig.realtime.processors.neural import Neural

from tests.models import random_model

from .play import BLOCKS, Player
from .test_compression import COMPRESSOR
from .test_compression import expected as compressed
from .test_echo import expected as echoed
from .test_echo import random_echo, single
from .test_modulation import expected as modulated
from .test_modulation import octave

SOUND = np.random.default_rng(1).normal(0, 0.3, 6000).astype(np.float32)
DOUBLE = NeuralModel(Gain(np.log([2.0]).astype(np.float32)))


def chained(*models: NeuralModel) -> NeuralModel:
    """The models as one, after all their silence."""
    return NeuralModel(Chain(models), prewarm=sum(model.prewarm for model in models))


def test_parts_play_one_after_another() -> None:
    """Gain, compressor, octave and echo give what their formulas give in turn, at every block size."""
    echo = random_echo(400, 3, 70, 5)
    model = chained(DOUBLE, *(NeuralModel(network) for network in (COMPRESSOR, octave(), echo)))
    assert kernel_for(model) is chain
    player = Player(model)
    output = player.play(SOUND, 64)
    loud = compressed(COMPRESSOR, 2.0 * SOUND)
    wanted = echoed(echo, modulated(octave(), loud))
    assert np.abs(output - wanted).max() < 1e-5
    assert np.abs(output - evaluate(model, SOUND)).max() < 1e-5
    for block in BLOCKS:
        assert np.array_equal(player.play(SOUND, block), output)


def test_networks_with_weights_play_in_a_chain() -> None:
    """A WaveNet, a filter and an LSTM match the reference after their silence, and every block the bits."""
    model = random_model("chain", 0)
    assert kernel_for(model) is chain
    player = Player(model)
    output = player.play(SOUND, 64)
    assert np.abs(output - evaluate(model, SOUND)).max() < 1e-5
    for block in BLOCKS:
        assert np.array_equal(player.play(SOUND, block), output)


def test_chains_and_containers_stand_in_chains() -> None:
    """A part may be a chain, or several sizes of which the largest plays; one part alone is a chain too."""
    sizes = NeuralModel(Container(((0.5, chained(DOUBLE, DOUBLE, DOUBLE)), (1.0, chained(DOUBLE)))))
    model = chained(DOUBLE, chained(chained(DOUBLE), sizes))
    assert kernel_for(model) is chain
    np.testing.assert_allclose(Player(model).play(SOUND, 100), 8.0 * SOUND, rtol=1e-5)


def test_oscillators_turn_at_the_rate_of_the_whole() -> None:
    """What a part says of its own rate does not count."""
    model = NeuralModel(Chain((NeuralModel(octave(), 48000.0), DOUBLE)), 44100.0)
    output = Player(model).play(SOUND, 64)
    assert np.abs(output - evaluate(model, SOUND)).max() < 1e-5
    other = NeuralModel(Chain((NeuralModel(octave(), 96000.0), DOUBLE)), 44100.0)
    assert np.array_equal(Player(other).play(SOUND, 64), output)


def test_silence_before_the_start_turns_the_oscillators() -> None:
    """A prewarm of 700 samples is 700 samples of the oscillator, as in the reference."""
    model = NeuralModel(Chain((NeuralModel(octave()), NeuralModel(random_echo(64, 2, 2, 2)))), prewarm=700)
    assert np.abs(Player(model).play(SOUND, 64) - evaluate(model, SOUND)).max() < 1e-5


def test_a_reset_reaches_the_parts() -> None:
    """Parts of parts are silent again: nothing of an echo in a chain in a chain is left."""
    model = chained(chained(DOUBLE, NeuralModel(random_echo(64, 200, 200, 200))), DOUBLE)
    player = Player(model)
    assert player.play(SOUND, 64).any()
    assert not player.play(np.zeros_like(SOUND), 64).any()


def test_the_processor_plays_chains() -> None:
    """`Neural` prepares, plays and resets a chain like any other model, in stereo."""
    model = chained(DOUBLE, NeuralModel(random_echo(64, 9, 9, 9)))
    rig: list[Neural] = [Neural({"normalization": "raw"}, model=model)]
    compile_chain(rig)
    program = Program(rig, model.sample_rate, 64, 2)
    sound = np.stack([SOUND, -0.5 * SOUND])
    first = Runner(program).process(sound).copy()
    program.reset()
    assert np.array_equal(Runner(program).process(sound), first)
    wanted = echoed(random_echo(64, 9, 9, 9), 2.0 * SOUND)
    np.testing.assert_allclose(first, [wanted, -0.5 * wanted], atol=1e-5)


def test_a_chain_without_parts_or_with_one_that_no_kernel_takes_is_left_to_others() -> None:
    """One part without a kernel is enough."""
    short = NeuralModel(single(1.0, 1.0, 0.5, 8))
    assert kernel_for(chained()) is None
    assert kernel_for(chained(DOUBLE, short)) is None
    assert kernel_for(chained(DOUBLE, chained(short, DOUBLE))) is None
