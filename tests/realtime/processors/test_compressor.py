"""The compressor against the formulas of Giannoulis, Massberg and Reiss."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt
from tonerig.realtime.processors.compressor import Compressor

from tests.realtime.run import RATE, noise, prepared, run, sine

VALUES = {"threshold_db": -24.0, "ratio": 4.0, "knee_db": 6.0, "attack_ms": 5.0, "release_ms": 80.0}


def _curve(level: NDArray[np.float64], threshold: float, ratio: float, knee: float) -> NDArray[np.float64]:
    """Output level in dB for an input level in dB: equation 4 of the paper."""
    over = level - threshold
    bent = level + (1 / ratio - 1) * (over + knee / 2) ** 2 / (2 * max(knee, 1e-9))
    above = threshold + over / ratio
    return np.where(2 * over < -knee, level, np.where(2 * np.abs(over) <= knee, bent, above))


def _reference(x: NDArray[np.float64], values: dict[str, float]) -> NDArray[np.float64]:
    """Sample by sample: level, curve, smooth decoupled peak detector (equation 17), gain."""
    level = 20 * np.log10(np.maximum(np.abs(x), 1e-6))
    wanted = level - _curve(level, values["threshold_db"], values["ratio"], values["knee_db"])
    attack, release = (np.exp(-1000 / (values[name] * RATE)) for name in ("attack_ms", "release_ms"))
    held, reduction, gain = 0.0, 0.0, np.empty_like(x)
    for t, want in enumerate(wanted):
        held = max(want, release * held + (1 - release) * want)
        reduction = attack * reduction + (1 - attack) * held
        gain[t] = 10 ** ((values.get("makeup_db", 0.0) - reduction) / 20)
    return x * gain


@pytest.mark.parametrize(
    "changed",
    [{}, {"knee_db": 0.0}, {"ratio": 20.0, "makeup_db": 12.0}, {"attack_ms": 0.1, "release_ms": 5.0}],
    ids=["soft", "hard", "hot", "fast"],
)
def test_it_follows_the_papers_equations(changed: dict[str, float]) -> None:
    """Noise that swells and fades comes out as the equations in float64 say, within 2e-5."""
    signal = noise(0.4)[0] * np.linspace(0, 1, 19200, dtype=np.float32) ** 2
    values = VALUES | changed
    expected = _reference(signal.astype(np.float64), values)
    np.testing.assert_allclose(run(prepared(Compressor(values)), signal)[0], expected, atol=2e-5)


@pytest.mark.parametrize("level_db", [-60.0, -30.0, -25.0, -22.0, -10.0, 0.0])
def test_the_static_curve(level_db: float) -> None:
    """A constant level settles where the curve says, within 0.01 dB."""
    output = run(prepared(Compressor(VALUES)), np.full(48000, 10 ** (level_db / 20)))[0, -1]
    expected = _curve(np.array(level_db), -24.0, 4.0, 6.0)
    assert 20 * np.log10(output) == pytest.approx(float(expected), abs=0.01)


def test_both_channels_are_turned_down_alike() -> None:
    """The quiet channel gets the gain of the loud one."""
    left = noise(0.2)[0]
    output = run(prepared(Compressor(VALUES), 2), np.stack([left, left / 8]))
    np.testing.assert_allclose(output[1], output[0] / 8, rtol=1e-5)


def test_moved_parameters_make_no_zipper_noise() -> None:
    """Makeup and threshold turned under a 100 Hz sine stay 80 dB down above 3 kHz (a jump: 55)."""
    compressor = prepared(Compressor(VALUES | {"attack_ms": 30.0, "release_ms": 500.0}))
    changes = {24000: {"makeup_db": 18.0, "threshold_db": -40.0}}
    output = run(compressor, sine(100, 1.0, level=0.3), changes=changes)[0]
    high = sosfilt(butter(8, 3000, "highpass", fs=RATE, output="sos"), output)[23000:]
    assert np.abs(high).max() < 1e-4 * np.abs(output).max()
