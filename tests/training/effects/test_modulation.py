"""Choruses and vibratos found again in what they make of sound: plain formulas, and pedalboard's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from tonerig.export.model import Modulation, NeuralModel
from tonerig.training.effects.config import TrainingError
from tonerig.training.effects.data import Pair
from tonerig.training.effects.modulation import learn_modulation
from tonerig.training.signals import dry_signal

RATE = 16000.0


def _voice(dry: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """The sound ``delay`` samples earlier, on straight lines between samples, silent before its start."""
    places = np.arange(len(dry)) - delay
    return np.interp(places, np.arange(len(dry)), dry.astype(np.float64), left=0.0)


def _play(model: NeuralModel, dry: np.ndarray) -> np.ndarray:
    """What the model makes of a sound, by the formula of `Modulation`'s docstring."""
    network = model.network
    assert isinstance(network, Modulation)
    phase = (network.phase + np.arange(len(dry)) * network.rate_hz / RATE) % 1.0
    points = np.linspace(0, 1, len(network.delay))
    voice = np.interp(phase, points, network.gain) * _voice(dry, np.interp(phase, points, network.delay))
    direct, wet = (taps.astype(np.float64) for taps in (network.direct, network.wet))
    return lfilter(direct, 1, dry.astype(np.float64)) + lfilter(wet, 1, voice)


def _pair(dry: np.ndarray, wet: np.ndarray) -> Pair:
    return Pair("take", dry.astype(np.float32), wet.astype(np.float32), RATE)


def _esr(output: np.ndarray, wet: np.ndarray) -> float:
    return float(np.sum((output - wet) ** 2) / np.sum(wet**2))


def _noise(wet: np.ndarray) -> np.ndarray:
    """At -60 dB below the sound."""
    return 1e-3 * np.sqrt(np.mean(wet**2)) * np.random.default_rng(0).standard_normal(len(wet))


@pytest.mark.parametrize(("rate_hz", "direct", "level"), [(1.3, 0.6, 0.4), (0.9, 0.5, -0.5), (4.0, 0.0, 1.0)])
def test_rate_delay_and_levels_are_found_under_noise(rate_hz: float, direct: float, level: float) -> None:
    """Of a chorus, one with its voice upside down, and a vibrato: each number comes back."""
    dry = dry_signal(8.0, RATE, 3)
    turn = 2 * np.pi * (np.arange(len(dry)) * rate_hz / RATE + 0.3)
    swing = 1.5e-3 if rate_hz < 3 else 0.5e-3
    wet = direct * dry + level * _voice(dry, RATE * (6e-3 + swing * np.sin(turn)))
    model = learn_modulation([_pair(dry, wet + _noise(wet))], harmonics=3)
    network = model.network
    assert isinstance(network, Modulation)
    assert network.rate_hz == pytest.approx(rate_hz, rel=1e-4)
    assert network.direct[0] == pytest.approx(direct, abs=1e-3)
    assert network.wet[0] * network.gain.mean() == pytest.approx(level, abs=1e-3)
    expected = RATE * (6e-3 + swing * np.sin(2 * np.pi * (np.linspace(0, 1, len(network.delay)) + 0.3)))
    assert np.abs(network.delay - expected).max() < 0.2
    assert _esr(_play(model, dry), wet) < 1e-5


def test_a_filtered_voice_and_a_gain_that_moves_are_found() -> None:
    """A dark voice, louder on one side of its way: other sound comes out right, from the same phase."""

    def effect(dry: np.ndarray) -> np.ndarray:
        turn = 2 * np.pi * np.arange(len(dry)) * 1.1 / RATE
        voice = (1 + 0.4 * np.cos(turn)) * _voice(dry, RATE * (8e-3 + 2e-3 * np.sin(turn)))
        return 0.5 * dry + lfilter([0.2, 0.2, 0.1], 1, voice)

    dry, other = dry_signal(10.0, RATE, 4), dry_signal(3.0, RATE, 5)
    model = learn_modulation([_pair(dry, effect(dry))], harmonics=3)
    assert _esr(_play(model, other), effect(other)) < 1e-3


def test_two_pairs_share_their_phase() -> None:
    """Each sound begins at the same phase: the two together make one model."""

    def effect(dry: np.ndarray) -> np.ndarray:
        turn = 2 * np.pi * np.arange(len(dry)) * 1.7 / RATE
        return 0.5 * dry + 0.5 * _voice(dry, RATE * (6e-3 + 1e-3 * np.sin(turn)))

    sounds = [dry_signal(seconds, RATE, seed) for seconds, seed in ((6.0, 6), (4.3, 7))]
    model = learn_modulation([_pair(dry, effect(dry)) for dry in sounds])
    other = dry_signal(3.0, RATE, 8)
    assert _esr(_play(model, other), effect(other)) < 1e-4


def test_pedalboards_chorus_is_found() -> None:
    """On sound never learnt from, next to nothing is left of the error."""
    pedalboard = pytest.importorskip("pedalboard")

    def wet(dry: np.ndarray) -> np.ndarray:
        return np.asarray(pedalboard.Chorus(1.0, 0.25, 7.0, 0.0, 0.5)(dry[None], RATE)[0])

    dry, other = dry_signal(10.0, RATE, 9), dry_signal(3.0, RATE, 10)
    reports: list[float] = []
    model = learn_modulation([_pair(dry, wet(dry))], progress=reports.append)
    assert _esr(_play(model, other), wet(other)) < 1e-5
    assert reports == sorted(reports)
    assert reports[-1] == 1.0


def test_what_does_not_move_is_refused() -> None:
    """A fixed echo and a filter are told from a chorus."""
    dry = dry_signal(4.0, RATE, 11)
    with pytest.raises(TrainingError, match="nothing moves in the wet sound of take"):
        learn_modulation([_pair(dry, lfilter([0.5, 0.2, 0.1], 1, dry))])


def test_what_is_no_chorus_is_refused() -> None:
    """Wet sound that has nothing to do with the dry gets a sentence with the numbers."""
    dry = dry_signal(4.0, RATE, 12)
    with pytest.raises(TrainingError, match="no voice with a moving delay"):
        learn_modulation([_pair(dry, np.random.default_rng(0).standard_normal(len(dry)))])
