"""Distances of two sounds, against values worked by hand and against pyloudnorm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tonerig.training.compare.distances import (
    closer_in_logmel,
    closer_in_waveform,
    emphasised_error_to_signal,
    error_to_signal,
    log_mel,
    log_mel_distance,
    loudness_and_peak,
    mel_window,
    spectral_distance,
)

RATE = 48000.0


def noise(seconds: float = 0.5, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """White noise, which is above the floor in every band."""
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def test_a_halved_signal_has_a_quarter_of_the_energy_as_error() -> None:
    """(x/2 - x)² over x² is 0.25, with and without pre-emphasis, which is linear."""
    sound = noise()
    assert error_to_signal(sound / 2, sound) == pytest.approx(0.25)
    assert emphasised_error_to_signal(sound / 2, sound) == pytest.approx(0.25)


def test_pre_emphasis_weighs_a_high_error_more() -> None:
    """A constant passes the difference with 0.05, the highest frequency with 1.95."""
    target = np.ones(1001)
    high = 0.1 * (-1.0) ** np.arange(1001)
    expected = (1.95 * 0.1) ** 2 / 0.05**2
    assert error_to_signal(target + high, target) == pytest.approx(0.01)
    assert emphasised_error_to_signal(target + high, target) == pytest.approx(expected)


def test_silence_as_target_is_infinitely_far_from_sound_and_equal_to_silence() -> None:
    """Nothing is divided by zero."""
    assert error_to_signal(np.ones(4), np.zeros(4)) == math.inf
    assert error_to_signal(np.zeros(4), np.zeros(4)) == 0.0


def test_a_gain_of_two_is_six_decibels_in_log_mel() -> None:
    """20 log10 2 in every band of every moment."""
    sound = noise()
    assert log_mel_distance(2 * sound, sound, RATE) == pytest.approx(20 * math.log10(2), abs=1e-6)
    assert log_mel_distance(sound, sound, RATE) == 0.0


@pytest.mark.parametrize("rate", [22050.0, 44100.0, 48000.0, 96000.0, 192000.0])
def test_every_mel_band_hears_noise_at_every_rate(rate: float) -> None:
    """No filter falls between the lines of the transform."""
    levels = log_mel(noise(0.3), rate)
    assert levels.shape == (80, 1 + len(noise(0.3)) // mel_window(rate)[1])
    assert np.all(levels.max(axis=1) > -60)


def test_a_full_scale_sine_is_near_zero_decibels_and_silence_at_the_floor() -> None:
    """1 kHz falls between two bands, which both hear the main lobe; nothing is below -80 dB."""
    sine = np.sin(2 * np.pi * 1000 * np.arange(24000) / RATE)
    assert log_mel(sine, RATE)[:, 5:-5].max() == pytest.approx(0.0, abs=2.5)
    assert np.all(log_mel(np.zeros(24000), RATE) == -80.0)


def test_a_kilohertz_is_in_the_band_at_fifteen_mel() -> None:
    """Slaney's scale: 200/3 Hz to a mel up to 1 kHz, 27 mel to a factor of 6.4 above; 80 bands to 20 kHz."""
    step = (15 + 27 * math.log(20) / math.log(6.4)) / 81
    sine = np.sin(2 * np.pi * 1000 * np.arange(24000) / RATE)
    loudest = int(log_mel(sine, RATE)[:, 20].argmax())
    assert abs(step * (loudest + 1) - 15) <= step / 2


def test_the_mel_distance_does_not_hear_polarity() -> None:
    """Of a power spectrum only."""
    assert log_mel_distance(-noise(), noise(), RATE) == pytest.approx(0.0, abs=1e-9)


def test_a_true_peak_between_samples_is_found() -> None:
    """A sine of a quarter of the rate, sampled at 45 degrees, has samples of 0.707 and peaks of 1."""
    fade = np.hanning(4000)  # a sudden start would peak higher
    envelope = np.concatenate([fade[:2000], np.ones(44000), fade[2000:]])
    sine = envelope * np.sin(2 * np.pi * np.arange(48000) / 4 + np.pi / 4)
    assert np.abs(sine).max() == pytest.approx(math.sqrt(0.5))
    assert loudness_and_peak(sine, RATE)[1] == pytest.approx(0.0, abs=0.1)


def test_loudness_is_what_pyloudnorm_says() -> None:
    """Another implementation of the same standard, on a sound of two levels."""
    pyloudnorm = pytest.importorskip("pyloudnorm")
    sound = np.concatenate([noise(1.0, 0.1), noise(1.0, 0.02, seed=1)])
    meter = pyloudnorm.Meter(RATE, filter_class="DeMan")
    assert loudness_and_peak(sound, RATE)[0] == pytest.approx(meter.integrated_loudness(sound), abs=0.1)
    assert loudness_and_peak(np.zeros(48000), RATE) == (-math.inf, -math.inf)


def test_the_spectral_distance_falls_to_nothing_for_equal_sounds() -> None:
    """And grows with the difference; torch and auraloss do the work."""
    pytest.importorskip("auraloss")
    sound = noise()
    near, far = sound + noise(level=0.01, seed=1), sound + noise(level=0.1, seed=1)
    assert spectral_distance(sound, sound) == pytest.approx(0.0, abs=1e-4)
    assert 0.0 < spectral_distance(near, sound) < spectral_distance(far, sound)


def test_the_output_is_closer_where_it_lies_between_dry_and_wet() -> None:
    """The least a model must do: between dry and wet is closer, beyond the dry sound is not."""
    dry = noise()
    wet = np.tanh(20 * dry)
    between, beyond = (dry + 2 * wet) / 3, dry - 0.2 * (wet - dry)
    assert closer_in_waveform(dry, wet, between)
    assert not closer_in_waveform(dry, wet, beyond)
    assert closer_in_logmel(dry, wet, between, RATE)
    assert not closer_in_logmel(dry, wet, dry / 2, RATE)
    assert not closer_in_waveform(dry, wet, dry)
