"""Shifts of pitch found again: from the formula of the model, from resampled tones, and pedalboard's."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.export.model import Modulation, NeuralModel
from tonerig.training.compare.distances import log_mel_distance
from tonerig.training.effects.config import TrainingError
from tonerig.training.effects.data import Pair
from tonerig.training.effects.octave import find_shifts, learn_octave
from tonerig.training.signals import dry_signal

RATE = 16000.0


def _shift(dry: np.ndarray, ratio: float, length: float) -> np.ndarray:
    """Two voices with a sawtooth delay of ``length`` samples under Hann windows."""
    output = np.zeros(len(dry))
    for voice in (0.0, 0.5):
        phase = (np.arange(len(dry)) * abs(1 - ratio) / length + voice) % 1.0
        delay = length * (phase if ratio < 1 else 1 - phase)
        places = np.arange(len(dry)) - delay
        output += np.sin(np.pi * phase) ** 2 * np.interp(places, np.arange(len(dry)), dry, left=0.0)
    return output


def _play(model: NeuralModel, dry: np.ndarray) -> np.ndarray:
    """What the model makes of a sound, by the formula of `Modulation`'s docstring."""
    network = model.network
    assert isinstance(network, Modulation)
    points = np.linspace(0, 1, len(network.delay))
    moved = np.zeros(len(dry))
    for voice in range(network.voices):
        phase = (network.phase + np.arange(len(dry)) * network.rate_hz / RATE + voice / network.voices) % 1.0
        places = np.arange(len(dry)) - np.interp(phase, points, network.delay)
        moved += np.interp(phase, points, network.gain) * np.interp(
            places, np.arange(len(dry)), dry, left=0.0
        )
    moved = np.convolve(moved, network.wet.astype(np.float64))[: len(dry)]
    return (np.convolve(dry, network.direct.astype(np.float64))[: len(dry)] + moved).astype(np.float32)


def _pair(dry: np.ndarray, wet: np.ndarray) -> Pair:
    return Pair("take", dry.astype(np.float32), wet.astype(np.float32), RATE)


@pytest.mark.parametrize("semitones", [-12.0, -5.0, 7.0, 12.0])
def test_the_shift_is_found_in_the_spectra(semitones: float) -> None:
    """Notes with eight harmonics each, played again at the shifted pitch: found to two cents."""
    rng = np.random.default_rng(1)
    time = np.arange(round(0.5 * RATE)) / RATE

    def notes(ratio: float) -> np.ndarray:
        return np.concatenate(
            [
                sum(np.sin(2 * np.pi * k * f * ratio * time) / k for k in range(1, 9)) * np.exp(-3 * time)
                for f in pitches
            ]
        )

    pitches = 90.0 * 2.0 ** (rng.uniform(0, 24, 12) / 12)
    found = find_shifts([(notes(1.0), notes(2.0 ** (semitones / 12)))], RATE)
    assert found[0] == pytest.approx(semitones, abs=0.02)


@pytest.mark.parametrize("ratio", [0.5, 1.5])
def test_grains_like_its_own_are_found(ratio: float) -> None:
    """Down an octave and up a fifth with grains of 30 ms: near in mel bands, and with the right slope."""
    dry = dry_signal(6.0, RATE, 3).astype(np.float64)
    wet = _shift(dry, ratio, 0.03 * RATE)
    model = learn_octave([_pair(dry, wet)], seconds=5.0)
    network = model.network
    assert isinstance(network, Modulation)
    slope = float(network.delay[-1] - network.delay[0]) * network.rate_hz / RATE
    assert 1 - slope == pytest.approx(ratio, rel=2e-3)
    heard = [x.astype(np.float32) for x in (_play(model, dry), wet, dry)]
    reached, without = (log_mel_distance(x, heard[1], RATE) for x in (heard[0], heard[2]))
    assert reached < 0.15 * without


def test_pedalboards_octave_is_found() -> None:
    """Learnt in five seconds: of sound never heard, less than a third of the distance is left."""
    pedalboard = pytest.importorskip("pedalboard")

    def wet(dry: np.ndarray) -> np.ndarray:
        return np.asarray(pedalboard.PitchShift(-12)(dry[None], RATE)[0])

    dry, other = dry_signal(6.0, RATE, 4), dry_signal(5.0, RATE, 5)
    reports: list[float] = []
    model = learn_octave([_pair(dry, wet(dry))], seconds=5.0, progress=reports.append)
    reached = log_mel_distance(_play(model, other.astype(np.float64)), wet(other), RATE)
    assert reached < 0.33 * log_mel_distance(other, wet(other), RATE)
    assert reports == sorted(reports)


def test_what_shifts_no_pitch_is_refused() -> None:
    """A gain is no shift; noise is far from any."""
    dry = dry_signal(3.0, RATE, 6)
    with pytest.raises(TrainingError, match="has the pitch of the dry"):
        learn_octave([_pair(dry, 0.5 * dry)])
    noise = np.random.default_rng(0).standard_normal(len(dry))
    with pytest.raises(TrainingError, match=r"no shift of pitch|has the pitch"):
        learn_octave([_pair(dry, noise)], seconds=2.0)
