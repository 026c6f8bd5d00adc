"""The compressor against its difference equation and its static curve."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.training.effects.teachers import find_teacher, wet_signal
from tonerig.training.signals import dry_signal

RATE = 48000.0


def _compressed(
    x: np.ndarray, threshold_db: float, ratio: float, attack: float, release: float
) -> np.ndarray:
    """A peak follower of one pole for each direction, and a hard knee (juce::dsp's description)."""
    poles = [np.exp(-2 * np.pi * 1000.0 / (time * RATE)) for time in (attack, release)]
    threshold, envelope, gain = 10 ** (threshold_db / 20), 0.0, np.empty(len(x))
    for n, level in enumerate(np.abs(x.astype(np.float64))):
        pole = poles[0] if level > envelope else poles[1]
        envelope = level + pole * (envelope - level)
        gain[n] = 1.0 if envelope < threshold else (envelope / threshold) ** (1 / ratio - 1)
    return gain * x


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold_db": -30.0, "ratio": 4.0, "attack_ms": 8.0, "release_ms": 120.0},
        {"threshold_db": -45.0, "ratio": 12.0, "attack_ms": 0.5, "release_ms": 40.0},
    ],
)
def test_it_follows_its_difference_equation(settings: dict[str, float]) -> None:
    """Sample for sample, the first settings being the defaults but for the makeup."""
    dry = dry_signal(2.0, RATE, 4)
    wet = wet_signal(find_teacher("compressor"), dry, RATE, {**settings, "makeup_db": 0.0})
    np.testing.assert_allclose(wet, _compressed(dry, *settings.values()), atol=2e-4)
    default = wet_signal(find_teacher("compressor"), dry, RATE, {})
    if settings["ratio"] == 4.0:
        np.testing.assert_allclose(default, 10 ** (8 / 20) * wet, atol=1e-5)


def test_the_static_curve_bends_at_the_threshold() -> None:
    """A long square wave loses nothing below -30 dBFS, and three of four dB above it at ratio 4."""
    for level_db, expected_db in ((-40.0, -40.0), (-31.0, -31.0), (-26.0, -29.0), (-10.0, -25.0)):
        square = np.where(np.arange(96000) % 480 < 240, 1.0, -1.0) * 10 ** (level_db / 20)
        wet = wet_signal(find_teacher("compressor"), square.astype(np.float32), RATE, {"makeup_db": 0.0})
        assert abs(20 * np.log10(np.abs(wet[-4800:]).mean()) - expected_db) < 0.05
