"""The parametric equalizer against the cookbook."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import freqz, sosfilt
from tonerig.realtime.processors.equalizer import Equalizer

from tests.realtime.run import RATE, noise, prepared, response, run

FREQUENCIES = np.geomspace(20, 20000, 60)


def cookbook(kind: str, frequency: float, gain_db: float, q: float) -> NDArray[np.float64]:
    """A section (b0, b1, b2, 1, a1, a2) by R. Bristow-Johnson's formulas."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * frequency / RATE
    cosine, alpha = np.cos(w), np.sin(w) / (2 * q)
    if kind == "peak":
        section = [1 + alpha * a, -2 * cosine, 1 - alpha * a, 1 + alpha / a, -2 * cosine, 1 - alpha / a]
    else:
        sign, root = (1 if kind == "low" else -1), 2 * np.sqrt(a) * alpha
        section = [
            a * ((a + 1) - sign * (a - 1) * cosine + root),
            sign * 2 * a * ((a - 1) - sign * (a + 1) * cosine),
            a * ((a + 1) - sign * (a - 1) * cosine - root),
            (a + 1) + sign * (a - 1) * cosine + root,
            -sign * 2 * ((a - 1) + sign * (a + 1) * cosine),
            (a + 1) + sign * (a - 1) * cosine - root,
        ]
    return np.array(section) / section[3]


SETTINGS = [
    ({"low_hz": 120, "low_db": 9}, ("low", 120, 9, 0.5**0.5)),
    ({"low_hz": 500, "low_db": -15}, ("low", 500, -15, 0.5**0.5)),
    ({"low_mid_hz": 400, "low_mid_db": -12, "low_mid_q": 4}, ("peak", 400, -12, 4)),
    ({"high_mid_hz": 3000, "high_mid_db": 18, "high_mid_q": 0.5}, ("peak", 3000, 18, 0.5)),
    ({"high_hz": 6000, "high_db": 10}, ("high", 6000, 10, 0.5**0.5)),
    ({"high_hz": 9000, "high_db": -20}, ("high", 9000, -20, 0.5**0.5)),
]


@pytest.mark.parametrize(("values", "section"), SETTINGS)
def test_each_band_has_the_response_of_the_cookbook(
    values: dict[str, float], section: tuple[str, float, float, float]
) -> None:
    """The measured response is the formula's, in magnitude and phase, from 20 Hz to 20 kHz."""
    band = cookbook(*section)
    expected = freqz(band[:3], band[3:], FREQUENCIES, fs=RATE)[1]
    np.testing.assert_allclose(response(prepared(Equalizer(values)), FREQUENCIES), expected, atol=2e-5 * 10)


def test_all_bands_together_filter_as_scipy_does() -> None:
    """Noise through four bands equals SciPy's cascade of the cookbook's sections within 1e-5."""
    values = {name: value for setting in SETTINGS[::2] for name, value in setting[0].items()} | SETTINGS[3][0]
    sections = [cookbook(*SETTINGS[k][1]) for k in (0, 2, 3, 4)]
    signal = noise(0.5, level=0.1)
    expected = sosfilt(np.array(sections), signal[0].astype(np.float64))
    np.testing.assert_allclose(run(prepared(Equalizer(values)), signal)[0], expected, atol=1e-5)


def test_a_flat_equalizer_changes_nothing() -> None:
    """With all gains at 0 dB the samples come out as they went in."""
    signal = noise(0.1)
    np.testing.assert_allclose(run(prepared(Equalizer()), signal), signal, atol=1e-7)


def test_swept_bands_stay_stable() -> None:
    """Parameters thrown between their extremes each 50 samples leave a bounded output."""
    rng = np.random.default_rng(5)
    equalizer = prepared(Equalizer())
    changes = {
        sample: {p.name: float(rng.choice([p.minimum, p.maximum])) for p in Equalizer.parameters}
        for sample in range(0, 24000, 50)
    }
    assert np.abs(run(equalizer, noise(0.5, level=0.1), changes=changes)).max() < 1000
