"""Compressors found again in what they make of sound: plain formulas, and pedalboard's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from tonerig.export.model import Compression, NeuralModel
from tonerig.training.effects.compression import learn_compression
from tonerig.training.effects.config import TrainingError
from tonerig.training.effects.data import Pair
from tonerig.training.signals import dry_signal

RATE = 16000.0


def _compress(dry: np.ndarray, times_s: tuple[float, float], threshold_db: float, ratio: float) -> np.ndarray:
    """A hard knee over a peak envelope, sample by sample as the textbooks write it."""
    attack, release = (np.exp(-1 / (RATE * time)) for time in times_s)
    output, envelope = np.empty(len(dry)), 0.0
    for n, x in enumerate(dry.astype(np.float64)):
        a = attack if abs(x) > envelope else release
        envelope = a * envelope + (1 - a) * abs(x)
        over = max(20 * np.log10(max(envelope, 1e-9)) - threshold_db, 0.0)
        output[n] = x * 10 ** (over * (1 / ratio - 1) / 20)
    return output


def _play(model: NeuralModel, dry: np.ndarray) -> np.ndarray:
    """What the model makes of a sound, by the formula of `Compression`'s docstring."""
    network = model.network
    assert isinstance(network, Compression)
    output, e = np.empty(len(dry)), 0.0
    for n, x in enumerate(dry.astype(np.float64)):
        e += (1 - (network.attack if abs(x) > e else network.release)) * (abs(x) - e)
        output[n] = x * 10 ** (np.interp(20 * np.log10(e + 1e-30), network.levels_db, network.gains_db) / 20)
    return lfilter(network.response.astype(np.float64), 1, output)


def _pair(dry: np.ndarray, wet: np.ndarray) -> Pair:
    return Pair("take", dry.astype(np.float32), wet.astype(np.float32), RATE)


def _esr(output: np.ndarray, wet: np.ndarray) -> float:
    return float(np.sum((output - wet) ** 2) / np.sum(wet**2))


@pytest.mark.parametrize("times_s", [(1e-3, 0.05), (0.01, 0.3)])
def test_times_and_curve_are_found_under_noise(times_s: tuple[float, float]) -> None:
    """Attack and release to 2 %, the curve to 0.2 dB, from eight seconds with noise at -60 dB."""
    dry = dry_signal(8.0, RATE, 3)
    wet = _compress(dry, times_s, -30.0, 4.0)
    noise = 1e-3 * np.sqrt(np.mean(wet**2)) * np.random.default_rng(0).standard_normal(len(wet))
    network = learn_compression([_pair(dry, wet + noise)]).network
    assert isinstance(network, Compression)
    found = [-1 / (RATE * np.log(a)) for a in (network.attack, network.release)]
    assert found == pytest.approx(times_s, rel=0.02)
    for level, gain in ((-35.0, 0.0), (-20.0, -7.5), (-10.0, -15.0)):
        assert np.interp(level, network.levels_db, network.gains_db) == pytest.approx(gain, abs=0.2)


def test_a_filter_after_the_compressor_is_found() -> None:
    """Sound never learnt from comes out right through compressor and filter together."""
    taps = np.array([0.6, 0.3, -0.2, 0.1])
    dry, other = dry_signal(8.0, RATE, 4), dry_signal(2.0, RATE, 5)
    wet, expected = (lfilter(taps, 1, _compress(x, (2e-3, 0.1), -26.0, 8.0)) for x in (dry, other))
    assert _esr(_play(learn_compression([_pair(dry, wet)], taps=8), other), expected) < 1e-4


def test_the_curve_goes_on_above_what_was_heard() -> None:
    """Sound 6 dB over full scale is compressed by the slope that was learnt."""
    dry = dry_signal(8.0, RATE, 3)
    network = learn_compression([_pair(dry, _compress(dry, (1e-3, 0.05), -30.0, 4.0))]).network
    assert isinstance(network, Compression)
    assert np.interp(6.0, network.levels_db, network.gains_db) == pytest.approx(-27.0, abs=0.5)


def test_pedalboards_compressor_is_found() -> None:
    """On sound never learnt from, next to nothing is left of the error."""
    pedalboard = pytest.importorskip("pedalboard")

    def wet(dry: np.ndarray) -> np.ndarray:
        effect = pedalboard.Compressor(threshold_db=-24, ratio=4, attack_ms=5, release_ms=120)
        return np.asarray(effect(dry[None], RATE)[0])

    dry, other = dry_signal(8.0, RATE, 6), dry_signal(2.0, RATE, 7)
    reports: list[float] = []
    model = learn_compression([_pair(dry, wet(dry))], progress=reports.append)
    assert _esr(_play(model, other), wet(other)) < 1e-5
    assert reports == sorted(reports)
    assert reports[-1] == 1.0


def test_what_is_no_compressor_is_refused() -> None:
    """Wet sound that has nothing to do with the dry gets a sentence with the number."""
    dry = dry_signal(2.0, RATE, 8)
    wet = np.random.default_rng(0).standard_normal(len(dry))
    with pytest.raises(TrainingError, match=r"no compressor makes .* % of its energy"):
        learn_compression([_pair(dry, wet)])
