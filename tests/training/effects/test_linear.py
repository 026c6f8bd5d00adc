"""Filters and rooms learnt from sound that is no impulse: known responses, noise, and sound that is unfit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from tonerig.export.model import Convolution, NeuralModel, Stack
from tonerig.training.effects import linear
from tonerig.training.effects.config import TrainingError
from tonerig.training.effects.data import Pair
from tonerig.training.effects.least_squares import NormalEquations, lagged_products
from tonerig.training.signals import dry_signal

RATE = 16000.0


def sound(seconds: float, seed: int = 1) -> np.ndarray:
    """The generated guitar at the tests' rate."""
    return dry_signal(seconds, RATE, seed)


def filtered(dry: np.ndarray, b: object, a: object = 1.0) -> np.ndarray:
    """SciPy's difference equation, as float32."""
    return np.asarray(signal.lfilter(b, a, dry.astype(np.float64)), np.float32)


def played(model: NeuralModel, dry: np.ndarray) -> np.ndarray:
    """The output of a model of one convolution, by SciPy."""
    assert isinstance(model.network, Stack)
    (layer,) = model.network.layers
    assert isinstance(layer, Convolution) and layer.weight.shape[:2] == (1, 1)
    return np.asarray(
        signal.lfilter(layer.weight[0, 0, ::-1].astype(np.float64), 1.0, dry.astype(np.float64))
    )


def esr(output: np.ndarray, wet: np.ndarray) -> float:
    """Energy of the difference over that of the wet sound."""
    return float(((output - wet) ** 2).sum() / (wet.astype(np.float64) ** 2).sum())


def test_lagged_products_are_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Correlations computed in blocks are those written out."""
    monkeypatch.setattr("tonerig.training.effects.least_squares.SHORTEST_BLOCK", 64)
    rng = np.random.default_rng(1)
    target, source = rng.standard_normal((2, 500))
    expected = [target[k:] @ source[: 500 - k] for k in range(37)]
    np.testing.assert_allclose(lagged_products(target, source, 37), expected, atol=1e-10)


def test_normal_equations_are_those_of_the_matrix() -> None:
    """The fast product equals A'A with A written out, and the solution NumPy's, with two sounds."""
    rng = np.random.default_rng(2)
    sounds = [(rng.standard_normal(n), rng.standard_normal(n)) for n in (90, 20)]
    taps = 32
    rows = []
    for dry, _ in sounds:
        padded = np.concatenate((np.zeros(taps - 1), dry))
        rows.append(np.lib.stride_tricks.sliding_window_view(padded, taps)[:, ::-1])
    matrix, wet = np.concatenate(rows), np.concatenate([y for _, y in sounds])
    equations = NormalEquations.of(sounds, taps)
    vector = rng.standard_normal(taps)
    np.testing.assert_allclose(equations.multiply(vector), matrix.T @ (matrix @ vector), atol=1e-9)
    regularised = matrix.T @ matrix + 1e-3 * equations.power * np.eye(taps)
    np.testing.assert_allclose(
        equations.solve(1e-3), np.linalg.solve(regularised, matrix.T @ wet), rtol=1e-6, atol=1e-9
    )


def test_a_known_response_is_found() -> None:
    """The taps of an FIR filter are those that SciPy filtered with."""
    taps = np.random.default_rng(3).standard_normal(300) * np.exp(-np.arange(300) / 60)
    dry = sound(4.0)
    found = linear.learn_response([Pair("x", dry, filtered(dry, taps), RATE)], 300)
    np.testing.assert_allclose(found, taps, atol=1e-3)


def test_a_filter_gets_the_length_it_needs() -> None:
    """A recursive high-pass becomes some hundred taps that hold for sound never heard."""
    b, a = signal.butter(2, 200.0, "highpass", fs=RATE)
    dry, other = sound(6.0), sound(2.0, seed=9)
    shares: list[float] = []
    model = linear.learn_linear(
        [Pair("x", dry, filtered(dry, b, a), RATE)], name="Cut", gear_type="pedal", progress=shares.append
    )
    assert esr(played(model, other), filtered(other, b, a)) < 1e-7
    assert isinstance(model.network, Stack) and isinstance(model.network.layers[0], Convolution)
    assert 100 <= model.network.layers[0].kernel <= 2000
    assert (model.sample_rate, model.metadata.name, model.metadata.gear_type) == (RATE, "Cut", "pedal")
    assert model.metadata.loudness_db is not None and -60 < model.metadata.loudness_db < 0
    assert "is linear" in model.metadata.extra["linearity"]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_pedalboard_filter_is_learnt() -> None:
    """What JUCE's low-pass does to sound never heard is met far below its own noise."""
    pedalboard = pytest.importorskip("pedalboard", reason="pedalboard is not installed")
    lowpass = pedalboard.LowpassFilter(900.0)
    dry, other = sound(5.0), sound(2.0, seed=4)
    model = linear.learn_linear([Pair("x", dry, lowpass(dry, RATE), RATE)], longest_s=0.25)
    assert esr(played(model, other), lowpass(other, RATE)) < 1e-8


