"""Delays learnt from sound: known difference equations, noise, and effects that have no repeats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from tonerig.export.model import Echo, NeuralModel
from tonerig.training.effects.config import TrainingError
from tonerig.training.effects.data import Pair
from tonerig.training.effects.echo import Line, learn_echo
from tonerig.training.signals import dry_signal

RATE = 16000.0
DELAY = 1003
DIRECT, ENTER = np.array((0.7, 0.1)), np.array((0.0, 0.3, 0.2))
LOOP = np.array((0.1, 0.35, 0.1, -0.02))


def sound(seconds: float, seed: int = 1) -> np.ndarray:
    """The generated guitar at the tests' rate."""
    return dry_signal(seconds, RATE, seed)


def echoed(
    dry: np.ndarray, direct: np.ndarray, enter: np.ndarray, loop: np.ndarray, delay: int
) -> np.ndarray:
    """The sound of an echo as one rational filter, by SciPy's difference equation."""
    late = np.concatenate((np.zeros(delay), enter))
    feedback = np.concatenate(([1.0], np.zeros(delay - 1), -loop))
    x = dry.astype(np.float64)
    return np.asarray(signal.lfilter(direct, 1.0, x) + signal.lfilter(late, feedback, x), np.float32)


def played(model: NeuralModel, dry: np.ndarray) -> np.ndarray:
    """The output of a model by the same equation."""
    network = model.network
    assert isinstance(network, Echo)
    parts = (part.astype(np.float64) for part in (network.direct, network.enter, network.loop))
    return echoed(dry, *parts, network.delay)


def esr(output: np.ndarray, wet: np.ndarray) -> float:
    """Energy of the difference over that of the wet sound."""
    return float(((output - wet).astype(np.float64) ** 2).sum() / (wet.astype(np.float64) ** 2).sum())


def learnt(wet: np.ndarray, dry: np.ndarray) -> NeuralModel:
    """A model of one pair, named ``take 1``."""
    return learn_echo([Pair("take 1", dry, wet, RATE)], longest_delay_s=0.15)


@pytest.mark.parametrize("delay", [64, 200, DELAY])
def test_a_line_is_its_difference_equation(delay: int) -> None:
    """Computed block by block, it is SciPy's rational filter, also with filters as long as the delay."""
    rng = np.random.default_rng(1)
    direct, enter, loop = rng.standard_normal((3, 64)) / 64
    dry = rng.standard_normal(5000)
    expected = echoed(dry, direct, enter, loop, delay)
    np.testing.assert_allclose(Line(direct, enter, loop, delay).play(dry), expected, atol=1e-6)


def test_a_known_echo_is_found() -> None:
    """Delay and filters of a repeating echo give sound never heard as its difference equation does."""
    dry, other = sound(8.0), sound(3.0, seed=7)
    shares: list[float] = []
    model = learn_echo(
        [Pair("take 1", dry, echoed(dry, DIRECT, ENTER, LOOP, DELAY), RATE)],
        name="Tape",
        gear_type="pedal",
        longest_delay_s=0.15,
        progress=shares.append,
    )
    assert esr(played(model, other), echoed(other, DIRECT, ENTER, LOOP, DELAY)) < 1e-7
    assert (model.metadata.name, model.metadata.gear_type, model.sample_rate) == ("Tape", "pedal", RATE)
    assert model.metadata.extra["delay_ms"] == pytest.approx(1000 * (DELAY + 1) / RATE, abs=0.1)
    assert model.metadata.loudness_db is not None and -60 < model.metadata.loudness_db < 0
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_pedalboard_delay_becomes_three_numbers() -> None:
    """JUCE's delay line, without filters, is one tap each of direct sound, entry and loop."""
    pedalboard = pytest.importorskip("pedalboard", reason="pedalboard is not installed")
    dry = sound(8.0)
    model = learnt(pedalboard.Delay(0.11, 0.4, 0.5)(dry, RATE), dry)
    network = model.network
    assert isinstance(network, Echo)
    assert [len(part) for part in (network.direct, network.enter, network.loop)] == [1, 1, 1]
    np.testing.assert_allclose(
        [network.direct[0], network.enter[0], network.loop[0]], [0.5, 0.5, 0.4], atol=1e-6
    )
    assert abs(network.delay - 0.11 * RATE) <= 2


def test_repeats_alone_and_a_single_repeat_are_echoes() -> None:
    """Without direct sound, and with a loop of nothing, the model holds for sound never heard."""
    dry, other = sound(8.0), sound(3.0, seed=7)
    for direct, loop in ((np.zeros(1), np.array((0.5,))), (np.ones(1), np.zeros(1))):
        settings = (direct, np.array((0.6,)), loop, 1500)
        model = learnt(echoed(dry, *settings), dry)
        assert esr(played(model, other), echoed(other, *settings)) < 1e-6


def test_noise_is_not_learnt() -> None:
    """With noise 60 dB below the wet sound, the model is closer to the clean sound than the noise is."""
    dry, other = sound(10.0), sound(3.0, seed=7)
    wet = echoed(dry, DIRECT, ENTER, LOOP, DELAY)
    noise = 1e-3 * np.sqrt(np.mean(wet**2)) * np.random.default_rng(3).standard_normal(len(wet))
    model = learnt((wet + noise).astype(np.float32), dry)
    assert esr(played(model, other), echoed(other, DIRECT, ENTER, LOOP, DELAY)) < 1e-6


def test_effects_without_repeats_are_refused() -> None:
    """A filter, a room of noise and unrelated sound are sent to the linear network, with what was found."""
    dry = sound(6.0)
    dull = np.asarray(signal.lfilter([0.3], [1.0, -0.7], dry), np.float32)
    with pytest.raises(TrainingError, match=r"take 1: nothing is heard later.*--network linear"):
        learnt(dull, dry)
    room = np.random.default_rng(2).standard_normal(2000) * np.exp(-np.arange(2000) / 500)
    reverberant = np.asarray(signal.fftconvolve(dry, room)[: len(dry)], np.float32)
    with pytest.raises(TrainingError, match=r"no repeats at equal distances.*--network linear"):
        learnt(reverberant, dry)
    with pytest.raises(TrainingError, match="take 1"):
        learnt(sound(6.0, seed=5)[::-1].copy(), dry)


def test_repeats_that_do_not_die_away_are_refused() -> None:
    """A loop with a gain of 1 would ring for ever, and is said with its distance and gain."""
    dry = sound(6.0)
    wet = echoed(dry, np.ones(1), np.array((0.5,)), np.array((1.0,)), DELAY)
    with pytest.raises(TrainingError, match=r"every 62\.\d ms, but they do not die away.*feedback"):
        learnt(wet, dry)


def test_silence_is_refused() -> None:
    """A silent recording is named."""
    dry = sound(2.0)
    with pytest.raises(TrainingError, match="take 1: the wet sound is silent"):
        learnt(np.zeros_like(dry), dry)