def test_several_pairs_are_one_effect() -> None:
    """Two short recordings together give the response, also where one alone has only a low tone."""
    taps = np.array((0.5, 0.0, -0.25, 0.1))
    low = np.sin(2 * np.pi * 110 * np.arange(8000) / RATE).astype(np.float32)
    pairs = [Pair(str(n), dry, filtered(dry, taps), RATE) for n, dry in enumerate((low, sound(3.0)))]
    np.testing.assert_allclose(linear.learn_response(pairs, 8)[:4], taps, atol=1e-4)


def test_noise_is_not_learnt() -> None:
    """With noise 60 dB below the wet sound, the model is closer to the clean sound than the noise is."""
    taps = np.random.default_rng(5).standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    dry, other = sound(10.0), sound(2.0, seed=6)
    wet = filtered(dry, taps)
    noise = 1e-3 * np.sqrt(np.mean(wet**2)) * np.random.default_rng(7).standard_normal(len(wet))
    model = linear.learn_linear([Pair("x", dry, (wet + noise).astype(np.float32), RATE)], longest_s=0.5)
    assert esr(played(model, other), filtered(other, taps)) < 1e-6
    assert model.metadata.validation_esr is not None and 1e-7 < model.metadata.validation_esr < 1e-4


def test_what_was_not_played_does_not_blow_up() -> None:
    """A dry sound without treble gives a response without any, in spite of noise in the wet."""
    b, a = signal.butter(6, 1000.0, fs=RATE)
    dull = filtered(filtered(sound(8.0), b, a), b, a)
    noise = 1e-4 * np.random.default_rng(8).standard_normal(len(dull))
    found = linear.learn_response([Pair("x", dull, (0.5 * dull + noise).astype(np.float32), RATE)], 256)
    response = np.abs(np.fft.rfft(found, 4096))
    frequency = np.arange(len(response)) * RATE / 4096
    np.testing.assert_allclose(response[(frequency > 100) & (frequency < 700)], 0.5, atol=0.01)
    assert response.max() < 1.0


def test_linearity_falls_with_distortion() -> None:
    """A filter is linear beyond 60 dB, a hard clipper a few dB, and the sentences say so."""
    dry = sound(4.0)
    clean = linear.linearity_db([Pair("x", dry, filtered(dry, (0.3, 0.2)), RATE)], 64)
    driven = linear.linearity_db([Pair("x", dry, np.clip(20 * dry, -0.5, 0.5), RATE)], 64)
    assert driven < 10 < 60 < clean
    assert "not linear" in linear.describe_linearity(driven)
    assert "some of the effect" in linear.describe_linearity(20.0)


@pytest.mark.parametrize(
    ("wet", "said"),
    [
        (sound(3.0, seed=5)[::-1].copy(), "belong together"),
        (np.zeros(48000, np.float32), "wet sound is silent"),
        (np.full(48000, np.nan, np.float32), "NaN"),
        (np.zeros(47999, np.float32), "equal length"),
    ],
)
def test_unfit_pairs_are_refused(wet: np.ndarray, said: str) -> None:
    """Unrelated sound, silence, NaN and different lengths each get a sentence that names the pair."""
    with pytest.raises(TrainingError, match=f"take 1.*{said}"):
        linear.learn_linear([Pair("take 1", sound(3.0), wet, RATE)])


def test_no_pairs_and_two_rates_are_refused() -> None:
    """Nothing to learn from, and rates that differ, are said."""
    with pytest.raises(TrainingError, match="at least one pair"):
        linear.learn_linear([])
    dry = sound(1.0)
    with pytest.raises(TrainingError, match=r"b: the rate is 8000 Hz.*16000 Hz"):
        linear.learn_response([Pair("a", dry, dry, RATE), Pair("b", dry, dry, 8000.0)], 8)
